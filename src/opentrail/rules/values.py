"""What may stand in the array of a field of an event pattern.

Source: EventBridge user guide, "Comparison operators for use in event patterns"; lang: EventBridge
1 and 2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import AddressValueError, IPv6Address


@dataclass(frozen=True, slots=True)
class Text:
    """The string itself; of an IP address any spelling, unless it was written as `exactly`."""

    text: str
    address: Address | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """A number of the same value; one that is too large for a double, in the same spelling."""

    spelled: str


@dataclass(frozen=True, slots=True)
class Constant:
    """true, false or null."""

    value: bool | None


@dataclass(frozen=True, slots=True)
class Affix:
    """A string that starts (or ends) like this."""

    text: str
    at_end: bool = False
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class SameLetters:
    """The string, whatever the case of each letter."""

    text: str


@dataclass(frozen=True, slots=True)
class Wildcard:
    """A string that is made of these pieces, in this order, and anything between them.

    Attributes:
        pieces: The first and the last stand at the ends; one piece is the whole string.
    """

    pieces: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A number between two ends; None: no end there."""

    low: float | None = None
    low_is_open: bool = False
    high: float | None = None
    high_is_open: bool = False


@dataclass(frozen=True, slots=True)
class Network:
    """A string that is an address from `first` to `last`, both within.

    Attributes:
        version: 4 or 6.
    """

    version: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Exists:
    """A value is there, whatever it is; or none is."""

    wanted: bool


class ButKind(StrEnum):
    """How `anything-but` compares."""

    VALUES = "values"
    PREFIX = "prefix"
    SUFFIX = "suffix"
    IGNORE_CASE = "equals-ignore-case"
    WILDCARD = "wildcard"


@dataclass(frozen=True, slots=True)
class AnythingBut:
    """Any value, null too, that none of these passes for."""

    kind: ButKind
    values: tuple[Text | Number | Affix | SameLetters | Wildcard, ...]


Value = (
    Text | Number | Constant | Affix | SameLetters | Wildcard | Range | Network | Exists
    | AnythingBut
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Address:
    """An IP address, however it was spelled; an IPv4 one written as IPv6 is IPv4."""

    version: int
    number: int


_V4 = re.compile(r"([0-9]{1,10})\.([0-9]{1,10})\.([0-9]{1,10})\.([0-9]{1,10})")
_V6 = re.compile(r"[0-9a-fA-F:]{2,45}")


def looks_like_address(text: str) -> bool:
    """Whether it has an address's characters, in an address's order."""
    return _V4.fullmatch(text) is not None or (":" in text and _V6.fullmatch(text) is not None)


def address_of(text: str) -> Address | None:
    """The address in `text`, None for any other text; 010.0.0.1 is 10.0.0.1."""
    found = _V4.fullmatch(text)
    if found is not None:
        parts = [int(part) for part in found.groups()]
        if max(parts) > 255:
            return None
        return Address(4, int.from_bytes(bytes(parts), "big"))
    if ":" not in text or not _V6.fullmatch(text):
        return None
    try:
        six = IPv6Address(text)
    except AddressValueError:
        return None
    mapped = six.ipv4_mapped
    return Address(6, int(six)) if mapped is None else Address(4, int(mapped))
