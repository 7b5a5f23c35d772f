"""Pages of lists; a token names the last item of the page before."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from opentrail.api.errors import ApiError

MOST = 100

Item = TypeVar("Item")


def paged(
    items: Sequence[Item], parameters: Mapping[str, Any], name_of: Callable[[Item], str]
) -> tuple[list[Item], dict[str, str]]:
    """A page of items that are ordered by their names, and `NextToken` where there are more.

    Raises:
        ApiError: ValidationException: the token is none of ours.
    """
    after = _name_in(parameters.get("NextToken"))
    left = [item for item in items if after is None or name_of(item) > after]
    size = parameters.get("Limit", MOST)
    page = left[:size]
    more = {"NextToken": _token(name_of(page[-1]))} if len(left) > size else {}
    return page, more


def _token(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _name_in(token: str | None) -> str | None:
    if token is None:
        return None
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except ValueError:
        raise ApiError(
            "ValidationException", "NextToken is not one of an earlier answer."
        ) from None
