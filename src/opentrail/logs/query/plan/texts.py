"""What is worked out in Python within a query: members of odd records, addresses, formats of text.

Each function takes texts, gives a text, a number or a truth, and never raises: what can't be read
is None. The engine offers them to SQL as `u_…`.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from opentrail.logs.query.plan.markup import xml_value
from opentrail.predicate.comparing import network
from opentrail.predicate.reading import Spelled, decoded

_PRIVATE = tuple(
    found
    for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
    if (found := network(one)) is not None
)
_REMEMBERED = 65_536
MOST_FIELDS = 200
"""Of one event [doc]."""


def member(record: str | None, pointer: str | None) -> str | None:
    """What a JSON pointer leads to in a record, as results show it."""
    if record is None or pointer is None:
        return None
    value: Any = _record(record)
    for part in pointer.split("/")[1:]:
        value = _step(value, part.replace("~1", "/").replace("~0", "~"))
        if value is None:
            return None
    return shown(value)


@lru_cache(maxsize=256)
def _record(text: str) -> dict[str, Any] | None:
    return decoded(text.encode("utf-8", "surrogatepass"))


def _step(value: Any, part: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(part)
    if isinstance(value, list) and part.isascii() and part.isdigit() and len(part) < 10:
        number = int(part)
        return value[number] if number < len(value) and part == str(number) else None
    return None


def shown(value: Any) -> str | None:
    """A JSON value as a text; true and false are 1 and 0, maps and lists stay JSON."""
    match value:
        case None:
            return None
        case True | False:
            return "1" if value else "0"
        case Spelled():
            return _number(value)
        case str():
            return value.encode("utf-8", "replace").decode()
        case int() | float():
            return repr(value)
        case _:
            return (
                json.dumps(value, separators=(",", ":"), ensure_ascii=False)
                .encode("utf-8", "replace")
                .decode()
            )


def _number(spelled: str) -> str:
    """As DuckDB spells it: digits of whole numbers stay, others are the shortest."""
    if spelled.lstrip("-").isdigit():
        return spelled
    found = float(spelled)
    return spelled if found in (float("inf"), float("-inf")) else repr(found)


@lru_cache(maxsize=_REMEMBERED)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    if len(text) > 45 or "%" in text:
        return None
    try:
        return ip_address(text)
    except ValueError:
        return None


def is_address(text: str | None, version: int) -> bool | None:
    """Whether it is an IP address of that version; 0 for any."""
    if text is None:
        return None
    found = _address(text)
    return found is not None and version in (0, found.version)


def in_subnet(text: str | None, net: str | None, version: int) -> bool | None:
    """Whether an address lies in a network, both of that version; 0 for any."""
    if text is None or net is None:
        return None
    found, within = _address(text), _network(net)
    if found is None or within is None:
        return False
    if version not in (0, found.version) or within.version != found.version:
        return False
    return int(within.network_address) <= int(found) <= int(within.broadcast_address)


_network = lru_cache(maxsize=1024)(network)


def ipv4_number(text: str | None) -> float | None:
    """The 32 bits of an IPv4 address."""
    found = None if text is None else _address(text)
    return float(int(found)) if isinstance(found, IPv4Address) else None


def address_is(text: str | None, what: str) -> bool | None:
    """Whether an address is private (RFC 1918, 4193), public, or reserved (neither)."""
    if text is None:
        return None
    found = _address(text)
    if found is None:
        return False
    private = any(
        one.version == found.version
        and int(one.network_address) <= int(found) <= int(one.broadcast_address)
        for one in _PRIVATE
    )
    public = found.is_global and not found.is_multicast
    return {"private": private, "public": public}.get(what, not private and not public)


_PAIR = re.compile(r'([^\s="]+)(?:=(?:"((?:[^"\\]|\\.)*)"|(\S*)))?')


def logfmt(text: str | None) -> str | None:
    """`key=value key2="a b"` as a JSON object; a key without a value is true."""
    if text is None:
        return None
    found: dict[str, Any] = {}
    for match in _PAIR.finditer(text):
        if len(found) >= MOST_FIELDS:
            break
        key, quoted, bare = match.groups()
        value = bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        found[key] = True if value is None else value
    return json.dumps(found)


def csv_line(text: str | None) -> str | None:
    """The values of a line as a JSON list."""
    if text is None:
        return None
    try:
        row = next(csv.reader([text.replace("\r", " ").replace("\n", " ").replace("\0", " ")]), [])
    except csv.Error:
        return None
    return json.dumps(row)


def xml(text: str | None) -> str | None:
    """An XML document as JSON: elements by name, several of a name as a list."""
    if text is None:
        return None
    value = xml_value(text)
    return None if value is None else json.dumps(value)


Function = Callable[..., str | float | bool | None]

PYTHON_FUNCTIONS: dict[str, tuple[Function, tuple[str, ...], str]] = {
    "u_member": (member, ("VARCHAR", "VARCHAR"), "VARCHAR"),
    "u_is_address": (is_address, ("VARCHAR", "INTEGER"), "BOOLEAN"),
    "u_in_subnet": (in_subnet, ("VARCHAR", "VARCHAR", "INTEGER"), "BOOLEAN"),
    "u_ipv4_number": (ipv4_number, ("VARCHAR",), "DOUBLE"),
    "u_address_is": (address_is, ("VARCHAR", "VARCHAR"), "BOOLEAN"),
    "u_logfmt": (logfmt, ("VARCHAR",), "VARCHAR"),
    "u_csv": (csv_line, ("VARCHAR",), "VARCHAR"),
    "u_xml": (xml, ("VARCHAR",), "VARCHAR"),
}
"""By their name in SQL: the function, DuckDB's types of its arguments, and of what it gives."""
