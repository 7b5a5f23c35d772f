"""What the door of HTTP is asked for: read strictly, from a JSON body or a query string.

An unknown member is refused: a filter that is misspelt must not be ignored.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import msgspec

from opentrail.app.searching.asking import Ask
from opentrail.aws.observed import ObservedRequest
from opentrail.errors import InvalidInput

MAX_BODY_BYTES = 64 * 1024
MOST_EVENTS = 1_000
"""Events of a page; an export of all is the command line's."""

MOST_VALUES = 1_000
MOST_FIELDS = 20
MOST_COUNTED = 10_000
_SIGNING = "x-amz-"


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True):
    """What every call may say."""

    filter: str = ""
    since: str = ""
    until: str = ""
    between: str = ""
    sequence_before: int | None = None


class SearchAsked(Asked, frozen=True, kw_only=True):
    """`search`; `countAtMost` 0 counts all."""

    newest_first: bool = True
    limit: int = 50
    after: str = ""
    count_at_most: int = MOST_COUNTED


class CountAsked(Asked, frozen=True, kw_only=True):
    """`count`; `countAtMost` 0 counts all."""

    count_at_most: int = 0


class FacetsAsked(Asked, frozen=True, kw_only=True):
    """`facets`."""

    fields: tuple[str, ...]
    top: int = 10


class HistogramAsked(Asked, frozen=True, kw_only=True):
    """`histogram`; without a width one is chosen that gives about sixty intervals."""

    width_seconds: int = 0


class ShowAsked(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True
):
    """`show`: an id, the start of one, a position, or `latest`."""

    event: str


class TailAsked(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True
):
    """`tail`; without `resumeFrom` and `since` it begins now."""

    filter: str = ""
    since: str = ""
    resume_from: int | None = None


AnyAsked = SearchAsked | CountAsked | FacetsAsked | HistogramAsked | ShowAsked | TailAsked


def read_asked(request: ObservedRequest, kind: type[Any]) -> Any:
    """What the request asks for, as a `kind`.

    Raises:
        InvalidInput: no JSON object, a member that there is not, or a value out of its bounds.
    """
    if request.body_length > MAX_BODY_BYTES:
        raise InvalidInput(f"{request.body_length} bytes; at most {MAX_BODY_BYTES} are taken")
    try:
        if request.body_length:
            asked = msgspec.json.decode(request.body, type=kind)
        else:
            asked = msgspec.convert(_from_query(request.raw_query), type=kind, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise InvalidInput(f"the request can't be read: {cause}") from cause
    for name, least, most in _BOUNDS:
        value = getattr(asked, name, None)
        if value is not None and not least <= value <= most:
            raise InvalidInput(f"{_camel(name)} is {value}; {least} to {most} are allowed")
    if len(getattr(asked, "fields", ())) > MOST_FIELDS:
        raise InvalidInput(f"{len(asked.fields)} fields; at most {MOST_FIELDS} are counted at once")
    return asked


_BOUNDS = (
    ("limit", 1, MOST_EVENTS),
    ("count_at_most", 0, 1 << 53),
    ("top", 1, MOST_VALUES),
    ("width_seconds", 0, 1 << 40),
    ("resume_from", 0, 1 << 53),
    ("sequence_before", 0, 1 << 53),
)
"""Inclusive."""


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.title() for other in others)


def _from_query(query: str) -> dict[str, Any]:
    """`filter=…&fields=a&fields=b`; what belongs to a presigned URL is left out."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True, max_num_fields=100):
        if name.lower().startswith(_SIGNING):
            continue
        if name == "fields":
            found.setdefault(name, []).append(value)
        elif name in found:
            raise InvalidInput(f"{name[:60]!r} is given twice")
        else:
            found[name] = value
    return found


def as_ask(asked: Asked, account: str, sequence_before: int) -> Ask:
    """The search of an account's events."""
    search = asked if isinstance(asked, SearchAsked) else None
    return Ask(
        filter=asked.filter,
        since=asked.since,
        until=asked.until,
        between=asked.between,
        accounts=frozenset((account,)),
        newest_first=search.newest_first if search else True,
        limit=search.limit if search else None,
        after=search.after if search else "",
        sequence_before=min(sequence_before, asked.sequence_before or sequence_before),
    )


def as_parameters(asked: AnyAsked) -> dict[str, Any]:
    """What of it is recorded: all that was said."""
    found: dict[str, Any] = msgspec.to_builtins(asked)
    usual = {
        name: field.default
        for name, field in zip(
            asked.__struct_encode_fields__, msgspec.structs.fields(type(asked)), strict=True
        )
    }
    return {name: value for name, value in found.items() if value != usual.get(name, msgspec.UNSET)}
