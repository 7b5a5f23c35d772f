"""For LookupEvents: the management events of each account, region and value, without a search.

For every attribute `key:` holds, in order, each (account, region, value) that occurs among
management events, as one number; `end:` where its rows end in `post:`, which holds them oldest
first. The number is made of the codes of the three (see schema), so it is found by computing it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import xxhash

from opentrail.adapters.events.segments.arrays import Array
from opentrail.adapters.events.segments.schema import (
    FIRST,
    RESOURCE_NAME,
    RESOURCE_TYPE,
    USERNAME,
    Path,
)
from opentrail.adapters.events.segments.texts import Texts, encode_text

ATTRIBUTES: dict[str, Path] = {
    "AccessKeyId": ("userIdentity", "accessKeyId"),
    "EventName": ("eventName",),
    "EventSource": ("eventSource",),
    "ReadOnly": ("readOnly",),
    "ResourceName": RESOURCE_NAME,
    "ResourceType": RESOURCE_TYPE,
    "Username": USERNAME,
}
"""The attributes with postings; an EventId is found by its hash."""

NO_ATTRIBUTE = ""

CATEGORY: Path = ("eventCategory",)
ACCOUNT: Path = ("recipientAccountId",)
REGION: Path = ("awsRegion",)
MANAGEMENT, DATA = "Management", "Data"
"""Data events are not looked up, and their resources not taken apart."""


def token_of(account: str, region: str, value: str, seed: int) -> int:
    """32 bits of a hash of the three: which segments may have them (see directory)."""
    text = f"{account}\0{region}\0{value}"
    return xxhash.xxh3_64_intdigest(encode_text(text), seed) & 0xFFFFFFFF


def put_postings(arrays: dict[str, Array], management: int | None, seed: int) -> None:
    """Add the postings of a segment's columns, and the tokens of its texts.

    Args:
        management: The code of MANAGEMENT, None if no event is one.
    """
    rows = _management_rows(arrays, management)
    scopes = _scopes(arrays)[rows]
    _put(arrays, NO_ATTRIBUTE, scopes, rows)
    for attribute, path in ATTRIBUTES.items():
        name = ".".join(path)
        values = np.uint64(_count(arrays, path))
        codes = arrays[f"code:{name}"].astype(np.uint64)
        if f"row:{name}" in arrays:
            wanted = np.zeros(len(arrays["time"]), np.bool_)
            wanted[rows] = True
            entry_rows = arrays[f"row:{name}"].astype(np.intp)
            kept = wanted[entry_rows]
            entry_rows = entry_rows[kept]
            keys = _scopes(arrays)[entry_rows] * values + codes[kept]
            _put(arrays, attribute, keys, entry_rows)
        else:
            _put(arrays, attribute, scopes * values + codes[rows], rows)
        arrays[f"told:{attribute}"] = _tokens(arrays, attribute, path, seed)


def _tokens(
    arrays: Mapping[str, Array], attribute: str, path: Path, seed: int
) -> npt.NDArray[np.uint32]:
    """Of every key of an attribute that stands for a text."""
    values, regions = _count(arrays, path), _count(arrays, REGION)
    by_path = [_texts(arrays, one) for one in (ACCOUNT, REGION, path)]
    found: list[int] = []
    for key in arrays[f"key:{attribute}"].tolist():
        scope, value = divmod(key, values)
        codes = (*divmod(scope, regions), value)
        if min(codes) >= FIRST:
            account, region, text = (
                texts[code - FIRST] for texts, code in zip(by_path, codes, strict=True)
            )
            found.append(token_of(account, region, text, seed))
    return np.array(found, np.uint32)


def _texts(arrays: Mapping[str, Array], path: Path) -> list[str]:
    name = ".".join(path)
    return Texts(arrays[f"text:{name}"], arrays[f"ends:{name}"]).all()


def rows_of(
    arrays: Mapping[str, Array], attribute: str, scope: tuple[int, int], code: int
) -> Array:
    """The rows of a value, oldest first.

    Args:
        scope: The codes of account and region.
        code: Of the value; 0 for NO_ATTRIBUTE.
    """
    key = scope[0] * _count(arrays, REGION) + scope[1]
    if attribute != NO_ATTRIBUTE:
        key = key * _count(arrays, ATTRIBUTES[attribute]) + code
    keys = arrays[f"key:{attribute}"]
    place = int(np.searchsorted(keys, np.uint64(key)))
    if place == len(keys) or int(keys[place]) != key:
        return arrays[f"post:{attribute}"][:0]
    ends = arrays[f"end:{attribute}"]
    start = int(ends[place - 1]) if place else 0
    return arrays[f"post:{attribute}"][start : int(ends[place])]


def _management_rows(arrays: Mapping[str, Array], management: int | None) -> npt.NDArray[np.intp]:
    codes = arrays["code:" + ".".join(CATEGORY)]
    return np.flatnonzero(codes == management) if management else np.zeros(0, np.intp)


def _scopes(arrays: Mapping[str, Array]) -> npt.NDArray[np.uint64]:
    accounts = arrays["code:" + ".".join(ACCOUNT)].astype(np.uint64)
    regions = arrays["code:" + ".".join(REGION)].astype(np.uint64)
    return accounts * np.uint64(_count(arrays, REGION)) + regions


def _count(arrays: Mapping[str, Array], path: Path) -> int:
    """How many codes a field has."""
    return len(arrays["ends:" + ".".join(path)]) + FIRST


def _put(
    arrays: dict[str, Array],
    attribute: str,
    keys: npt.NDArray[np.uint64],
    rows: npt.NDArray[np.intp],
) -> None:
    # Stable, and rows come oldest first: so they stay within each key.
    order = np.argsort(keys, kind="stable")
    unique, counts = np.unique(keys[order], return_counts=True)
    arrays[f"key:{attribute}"] = unique
    arrays[f"end:{attribute}"] = np.cumsum(counts, dtype=np.uint32)
    arrays[f"post:{attribute}"] = rows[order].astype(np.uint32)
