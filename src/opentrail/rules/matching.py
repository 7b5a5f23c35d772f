"""Event patterns compiled: whether an event passes, in a few look-ups.

In an event whose names hold no dots a field's value lies where the pattern says, so each field is
asked by itself. Only where fields run into arrays of objects are they asked together, by walking
the event (rules.walking), as always in events that have names with dots.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from opentrail.rules.passing import Passes, any_passes, may_be_absent
from opentrail.rules.pattern import Pattern
from opentrail.rules.values import Value
from opentrail.rules.walking import Event, Field, Fields, has_dotted_names

Asked = Callable[[Event], bool | None]
"""Whether a field holds; None: it runs into an array, so it must be asked with others."""


class _Absent:
    """What stands where nothing is; null is something."""


_ABSENT: Final = _Absent()


_TOLD_ALREADY = ("detail-type", "source", "detail.eventSource", "detail.eventName")
"""Fields that the index of rules looks at, so that they seldom tell more: asked last."""


class Matcher:
    """A compiled pattern; never changes."""

    def __init__(self, pattern: Pattern) -> None:
        numbers: dict[tuple[str, int], int] = {}
        fields: list[Field] = []
        for combination in pattern.combinations:
            for path, values in combination:
                # Combinations share their fields' values.
                if numbers.setdefault((path, id(values)), len(fields)) == len(fields):
                    fields.append(_field(path, values))
        made = tuple(fields)
        numbered = [
            [numbers[path, id(values)] for path, values in combination]
            for combination in pattern.combinations
        ]
        walks = tuple(Fields([made[number] for number in some]) for some in numbered)
        asked = tuple(_asked(field) for field in made)
        ordered = [sorted(numbers, key=lambda number: _turn(made[number])) for numbers in numbered]
        self._walks = walks
        self.holds: Callable[[Event], bool] = (
            _one(tuple(asked[number] for number in ordered[0]), walks[0])
            if len(ordered) == 1
            else _any(tuple(map(tuple, ordered)), asked, walks)
        )
        """Whether an event passes that has no names with dots."""

    def holds_for_any(self, event: Event) -> bool:
        """Whether an event passes, whatever its names."""
        if has_dotted_names(event):
            return any(fields.hold(event) for fields in self._walks)
        return self.holds(event)


def _turn(field: Field) -> tuple[int, int]:
    told = _TOLD_ALREADY.index(field.path) if field.path in _TOLD_ALREADY else len(_TOLD_ALREADY)
    return -told, len(field.names)


def _one(asked: Sequence[Asked], walk: Fields) -> Callable[[Event], bool]:
    """Whether all fields hold."""

    def holds(event: Event) -> bool:
        in_arrays = False
        for field in asked:
            outcome = field(event)
            if outcome is None:
                in_arrays = True
            elif not outcome:
                return False
        return not in_arrays or walk.hold(event)

    return holds


def _any(
    combinations: Sequence[Sequence[int]], asked: Sequence[Asked], walks: Sequence[Fields]
) -> Callable[[Event], bool]:
    """Whether all fields of one combination hold; fields that combinations share are asked once."""

    def combination_holds(event: Event, number: int, known: dict[int, bool | None]) -> bool:
        in_arrays = False
        for field in combinations[number]:
            if field not in known:
                known[field] = asked[field](event)
            outcome = known[field]
            if outcome is None:
                in_arrays = True
            elif not outcome:
                return False
        return not in_arrays or walks[number].hold(event)

    def holds(event: Event) -> bool:
        known: dict[int, bool | None] = {}
        return any(combination_holds(event, number, known) for number in range(len(combinations)))

    return holds


def _field(path: str, values: tuple[Value, ...]) -> Field:
    return Field(path, any_passes(values), may_be_absent=may_be_absent(values))


def _asked(field: Field) -> Asked:
    names, passes, absent = field.names, field.passes, field.may_be_absent

    def asked(event: Event) -> bool | None:
        value: Any = event
        for name in names:
            if type(value) is dict:
                value = value.get(name, _ABSENT)
            elif type(value) is list:
                return None
            else:
                return absent
        return passes(value) if type(value) is str else _at_end(value, passes, absent=absent)

    if len(names) != 2:
        return asked
    first, second = names

    def asked_of_two(event: Event) -> bool | None:
        outer = event.get(first)
        if type(outer) is not dict:
            return None if type(outer) is list else absent
        value = outer.get(second, _ABSENT)
        return passes(value) if type(value) is str else _at_end(value, passes, absent=absent)

    return asked_of_two


def _at_end(value: Any, passes: Passes, *, absent: bool) -> bool:
    """Whether what lies at the end of a path passes; arrays there are entered."""
    if type(value) is list:
        return _in_array(value, passes, absent=absent)
    if value is _ABSENT or type(value) is dict:
        return absent
    return passes(value)


def _in_array(array: list[Any], passes: Passes, *, absent: bool) -> bool:
    waiting, is_empty = [array], True
    while waiting:
        for element in waiting.pop():
            if isinstance(element, list):
                waiting.append(element)
            elif not isinstance(element, Mapping):
                is_empty = False
                if passes(element):
                    return True
    return is_empty and absent
