"""What is wrong with a query, and where."""

from __future__ import annotations

from opentrail.errors import InvalidInput


class MalformedQuery(InvalidInput):
    """A query that cannot be compiled; StartQuery answers it with MalformedQueryException.

    Attributes:
        start: The first character of what is wrong, counted from 0.
        end: Behind its last character; equal to `start` at the end of the query.
    """

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.start = start
        self.end = end
