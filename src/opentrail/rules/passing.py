"""Whether one value of an event passes one of the values that a pattern has for its field.

Strings, numbers and true, false, null never equal each other. Numbers compare as doubles, however
they are spelled. No value makes a comparison slow: wildcards are found piece by piece, without
going back. Source: lang: EventBridge 2, 5 to 11.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from opentrail.predicate.reading import Spelled
from opentrail.rules.values import (
    Affix,
    AnythingBut,
    Constant,
    Exists,
    Network,
    Number,
    Range,
    SameLetters,
    Text,
    Value,
    Wildcard,
    address_of,
)

Leaf = Any
"""A string, number (int, or Spelled), true, false or None, as predicate.reading decodes them."""

Passes = Callable[[Leaf], bool]


def may_be_absent(values: Sequence[Value]) -> bool:
    """Whether a field without any value passes."""
    return Exists(wanted=False) in values


def any_passes(values: Sequence[Value]) -> Passes:
    """Whether a value that is there passes one of `values`."""
    if Exists(wanted=True) in values:
        return lambda _: True
    texts = frozenset(one.text for one in values if isinstance(one, Text) and one.address is None)
    rest = [
        _passes(one)
        for one in values
        if not isinstance(one, Exists) and not (isinstance(one, Text) and one.address is None)
    ]
    if not rest:
        return lambda leaf: type(leaf) is str and leaf in texts
    if not texts and len(rest) == 1:
        return rest[0]
    others = tuple(rest)

    def passes(leaf: Leaf) -> bool:
        if type(leaf) is str and leaf in texts:
            return True
        for one in others:  # noqa: SIM110 - any() of a generator takes half as long again
            if one(leaf):
                return True
        return False

    return passes


def number_of(leaf: Leaf) -> float | None:
    """The double of a number, None for what is no number; what is too large is infinite."""
    kind = type(leaf)
    if kind is Spelled or kind is float:
        return float(leaf)
    if kind is int:
        try:
            return float(leaf)
        except OverflowError:
            return math.copysign(math.inf, leaf)
    return None


def _passes(value: Value) -> Passes:
    match value:
        case Text():
            return _text(value)
        case Number():
            return _number(value.spelled)
        case Constant():
            constant = value.value
            return lambda leaf: leaf is constant
        case AnythingBut():
            return _anything_but(value)
        case Range():
            return _range(value)
        case Exists():
            wanted = value.wanted
            return lambda _: wanted
        case Affix() | SameLetters() | Wildcard() | Network():
            fits = _fits(value)
            return lambda leaf: type(leaf) is str and fits(leaf)


def _text(value: Text) -> Passes:
    text, address = value.text, value.address
    if address is None:
        return lambda leaf: type(leaf) is str and leaf == text
    return lambda leaf: type(leaf) is str and (leaf == text or address_of(leaf) == address)


def _number(spelled: str) -> Passes:
    wanted = float(spelled)
    if math.isfinite(wanted):
        return lambda leaf: number_of(leaf) == wanted
    return lambda leaf: type(leaf) in (Spelled, int) and str(leaf) == spelled


def _range(value: Range) -> Passes:
    low, high = value.low, value.high
    low_is_open, high_is_open = value.low_is_open, value.high_is_open

    def passes(leaf: Leaf) -> bool:
        number = number_of(leaf)
        if number is None or not math.isfinite(number):
            return False
        if low is not None and (number < low or (low_is_open and number == low)):
            return False
        return high is None or number < high or (number == high and not high_is_open)

    return passes


def _anything_but(value: AnythingBut) -> Passes:
    numbers = [_number(one.spelled) for one in value.values if isinstance(one, Number)]
    if numbers:
        return lambda leaf: not any(one(leaf) for one in numbers)
    texts = frozenset(one.text for one in value.values if isinstance(one, Text))
    if texts:
        return lambda leaf: type(leaf) is not str or leaf not in texts
    fits = [_fits(one) for one in value.values if isinstance(one, Affix | SameLetters | Wildcard)]
    return lambda leaf: type(leaf) is not str or not any(one(leaf) for one in fits)


def _fits(value: Affix | SameLetters | Wildcard | Network) -> Callable[[str], bool]:
    match value:
        case Affix():
            return _affix(value)
        case SameLetters():
            return _same_letters(value.text)
        case Wildcard():
            return _wildcard(value.pieces)
        case Network():
            return _network(value)


def _affix(value: Affix) -> Callable[[str], bool]:
    text = value.text
    if value.ignore_case:
        letters = _letters(text)
        if value.at_end:
            return lambda leaf: _start(leaf, letters) is not None
        return lambda leaf: _end(leaf, letters) is not None
    if value.at_end:
        return lambda leaf: leaf.endswith(text)
    return lambda leaf: leaf.startswith(text)


def _same_letters(text: str) -> Callable[[str], bool]:
    letters = _letters(text)
    if text.isascii():
        lower = text.lower()
        return lambda leaf: leaf.isascii() and leaf.lower() == lower
    return lambda leaf: _end(leaf, letters) == len(leaf)


_Letters = tuple[tuple[str, ...], ...]


def _letters(text: str) -> _Letters:
    """Each character as it is written, in lower and in upper case, the longest first."""
    return tuple(
        tuple(sorted({one, one.lower(), one.upper()}, key=len, reverse=True)) for one in text
    )


def _end(leaf: str, letters: _Letters) -> int | None:
    """Where the letters end that `leaf` starts with; None if it does not."""
    place = 0
    for ways in letters:
        found = next((one for one in ways if leaf.startswith(one, place)), None)
        if found is None:
            return None
        place += len(found)
    return place


def _start(leaf: str, letters: _Letters) -> int | None:
    """Where the letters start that `leaf` ends with; None if it does not."""
    place = len(leaf)
    for ways in reversed(letters):
        found = next((one for one in ways if leaf.endswith(one, 0, place)), None)
        if found is None:
            return None
        place -= len(found)
    return place


def _wildcard(pieces: Sequence[str]) -> Callable[[str], bool]:
    if len(pieces) == 1:
        whole = pieces[0]
        return lambda leaf: leaf == whole
    first, *middle, last = pieces
    shortest = len(first) + len(last)

    def fits(leaf: str) -> bool:
        if len(leaf) < shortest or not leaf.startswith(first) or not leaf.endswith(last):
            return False
        place, end = len(first), len(leaf) - len(last)
        for piece in middle:
            place = leaf.find(piece, place, end)
            if place < 0:
                return False
            place += len(piece)
        return True

    return fits


def _network(value: Network) -> Callable[[str], bool]:
    version, first, last = value.version, value.first, value.last

    def fits(leaf: str) -> bool:
        address = address_of(leaf)
        return (
            address is not None and address.version == version and first <= address.number <= last
        )

    return fits
