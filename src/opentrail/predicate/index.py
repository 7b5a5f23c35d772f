"""Many predicates over one stream: a record is asked only those that it could pass.

Each predicate comes with a bound, an expression that holds wherever the predicate does. What the
bound says of a few key paths (for CloudTrail `eventName`, then `eventSource`) tells which values a
record must have there; predicates without such values are kept by a path that must be present.
So a record costs what the predicates that share its key cost, not what all of them do.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any as AnyValue
from typing import Generic, TypeVar

from opentrail.predicate.expression import (
    DERIVED,
    EVERYTHING,
    All,
    Any,
    Expression,
    FreeText,
    Not,
    Operator,
    Reference,
    Test,
)
from opentrail.predicate.reading import leads_to, texts_at

Record = Mapping[str, AnyValue]
Path = tuple[str, ...]
Name = TypeVar("Name", bound=Hashable)

MOST_VALUES = 1000
"""A key of more values than this says too little to be one."""


@dataclass(frozen=True, slots=True)
class Predicate:
    """What a rule asks of a record.

    Attributes:
        holds: The exact answer, of a record as reading.decoded gives it.
        bound: Holds for every record that `holds` is true of; EVERYTHING if nothing is known.
    """

    holds: Callable[[Record], bool]
    bound: Expression = EVERYTHING


class PredicateIndex(Generic[Name]):
    """Named predicates; never changes."""

    def __init__(self, predicates: Mapping[Name, Predicate], keys: Sequence[Path]) -> None:
        """Sort the predicates by what they need.

        Args:
            keys: Paths whose values tell predicates apart, the most telling first.
        """
        self._keyed: list[tuple[Path, dict[str, list[_Named[Name]]]]] = [(key, {}) for key in keys]
        self._present: dict[Path, list[_Named[Name]]] = {}
        self._always: list[_Named[Name]] = []
        for name, predicate in predicates.items():
            self._place((name, predicate.holds), predicate.bound)

    def _place(self, named: _Named[Name], bound: Expression) -> None:
        for key, by_value in self._keyed:
            values = allowed(bound, key)
            if values is not None and len(values) <= MOST_VALUES:
                for value in values:
                    by_value.setdefault(value, []).append(named)
                return
        needed = max(_present(bound), key=len, default=None)
        if needed is None:
            self._always.append(named)
        else:
            self._present.setdefault(needed, []).append(named)

    def matching(self, record: Record) -> list[Name]:
        """The names of all predicates that hold, each once."""
        found = [name for name, holds in self._always if holds(record)]
        for key, by_value in self._keyed:
            if by_value:
                found += self._by_key(record, key, by_value)
        for path, some in self._present.items():
            if leads_to(record, path):
                found += [name for name, holds in some if holds(record)]
        return found

    def _by_key(
        self, record: Record, key: Path, by_value: Mapping[str, list[_Named[Name]]]
    ) -> list[Name]:
        texts = {text.casefold() for text in texts_at(record, key)}
        if len(texts) == 1:
            return [name for name, holds in by_value.get(texts.pop(), ()) if holds(record)]
        asked = {named[0]: named for text in texts for named in by_value.get(text, ())}
        return [name for name, holds in asked.values() if holds(record)]


_Named = tuple[Name, Callable[[Record], bool]]


def allowed(bound: Expression, path: Path) -> frozenset[str] | None:
    """The casefolded texts one of which a record must have at `path`; None: any or none.

    An empty set: no record passes.
    """
    match bound:
        case Test() if bound.path == path and bound.operator is Operator.EQUALS:
            return None if bound.in_objects else frozenset({bound.value.casefold()})
        case All(parts):
            known = [some for part in parts if (some := allowed(part, path)) is not None]
            # Different texts of one array may pass different parts: no intersection.
            return min(known, key=len, default=None)
        case Any(parts):
            united: frozenset[str] = frozenset()
            for part in parts:
                some = allowed(part, path)
                if some is None:
                    return None
                united |= some
            return united
        case _:
            return None


def _present(bound: Expression) -> Iterator[Path]:
    """Paths that lead to something in every record that passes."""
    match bound:
        case Test(path):
            if path[0] not in DERIVED:
                yield path
        case Reference(path, _, other):
            yield path
            yield other
        case All(parts):
            for part in parts:
                yield from _present(part)
        case Any(parts):
            shared = [set(_present(part)) for part in parts]
            yield from sorted(set.intersection(*shared)) if shared else ()
        case Not() | FreeText():
            return
