"""Whether one text passes one test: equality, parts, wildcards, networks and order.

No text makes a comparison slow: wildcards are found piece by piece without going back, numbers
are compared as digits and exponents, never expanded.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Any

import re2

from opentrail.errors import InvalidInput
from opentrail.predicate.expression import Operator, Test

Passes = Callable[[str], bool]


def text_matcher(test: Test) -> Passes:
    """Whether a text passes the test.

    For NOT_EQUALS: whether the text differs, so a record passes when it has texts and all of
    them do. For EXISTS: always.

    Raises:
        InvalidInput: CIDR, and the value is no network; REGEX, and RE2 cannot read it.
    """
    if test.operator is Operator.REGEX:
        return _found(f"(?i){test.value}" if test.ignore_case else test.value)
    if not test.ignore_case or test.operator in _WITHOUT_CASE:
        return _MAKERS[test.operator](test.value)
    passes = _MAKERS[test.operator](test.value.casefold())
    return lambda text: passes(text.casefold())


def regex(pattern: str) -> Any:
    """The compiled pattern; looking for it takes time that grows with the text alone.

    Raises:
        InvalidInput: RE2 cannot read it.
    """
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options=options)
    except re2.error as problem:
        raise InvalidInput(f"{pattern[:60]!r} is no regular expression: {problem}") from None


def _found(pattern: str) -> Passes:
    search = regex(pattern).search

    def passes(text: str) -> bool:
        try:
            return search(text) is not None
        except UnicodeEncodeError:
            # Half a character (JSON can spell one) fits what any other character fits.
            return search(text.encode("utf-8", "replace").decode()) is not None

    return passes


def wildcard_pieces(pattern: str) -> tuple[str, ...]:
    """What must be there between the stars; the first and last stand at the ends, maybe empty."""
    return tuple(pattern.split("*"))


def _wildcard(pattern: str) -> Passes:
    head, *rest = wildcard_pieces(pattern)
    if "?" in pattern:
        return _wildcard_with_gaps(pattern)
    if not rest:
        return lambda text: text == pattern
    *middle, tail = rest
    if not any(middle):
        shortest = len(head) + len(tail)
        return lambda text: len(text) >= shortest and text.startswith(head) and text.endswith(tail)

    def passes(text: str) -> bool:
        end = len(text) - len(tail)
        if not text.startswith(head) or not text.endswith(tail):
            return False
        place = len(head)
        for piece in middle:
            found = text.find(piece, place, max(end, 0))
            if found < 0:
                return False
            place = found + len(piece)
        return True

    return passes


def _wildcard_with_gaps(pattern: str) -> Passes:
    """As above where `?` stands for one character: every piece is a pattern of fixed length."""
    head, *rest = (
        re.compile("".join("." if one == "?" else re.escape(one) for one in piece), re.DOTALL)
        for piece in wildcard_pieces(pattern)
    )
    if not rest:
        return lambda text: head.fullmatch(text) is not None
    *middle, tail = rest
    tail_length = len(pattern) - pattern.rindex("*") - 1

    def passes(text: str) -> bool:
        end = len(text) - tail_length
        start = head.match(text)
        if start is None or start.end() > end or tail.fullmatch(text, end) is None:
            return False
        place = start.end()
        for piece in middle:
            found = piece.search(text, place, end)
            if found is None:
                return False
            place = found.end()
        return True

    return passes


_Network = IPv4Network | IPv6Network
_MASK = re.compile(r"[0-9A-Fa-f:.]+(/[0-9]{1,3})?")
_MAPPED_BITS = 96  # ::ffff:0:0/96 holds the IPv4 addresses (RFC 4291, 2.5.5.2)


def network(text: str) -> _Network | None:
    """The network (or single address) in `text`, None for any other text.

    Bits beyond the mask are dropped; IPv4 addresses written as IPv6 are IPv4.
    """
    if _MASK.fullmatch(text) is None:
        return None
    try:
        found = ip_network(text, strict=False)
    except ValueError:
        return None
    if isinstance(found, IPv6Network) and found.prefixlen >= _MAPPED_BITS:
        mapped = found.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((mapped, found.prefixlen - _MAPPED_BITS))
    return found


def _within(value: str) -> Passes:
    wanted = network(value)
    if wanted is None:
        raise InvalidInput(f"{value[:60]!r} is no network; expected one such as 10.0.0.0/8")
    first, last = int(wanted.network_address), int(wanted.broadcast_address)
    version = wanted.version

    def passes(text: str) -> bool:
        address = _address(text)
        return address is not None and address.version == version and first <= int(address) <= last

    return passes


def _address(text: str) -> IPv4Address | IPv6Address | None:
    # Most texts that are no address are names of services: told apart without an exception.
    if not text or (text[-1] not in "0123456789abcdefABCDEF:" and "%" not in text):
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


_Number = tuple[int, int, str]
"""Sign, place of the first digit, digits: -0.0120 is (-1, -2, "12")."""

_NUMBER = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,18}))?")


def _number(text: str) -> _Number | None:
    """The number that JSON would read, None for another text or an exponent of 19 digits."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    whole, fraction = found[2], found[3] or ""
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return (0, 0, "")
    place = len(whole) - (len(whole + fraction) - len(digits)) + int(found[4] or 0)
    return (-1 if found[1] else 1, place, digits.rstrip("0"))


def _order(one: _Number, other: _Number) -> int:
    """Below 0 where `one` is lower, 0 where they are equal."""
    if one[0] != other[0]:
        return one[0] - other[0]
    size = (one[1:] > other[1:]) - (one[1:] < other[1:])
    return size * one[0]


_ALLOWS: dict[Operator, Callable[[int], bool]] = {
    Operator.GREATER: lambda order: order > 0,
    Operator.GREATER_OR_EQUAL: lambda order: order >= 0,
    Operator.LESS: lambda order: order < 0,
    Operator.LESS_OR_EQUAL: lambda order: order <= 0,
}


def _ordered(allows: Callable[[int], bool], value: str) -> Passes:
    limit = _number(value)

    def passes(text: str) -> bool:
        number = None if limit is None else _number(text)
        if number is None or limit is None:
            return allows((text > value) - (text < value))
        return allows(_order(number, limit))

    return passes


_WITHOUT_CASE = frozenset({Operator.CIDR, Operator.EXISTS, *_ALLOWS})

_MAKERS: dict[Operator, Callable[[str], Passes]] = {
    Operator.EQUALS: lambda value: lambda text: text == value,
    Operator.NOT_EQUALS: lambda value: lambda text: text != value,
    Operator.PREFIX: lambda value: lambda text: text.startswith(value),
    Operator.SUFFIX: lambda value: lambda text: text.endswith(value),
    Operator.CONTAINS: lambda value: lambda text: value in text,
    Operator.WILDCARD: _wildcard,
    Operator.CIDR: _within,
    Operator.EXISTS: lambda _: lambda _text: True,
    **{operator: partial(_ordered, allows) for operator, allows in _ALLOWS.items()},
}
