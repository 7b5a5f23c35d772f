"""The match expressions of event patterns, as {"prefix": "a"} and {"numeric": [">", 1]}.

Each operator reads on from behind its name to the end of its object, and refuses what AWS refuses
in AWS's words. Source: tests/vectors/eventbridge (what AWS and its engine event-ruler answered);
lang: EventBridge 1 and 3.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from opentrail.rules.reader import InvalidEventPattern, PatternReader, Token
from opentrail.rules.values import (
    Affix,
    AnythingBut,
    ButKind,
    Exists,
    Network,
    Number,
    Range,
    SameLetters,
    Text,
    Value,
    Wildcard,
    address_of,
    looks_like_address,
)

_ONE_KEY = "Only one key allowed in match expression"
_TOO_MANY = "Too many elements in numeric expression"
_ONLY_TEXTS = (
    "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."
)
_IGNORE_CASE = "equals-ignore-case"
_BUT_KINDS = {str(kind): kind for kind in ButKind if kind is not ButKind.VALUES}
_NOT_A_STRING = {
    ButKind.PREFIX: "prefix/suffix match pattern must be a string",
    ButKind.SUFFIX: "prefix/suffix match pattern must be a string",
    ButKind.IGNORE_CASE: _ONLY_TEXTS,
    ButKind.WILDCARD: "wildcard match pattern must be a string",
}
_MASK = re.compile(r"[+-]?[0-9]{1,9}")


def read_operator(reader: PatternReader, *, before_or: bool) -> Value:
    """The value of the object that was just opened; its end is read, too.

    Args:
        before_or: As before there was `$or`: `anything-but` takes one prefix or suffix.

    Raises:
        InvalidEventPattern: it is none, or another than AWS takes.
    """
    if reader.next() is not Token.NAME:
        raise reader.refusal("Match expression name not found")
    name = reader.name
    if name == "anything-but":
        return _one_anything_but(reader) if before_or else _anything_but(reader)
    read = _OPERATORS.get(name)
    if read is None:
        raise reader.refusal(f"Unrecognized match type {name}")
    return read(reader)


def _exactly(reader: PatternReader) -> Value:
    return Text(_only_string(reader, "exact match pattern must be a string"))


def _affix(reader: PatternReader, *, at_end: bool) -> Value:
    name = "suffix" if at_end else "prefix"
    if reader.next() is Token.OBJECT:
        return Affix(_case_within(reader, name), at_end=at_end, ignore_case=True)
    return Affix(_string(reader, f"{name} match pattern must be a string"), at_end=at_end)


def _case_within(reader: PatternReader, name: str) -> str:
    if reader.next() is not Token.NAME:
        raise reader.refusal(f"{name.capitalize()} expression name not found")
    if reader.name != _IGNORE_CASE:
        raise reader.refusal(f"Unsupported {name} pattern: {reader.name}")
    text = _only_string(reader, "equals-ignore-case match pattern must be a string")
    _expect(reader, Token.OBJECT_END, _ONE_KEY)
    return text


def _same_letters(reader: PatternReader) -> Value:
    return SameLetters(_only_string(reader, "equals-ignore-case match pattern must be a string"))


def _wildcard(reader: PatternReader) -> Value:
    reader.next()
    text = _take_string(reader, "wildcard match pattern must be a string")
    value = Wildcard(_pieces(reader, text))
    _expect(reader, Token.OBJECT_END, _ONE_KEY)
    return value


def _cidr(reader: PatternReader) -> Value:
    reader.next()
    value = _network(_take_string(reader, "prefix match pattern must be a string"))
    _expect(reader, Token.OBJECT_END, _ONE_KEY)
    return value


def _exists(reader: PatternReader) -> Value:
    token = reader.next()
    if token not in (Token.TRUE, Token.FALSE):
        raise reader.refusal("exists match pattern must be either true or false.")
    _expect(reader, Token.OBJECT_END, _ONE_KEY)
    return Exists(token is Token.TRUE)


def _numeric(reader: PatternReader) -> Value:
    _expect(reader, Token.ARRAY, "Value of numeric must be an array.")
    if reader.next() is not Token.STRING:
        raise reader.refusal(f"Invalid member in numeric match: {reader.text()}")
    operator = reader.text()
    token = reader.next()
    if operator not in ("=", ">", ">=", "<", "<="):
        raise reader.refusal(f"Unrecognized numeric range operator: {operator}")
    if token is not Token.NUMBER:
        what = "equals" if operator == "=" else operator
        raise reader.refusal(f"Value of {what} must be numeric")
    spelled = reader.text()
    token = reader.next()
    if token is Token.ARRAY_END:
        value = _half_open(reader, operator, spelled)
    elif operator in (">", ">="):
        value = _between(reader, token, spelled, low_is_open=operator == ">")
    else:
        raise reader.refusal(_TOO_MANY)
    _expect(reader, Token.OBJECT_END, _TOO_MANY)
    return value


def _half_open(reader: PatternReader, operator: str, spelled: str) -> Value:
    number = _comparable(reader, spelled)
    if operator == "=":
        return Number(spelled)
    if operator in (">", ">="):
        return Range(low=number, low_is_open=operator == ">")
    return Range(high=number, high_is_open=operator == "<")


def _between(reader: PatternReader, token: Token, low: str, *, low_is_open: bool) -> Value:
    if token is not Token.STRING:
        raise reader.refusal(f"Bad value in numeric range: {reader.text()}")
    operator = reader.text()
    if operator not in ("<", "<="):
        raise reader.refusal(f"Bad numeric range operator: {operator}")
    if reader.next() is not Token.NUMBER:
        raise reader.refusal(f"Value of {operator} must be numeric")
    high = reader.text()
    _expect(reader, Token.ARRAY_END, "Too many terms in numeric range expression")
    bottom, top = _comparable(reader, low), _comparable(reader, high)
    if bottom >= top:
        raise reader.refusal("Bottom must be less than top")
    return Range(low=bottom, low_is_open=low_is_open, high=top, high_is_open=operator == "<")


def _comparable(reader: PatternReader, spelled: str) -> float:
    number = float(spelled)
    if not math.isfinite(number):
        raise reader.refusal(f"Cannot compare number : {spelled}")
    return number


def _anything_but(reader: PatternReader) -> Value:
    token, kind = reader.next(), ButKind.VALUES
    if token is Token.OBJECT:
        kind = _kind_of_but(reader)
        token = reader.next()
    if token not in (Token.ARRAY, Token.STRING, Token.NUMBER):
        raise reader.refusal(
            "Value of anything-but must be an array or single string/number value."
        )
    values: tuple[Text | Number | Affix | SameLetters | Wildcard, ...]
    if kind is ButKind.VALUES:
        values = _but_list(reader) if token is Token.ARRAY else (_but_value(reader, token),)
    else:
        values = _but_texts(reader, token, kind)
    _expect(reader, Token.OBJECT_END, _TOO_MANY)
    if kind is not ButKind.VALUES:
        _expect(reader, Token.OBJECT_END, _TOO_MANY)
    return AnythingBut(kind, values)


def _kind_of_but(reader: PatternReader) -> ButKind:
    if reader.next() is not Token.NAME:
        raise reader.refusal("Anything-But expression name not found")
    kind = _BUT_KINDS.get(reader.name)
    if kind is None:
        raise reader.refusal(f"Unsupported anything-but pattern: {reader.name}")
    return kind


def _but_value(reader: PatternReader, token: Token) -> Text | Number:
    text = reader.text()
    if token is Token.STRING:
        return Text(text)
    _comparable(reader, text)
    return Number(text)


def _but_list(reader: PatternReader) -> tuple[Text | Number, ...]:
    values: list[Text | Number] = []
    while (token := reader.next()) is not Token.ARRAY_END:
        if token not in (Token.STRING, Token.NUMBER):
            raise reader.refusal("Inside anything but list, start|null|boolean is not supported.")
        values.append(_but_value(reader, token))
    if len({type(value) for value in values}) != 1:
        raise reader.refusal(
            "Inside anything but list, either all values are number or string, "
            "mixed type is not supported"
        )
    return tuple(values)


def _but_texts(
    reader: PatternReader, token: Token, kind: ButKind
) -> tuple[Affix | SameLetters | Wildcard, ...]:
    if token is not Token.ARRAY:
        return (_but_text(reader, token, kind),)
    values: list[Affix | SameLetters | Wildcard] = []
    while (token := reader.next()) is not Token.ARRAY_END:
        values.append(_but_text(reader, token, kind))
    return tuple(values)


def _but_text(reader: PatternReader, token: Token, kind: ButKind) -> Affix | SameLetters | Wildcard:
    if token is not Token.STRING:
        raise reader.refusal(_NOT_A_STRING[kind])
    text = reader.text()
    if kind is ButKind.IGNORE_CASE:
        return SameLetters(text)
    if kind is ButKind.WILDCARD:
        return Wildcard(_pieces(reader, text))
    if not text:
        raise reader.refusal("Null prefix/suffix not allowed")
    return Affix(text, at_end=kind is ButKind.SUFFIX)


def _one_anything_but(reader: PatternReader) -> Value:
    """As it was before there was `$or`."""
    token = reader.next()
    if token is not Token.OBJECT:
        return _plain_but(reader, token)
    kind = _kind_of_but(reader)
    if kind is ButKind.WILDCARD:
        raise reader.refusal(f"Unsupported anything-but pattern: {reader.name}")
    token = reader.next()
    if kind is ButKind.IGNORE_CASE:
        values = _but_texts(reader, token, kind)
        ends = (_TOO_MANY, _TOO_MANY)
    else:
        values = (_but_text(reader, token, kind),)
        ends = (_ONE_KEY, _ONE_KEY)
    for reason in ends:
        _expect(reader, Token.OBJECT_END, reason)
    return AnythingBut(kind, values)


def _plain_but(reader: PatternReader, token: Token) -> Value:
    if token not in (Token.ARRAY, Token.STRING, Token.NUMBER):
        raise reader.refusal(
            "Value of anything-but must be an array or single string/number value."
        )
    values = _but_list(reader) if token is Token.ARRAY else (_but_value(reader, token),)
    _expect(reader, Token.OBJECT_END, _TOO_MANY)
    return AnythingBut(ButKind.VALUES, values)


def _expect(reader: PatternReader, token: Token, reason: str) -> None:
    if reader.next() is not token:
        raise reader.refusal(reason)


def _only_string(reader: PatternReader, reason: str) -> str:
    """The string that comes next, the last thing in its object."""
    reader.next()
    return _string(reader, reason)


def _string(reader: PatternReader, reason: str) -> str:
    text = _take_string(reader, reason)
    _expect(reader, Token.OBJECT_END, _ONE_KEY)
    return text


def _take_string(reader: PatternReader, reason: str) -> str:
    if reader.token is not Token.STRING:
        raise reader.refusal(reason)
    return reader.text()


def _pieces(reader: PatternReader, text: str) -> tuple[str, ...]:
    """What stands between the stars; a star or backslash behind a backslash is itself.

    Places in messages count the UTF-8 bytes of the quoted string, from 0.
    """
    pieces, piece, at = [], "", 0
    while at < len(text):
        character, behind = text[at], text[at + 1 : at + 2]
        if character == "\\":
            if behind not in ("*", "\\"):
                raise reader.refusal(f"Invalid escape character at pos {_place(text, at)}")
            piece += behind
            at += 1
        elif character == "*":
            if behind == "*":
                raise reader.refusal(f"Consecutive wildcard characters at pos {_place(text, at)}")
            pieces.append(piece)
            piece = ""
        else:
            piece += character
        at += 1
    return (*pieces, piece)


def _place(text: str, at: int) -> int:
    return 1 + len(text[:at].encode("utf-8", "surrogatepass"))


def _network(text: str) -> Network:
    """The addresses of a network.

    Raises:
        InvalidEventPattern: it is none.
    """
    parts = text.split("/")
    while parts and not parts[-1]:
        parts.pop()
    if len(parts) != 2:
        raise InvalidEventPattern("Malformed CIDR, one '/' required")
    if _MASK.fullmatch(parts[1]) is None:
        raise InvalidEventPattern("Malformed CIDR, mask bits must be an integer")
    mask = int(parts[1])
    if mask < 0:
        raise InvalidEventPattern("Malformed CIDR, mask bits must not be negative")
    address = address_of(parts[0])
    if address is None:
        word = "Invalid" if looks_like_address(parts[0]) else "Nonstandard"
        raise InvalidEventPattern(f"{word} IP address: {parts[0]}")
    bits = 32 if address.version == 4 else 128
    if mask >= bits:
        raise InvalidEventPattern(f"IPv{address.version} mask bits must be < {bits}")
    spare = (1 << (bits - mask)) - 1
    return Network(address.version, address.number & ~spare, address.number | spare)


_OPERATORS: dict[str, Callable[[PatternReader], Value]] = {
    "exactly": _exactly,
    "prefix": lambda reader: _affix(reader, at_end=False),
    "suffix": lambda reader: _affix(reader, at_end=True),
    _IGNORE_CASE: _same_letters,
    "wildcard": _wildcard,
    "cidr": _cidr,
    "exists": _exists,
    "numeric": _numeric,
}
