"""What answers a query: SQL over relations that the engine provides.

`base`: the log events of the query's groups and time, with the columns of fields.Base and, for
events of the store, those of the open files. `late`: the rows that are shown, with `ord` and the
same columns. `patterns`: what clustering gave.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto


class Matched(Enum):
    """How many log events passed the filters."""

    ALL = auto()
    """All that were scanned: there is no filter."""
    COLUMN = auto()
    """What the column `matched` of `main` says; no rows mean none."""
    PATTERNS = auto()
    """As many as were clustered."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A column of the result.

    Attributes:
        early: Its column in `main`; "" where `late` has it.
        late: Its column in the late rows; "" where `main` has it.
        is_message: It is @message, null in `main` for events of the store.
    """

    name: str
    early: str = ""
    late: str = ""
    is_message: bool = False


@dataclass(frozen=True, slots=True)
class Late:
    """What is read for the rows that are shown alone.

    Attributes:
        sql: Gives `ord` and the late columns, as texts, from the relation `late`.
        columns: Of `late` that it reads.
    """

    sql: str
    columns: frozenset[str]


@dataclass(frozen=True, slots=True)
class Clustering:
    """`pattern`: what is done before `main`.

    Attributes:
        sql: Gives `p`, texts with what varies left out, `sample`, one of them, and `n`, how many.
        compares: `diff`: the same is asked of the period before.
    """

    sql: str
    compares: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a query is answered.

    Attributes:
        main: Gives the result's rows in order: for log events `src`, `seg`, `rw`, `t`, then the
            early columns as texts, and `matched` where that says so.
        narrow: SQL that log events of the store must pass; it reads columns of the open files
            alone. "" for none.
        columns: Of `base` that `main` (or the clustering) reads.
        shows_messages: `main` gives @message without computing with it.
        are_events: Each row is a log event, and has a pointer.
        parameters: Of all SQL here, by name.
    """

    main: str
    cells: tuple[Cell, ...]
    late: Late | None
    clustering: Clustering | None
    narrow: str
    columns: frozenset[str]
    shows_messages: bool
    are_events: bool
    matched: Matched
    parameters: Mapping[str, object]
