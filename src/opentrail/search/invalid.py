"""A filter that cannot be read, and where it goes wrong."""

from __future__ import annotations

from opentrail.errors import InvalidInput

_SHOWN = 60


class InvalidFilter(InvalidInput):
    """The text is no filter; the message tells what was found and what was expected.

    Attributes:
        offset: Characters before the place, from 0.
    """

    def __init__(self, message: str, *, offset: int) -> None:
        super().__init__(f"{message} (at offset {offset})")
        self.offset = offset


def shown(text: str) -> str:
    """`text` in quotes, cut so that a message stays readable."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")
