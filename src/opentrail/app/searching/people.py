"""Filters that ask for `person` or `session`: said by fields that records have.

What the index of sessions knows at that moment counts; a tail asks it once, when it begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from opentrail.adapters.sessions import SqliteSessionIndex
from opentrail.errors import InvalidInput
from opentrail.ports.sessions import rewrite
from opentrail.predicate.expression import (
    DERIVED,
    All,
    Any,
    Expression,
    FreeText,
    Not,
    Reference,
    Test,
)


@dataclass(frozen=True, slots=True)
class PeopleFields:
    """A Rewrite.

    Attributes:
        path: The index's file.
    """

    path: Path

    def __call__(self, expression: Expression) -> Expression:
        """The expression without fields of ours.

        Raises:
            InvalidInput: it has some, and there is no index.
        """
        if not _asks_for_people(expression):
            return expression
        if not self.path.exists():
            raise InvalidInput(
                "person and session are searched by an index that is not there; the server makes "
                "it from the events it holds"
            )
        # Opened anew: a connection is for one thread.
        index = SqliteSessionIndex(self.path)
        try:
            return rewrite(expression, index)
        finally:
            index.close()


def _asks_for_people(expression: Expression) -> bool:
    match expression:
        case Test():
            return expression.path[0] in DERIVED
        case All(parts) | Any(parts):
            return any(_asks_for_people(part) for part in parts)
        case Not(part):
            return _asks_for_people(part)
        case FreeText() | Reference():
            return False
