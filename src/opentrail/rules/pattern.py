"""Event patterns: read, checked, and as the fields that each combination of `$or` asks for.

A pattern's members must all hold, and of a field's values one. `$or` stands for one combination of
fields an object in it. Names that hold dots and nested names meet: {"a.b": [1]} is
{"a": {"b": [1]}}; of a field given twice the last counts. Source: EventBridge user guide,
"Amazon EventBridge event patterns"; lang: EventBridge 1, 3 and 4.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from opentrail.rules.operators import read_operator
from opentrail.rules.reader import InvalidEventPattern, PatternReader, Token
from opentrail.rules.values import (
    AnythingBut,
    ButKind,
    Constant,
    Number,
    Text,
    Value,
    Wildcard,
    address_of,
)

MOST_COMBINATIONS = 1000
MOST_FIELDS = 256
"""Of one combination; event-ruler's limit."""

MOST_WILDCARDS = 30
MOST_LIKE_WILDCARDS = 4
"""Stars of one string before the same character. AWS refuses `*:*:*:*:*:event-bus/*` and tells no
limit; these are ours."""

_TOO_COMPLEX = (
    "Rule is too complex - try using fewer wildcard characters or fewer repeating character "
    "sequences after a wildcard character"
)
_OR = "$or"
_RESERVED = frozenset(
    {
        *("exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists"),
        *("wildcard", "numeric", "cidr", "html", "=", "<", "<=", ">", ">=", "regex"),
        *("not-wildcard", "not-equals-ignore-case", "date-after", "date-on-or-after"),
        *("date-before", "date-on-or-before", "in-date-range", "ip-address-in-range"),
        "ip-address-not-in-range",
    }
)
"""Names that no field within `$or` may have."""


class TooComplex(InvalidEventPattern):
    """An event pattern costs more than is allowed."""


Fields = dict[str, tuple[Value, ...]]


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a rule asks of an event.

    Attributes:
        combinations: Of fields, one of which must hold: their dotted paths in ascending order,
            each with its values.
    """

    combinations: tuple[tuple[tuple[str, tuple[Value, ...]], ...], ...]


def parse_pattern(text: str) -> Pattern:
    """The pattern in `text`.

    Raises:
        InvalidEventPattern: AWS's reason.
    """
    reading = _Reading(text, before_or=False)
    try:
        combinations = reading.read()
    except TooComplex:
        raise
    except InvalidEventPattern:
        # Where `$or` is the name of a field, as it could be before it had a meaning.
        if not reading.met_or:
            raise
        combinations = _Reading(text, before_or=True).read()
    for fields in combinations:
        if len(fields) > MOST_FIELDS:
            raise TooComplex(f"The pattern has {len(fields)} fields; {MOST_FIELDS} are allowed")
    _check_wildcards(combinations)
    return Pattern(tuple(tuple(sorted(fields.items())) for fields in combinations))


class _Reading:
    """One text on its way to combinations."""

    def __init__(self, text: str, *, before_or: bool) -> None:
        self._reader = PatternReader(text)
        self._before_or = before_or
        self.met_or = False

    def read(self) -> list[Fields]:
        if self._reader.next() is not Token.OBJECT:
            raise self._reader.refusal("Filter is not an object")
        combinations: list[Fields] = []
        self._object(combinations, "", within_or=False)
        return combinations

    def _object(self, combinations: list[Fields], prefix: str, *, within_or: bool) -> None:
        is_empty = True
        while self._reader.next() is not Token.OBJECT_END:
            is_empty = False
            name = self._reader.name
            if name == _OR and not self._before_or:
                self._alternatives(combinations, prefix)
            else:
                self._member(combinations, prefix, name, within_or=within_or)
        if is_empty:
            raise self._reader.refusal("Empty objects are not allowed")

    def _member(
        self, combinations: list[Fields], prefix: str, name: str, *, within_or: bool
    ) -> None:
        if within_or and name in _RESERVED:
            raise self._reader.refusal(
                f"{name} is Ruler reserved fieldName which cannot be used inside $or."
            )
        token = self._reader.next()
        if token is Token.OBJECT:
            self._object(combinations, f"{prefix}{name}.", within_or=within_or)
        elif token is Token.ARRAY:
            values = tuple(self._values())
            if not values:
                raise self._reader.refusal("Empty arrays are not allowed")
            for fields in combinations or _first(combinations):
                fields[prefix + name] = values
        else:
            raise self._reader.refusal(f'"{name}" must be an object or an array')

    def _alternatives(self, combinations: list[Fields], prefix: str) -> None:
        self.met_or = True
        before = combinations[:]
        combinations.clear()
        if self._reader.next() is not Token.ARRAY:
            raise self._reader.refusal("It must be an Array followed with $or.")
        count = 0
        while (token := self._reader.next()) is not Token.ARRAY_END:
            if token is not Token.OBJECT:
                raise self._reader.refusal(
                    "Only JSON object is allowed in array of $or relationship."
                )
            count += 1
            branch = [dict(fields) for fields in before] or [{}]
            self._object(branch, prefix, within_or=True)
            combinations += branch
            if len(combinations) > MOST_COMBINATIONS:
                raise TooComplex(
                    f"$or stands for more than {MOST_COMBINATIONS} combinations of fields"
                )
        if count < 2:
            raise self._reader.refusal("There must have at least 2 Objects in $or relationship.")

    def _values(self) -> Iterator[Value]:
        reader = self._reader
        while (token := reader.next()) is not Token.ARRAY_END:
            match token:
                case Token.OBJECT:
                    yield read_operator(reader, before_or=self._before_or)
                case Token.STRING:
                    text = reader.text()
                    yield Text(text, address_of(text))
                case Token.NUMBER:
                    yield Number(reader.text())
                case Token.TRUE | Token.FALSE:
                    yield Constant(token is Token.TRUE)
                case Token.NULL:
                    yield Constant(None)
                case _:
                    raise reader.refusal("Match value must be String, number, true, false, or null")


def _first(combinations: list[Fields]) -> list[Fields]:
    combinations.append({})
    return combinations


def _check_wildcards(combinations: list[Fields]) -> None:
    # Combinations share their fields' values.
    told = {id(values): values for fields in combinations for values in fields.values()}
    stars = 0
    for wildcard in {one for values in told.values() for one in _wildcards(values)}:
        stars += len(wildcard.pieces) - 1
        behind = Counter(piece[0] for piece in wildcard.pieces[1:] if piece)
        if stars > MOST_WILDCARDS or max(behind.values(), default=0) > MOST_LIKE_WILDCARDS:
            raise TooComplex(_TOO_COMPLEX)


def _wildcards(values: Iterable[Value]) -> Iterator[Wildcard]:
    for value in values:
        if isinstance(value, Wildcard):
            yield value
        elif isinstance(value, AnythingBut) and value.kind is ButKind.WILDCARD:
            yield from (one for one in value.values if isinstance(one, Wildcard))
