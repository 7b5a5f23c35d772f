"""Pages of lists: a token names the last one shown, so pages stay in step while others come in."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from opentrail.api.logs.backends import Parameters
from opentrail.api.logs.find import invalid

Item = TypeVar("Item")
Rank = TypeVar("Rank", bound=tuple[Any, ...])

MOST_SHOWN = 50


def page(
    items: Iterable[Item],
    rank: Callable[[Item], tuple[int | str, ...]],
    parameters: Parameters,
    *,
    descending: bool = False,
) -> tuple[Sequence[Item], str | None]:
    """The items of a page, and the token of the next one; None on the last.

    Args:
        rank: Orders the items; equal for none.

    Raises:
        ApiError: a token that was never given.
    """
    ordered = sorted(items, key=rank, reverse=descending)
    token = parameters.get("nextToken")
    if token:
        last = _read(token)
        try:
            ordered = [
                one for one in ordered if (rank(one) < last if descending else rank(one) > last)
            ]
        except TypeError:
            raise invalid("The specified nextToken is invalid.") from None
    shown = ordered[: parameters.get("limit", MOST_SHOWN)]
    return shown, _token(rank(shown[-1])) if len(shown) < len(ordered) else None


def answer(name: str, shown: Sequence[Any], token: str | None) -> dict[str, Any]:
    """A page as the answer's members."""
    return {name: list(shown)} | ({} if token is None else {"nextToken": token})


def _token(last: tuple[int | str, ...]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(last)).decode()


def _read(token: str) -> tuple[int | str, ...]:
    try:
        body = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
        return msgspec.json.decode(body, type=tuple[int | str, ...])
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        raise invalid("The specified nextToken is invalid.") from None
