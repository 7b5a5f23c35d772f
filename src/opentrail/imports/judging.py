"""Whether bytes are a record that every reader reads alike; if not, why.

Odd is allowed (unknown fields, missing fields, strange values); refused is what some readers
can't read, or read otherwise than others: bad UTF-8, lone surrogates, NaN, endless numbers,
endless nesting. Source: design: reliability, section 2.1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from opentrail.imports.found import Limits

DUPLICATE_KEYS = "duplicate keys"

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))
_DIGITS = bytes.maketrans(b"123456789", b"0" * 9)
_STRIDE = 8
_any = msgspec.json.Decoder(msgspec.Raw)


def refusal(raw: bytes, limits: Limits) -> str:
    """Why these bytes are no record to be taken; "" if they are one."""
    if not raw.lstrip(b" \t\r\n").startswith(b"{"):
        return "not a JSON object"
    if len(raw) > limits.record_bytes:
        return f"a record of {len(raw)} bytes; {limits.record_bytes} are allowed"
    try:
        raw.decode()
    except UnicodeDecodeError as problem:
        return f"not UTF-8: byte {problem.start} of the record"
    bare = _STRING.sub(b'""', raw)
    if _depth(bare) > limits.depth:
        return f"nested deeper than {limits.depth} levels"
    if re.search(rb"[0-9]{%d}" % (limits.digits + 1), bare):
        return f"a number of more than {limits.digits} digits"
    if b"NaN" in bare or b"Infinity" in bare:
        return "NaN and Infinity are no JSON"
    try:
        _any.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as problem:
        return "a lone surrogate" if _has_lone_surrogate(raw) else f"not JSON: {problem}"
    return ""


def has_duplicate_keys(raw: bytes) -> bool:
    """Whether an object in `raw`, which `refusal` found nothing against, names a key twice."""
    found = False

    def look(pairs: list[tuple[str, Any]]) -> None:
        nonlocal found
        found = found or len({key for key, _ in pairs}) != len(pairs)

    json.loads(raw, object_pairs_hook=look)
    return found


def is_suspicious(plain: bytes, records: int, limits: Limits) -> bool:
    """Whether records in `plain` must be looked at one by one.

    Runs over all of an object at once, at a tenth of what looking at each record costs; it may say
    yes too often, never no where `refusal` would find something in what msgspec can split.
    """
    if not plain.isascii():
        try:
            plain.decode()
        except UnicodeDecodeError:
            return True
    # A run of 65 digits holds 8 of every 8th byte.
    if b"0" * ((limits.digits + 1) // _STRIDE) in plain[::_STRIDE].translate(_DIGITS):
        return True
    if plain.count(b'"eventID":') > records:
        return True
    return _may_be_deep(plain, limits.depth)


def too_large(raws: Sequence[bytes], limits: Limits) -> bool:
    """Whether one of them is larger than a record may be."""
    return bool(raws) and max(map(len, raws)) > limits.record_bytes


def _may_be_deep(plain: bytes, depth: int) -> bool:
    """Takes innermost pairs away, again and again: nothing is left within `depth` rounds.

    Brackets in strings are taken for real ones: when those do not pair, the answer is yes.
    """
    brackets = plain.translate(None, _NOT_BRACKETS)
    for _ in range(depth):
        if not brackets:
            return False
        fewer = brackets.replace(b"{}", b"").replace(b"[]", b"")
        if len(fewer) == len(brackets):
            return True
        brackets = fewer
    return bool(brackets)


def _depth(bare: bytes) -> int:
    """The deepest nesting of JSON without strings."""
    depth = deepest = 0
    for bracket in bare.translate(None, _NOT_BRACKETS):
        depth += 1 if bracket in b"{[" else -1
        deepest = max(deepest, depth)
    return deepest


def _has_lone_surrogate(raw: bytes) -> bool:
    try:
        json.dumps(json.loads(raw), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):
        return False
    return False
