"""The slow way of asking an event: by walking it, with the values of one array element together.

An event is its leaves: strings, numbers, true, false and null; objects and empty arrays are none.
A field's name is the names on the way joined by dots, so names that hold dots meet nested ones.
Arrays are entered. Where fields run through one array of objects (or arrays), the values that pass
must come from one element of it; values that lie in an array itself are bound to no element.
Fields are decided in the order of their names, and one that must be absent is absent from the
elements that the fields before it settled on. Source: lang: EventBridge 2, 1 to 4.

The time is bounded: a state of the search (what the fields so far settled on, as far as later ones
run through it) is looked at once. If an event still needs more than MOST_STEPS, elements are no
longer kept apart: then a rule rather fires than not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opentrail.rules.passing import Leaf, Passes

MOST_STEPS = 100_000
"""Values looked at in one event for one combination of fields: some 50 ms."""

Event = Mapping[str, Any]
Chosen = dict[int, tuple[int, str]]
"""By an array's identity: the element settled on, and the array's name."""

_NOTHING: Chosen = {}


class Field:
    """One field of a pattern."""

    def __init__(self, path: str, passes: Passes, *, may_be_absent: bool) -> None:
        self.path = path
        self.passes = passes
        self.may_be_absent = may_be_absent
        self.names = tuple(path.split("."))
        """The names on the way in an event whose names hold no dots."""
        self._ways: dict[int, tuple[tuple[str, int], ...]] = {}

    def ways(self, depth: int) -> tuple[tuple[str, int], ...]:
        """The names that an object may have for the path from `depth` on, and how deep they go."""
        found = self._ways.get(depth)
        if found is None:
            ends = range(depth + 1, len(self.names) + 1)
            found = tuple((".".join(self.names[depth:end]), end) for end in ends)
            self._ways[depth] = found
        return found

    def place(self, depth: int) -> str:
        """The name of what lies at that depth."""
        return ".".join(self.names[:depth])


class _TooMuch(Exception):
    """The event takes more steps than MOST_STEPS."""


@dataclass(slots=True)
class _Steps:
    left: int = MOST_STEPS

    def take(self, some: int) -> None:
        self.left -= some
        if self.left < 0:
            raise _TooMuch


class Fields:
    """The fields of one combination, in the order of their names."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self._fields = tuple(sorted(fields, key=lambda field: field.path))
        self._places: list[frozenset[str]] = []

    def hold(self, event: Event) -> bool:
        """Whether all of them hold together."""
        try:
            return self._search(event, _Steps())
        except _TooMuch:
            return all(_holds_alone(event, field) for field in self._fields)

    def _search(self, event: Event, steps: _Steps) -> bool:
        seen: set[tuple[int, frozenset[tuple[int, int]]]] = set()
        under_way = [self._options(event, 0, _NOTHING, steps)]
        while under_way:
            chosen = next(under_way[-1], None)
            if chosen is None:
                under_way.pop()
                continue
            number = len(under_way)
            if number == len(self._fields):
                return True
            state = (number, frozenset((array, index) for array, (index, _) in chosen.items()))
            if state not in seen:
                seen.add(state)
                under_way.append(self._options(event, number, chosen, steps))
        return False

    def _options(
        self, event: Event, number: int, chosen: Chosen, steps: _Steps
    ) -> Iterator[Chosen]:
        """What may be settled on once the field of that number holds, too."""
        field, is_absent = self._fields[number], True
        for leaf, chain in _leaves(event, field, chosen, steps):
            is_absent = False
            if field.passes(leaf):
                yield self._still_of_use(chosen | chain, number + 1)
        if is_absent and field.may_be_absent:
            yield self._still_of_use(chosen, number + 1)

    def _still_of_use(self, chosen: Chosen, number: int) -> Chosen:
        """Without arrays that none of the fields from that number on runs through."""
        if not self._places:
            self._places = self._all_places()
        places = self._places[number]
        return {array: one for array, one in chosen.items() if one[1] in places}

    def _all_places(self) -> list[frozenset[str]]:
        places: list[frozenset[str]] = [frozenset()]
        for field in reversed(self._fields):
            own = {field.place(depth) for depth in range(1, len(field.names) + 1)}
            places.append(places[-1] | own)
        return places[::-1]


def _leaves(
    event: Event, field: Field, chosen: Chosen, steps: _Steps
) -> Iterator[tuple[Leaf, Chosen]]:
    """The values of a field, with what each settles on, that agree with what is chosen."""
    end = len(field.names)
    waiting: list[tuple[Any, int, Chosen]] = [(event, 0, _NOTHING)]
    while waiting:
        value, depth, chain = waiting.pop()
        steps.take(1)
        if isinstance(value, dict):
            waiting += [(value[name], to, chain) for name, to in field.ways(depth) if name in value]
        elif isinstance(value, list):
            only = chosen.get(id(value))
            if only is not None and depth < end:
                waiting.append((value[only[0]], depth, chain))
                continue
            steps.take(len(value))
            place = field.place(depth)
            for index, element in enumerate(value):
                if not isinstance(element, dict | list):
                    if depth == end:
                        waiting.append((element, depth, chain))
                elif only is None or only[0] == index:
                    waiting.append((element, depth, chain | {id(value): (index, place)}))
        elif depth == end:
            yield value, chain


def _holds_alone(event: Event, field: Field) -> bool:
    if field.may_be_absent:
        return True
    unlimited = _Steps(left=1 << 62)
    return any(field.passes(leaf) for leaf, _ in _leaves(event, field, _NOTHING, unlimited))


def has_dotted_names(event: Event) -> bool:
    """Whether any object in the event has a name that holds a dot."""
    waiting: list[Any] = [event]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            for name, member in value.items():
                if "." in name:
                    return True
                if isinstance(member, dict | list):
                    waiting.append(member)
        else:
            waiting += [one for one in value if isinstance(one, dict | list)]
    return False
