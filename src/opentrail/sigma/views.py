"""Fields seen coarser than records spell them: `sourceIPAddress|network`.

These are ours, after Sigma's modifiers; correlations take them where a field is named.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import UTC
from functools import lru_cache

from opentrail.clock import parse_iso_seconds
from opentrail.errors import InvalidInput

ACTOR = "userIdentity|actor"
"""Who acted, under the same name from session to session; see `actor`."""

Texts = Callable[[str], tuple[str, ...]]

_ROLE = "userIdentity.sessionContext.sessionIssuer.arn"
_PERSON_ROLE = ":role/aws-reserved/sso.amazonaws.com/"
"""Roles of Identity Center, whose sessions bear the names of people."""

_NAMES = (
    "userIdentity.arn",
    "userIdentity.onBehalfOf.userId",
    "userIdentity.userName",
    "userIdentity.principalId",
    "userIdentity.invokedBy",
    "sourceIPAddress",
)
_PARTNERS = {"APN", "HashiCorp"}
"""What some programs name before themselves."""

_PRODUCT = re.compile(r"[\[(]?([A-Za-z][\w.+-]*)/")
REMEMBERED = 4096
"""Texts whose view is not worked out again: records repeat a few."""

_IPV4_BITS, _IPV6_BITS = 24, 48
_SATURDAY = 5


@lru_cache(maxsize=REMEMBERED)
def network(address: str) -> str:
    """The /24 of an IPv4 address, the /48 of an IPv6 one; a service's name as it is."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or ipaddress.IPv6Address(int(found))  # without its scope
    bits = _IPV4_BITS if isinstance(found, ipaddress.IPv4Address) else _IPV6_BITS
    return str(ipaddress.ip_network(f"{found}/{bits}", strict=False))


@lru_cache(maxsize=REMEMBERED)
def family(agent: str) -> str:
    """The program that a user agent names first, without its version."""
    for word in agent.split(maxsplit=8)[:8]:
        found = _PRODUCT.match(word)
        if found is not None and found[1] not in _PARTNERS:
            return found[1]
    return agent


@lru_cache(maxsize=REMEMBERED)
def hour(time: str) -> str:
    """`workday 09`, `weekend 22`: the hour, UTC, of a time as records spell it."""
    try:
        found = parse_iso_seconds(time).astimezone(UTC)
    except ValueError:
        return time
    day = "weekend" if found.weekday() >= _SATURDAY else "workday"
    return f"{day} {found.hour:02}"


VIEWS: Mapping[str, Callable[[str], str]] = {"network": network, "family": family, "hour": hour}


def actor(texts: Texts) -> str:
    """Who acted: the role, or the user; of Identity Center's roles the session. "" if untold.

    A role's sessions have names of the callers' choice, which would make each session somebody new.
    """
    role = next(iter(texts(_ROLE)), "")
    if role and _PERSON_ROLE not in role:
        return role
    return next((found[0] for name in _NAMES if (found := texts(name)) and found[0]), role)


def seen_as(name: str, texts: Texts) -> tuple[str, ...]:
    """The texts of a field, as the view that is named behind it shows them.

    Args:
        texts: Of plain fields.
    """
    if name == ACTOR:
        found = actor(texts)
        return (found,) if found else ()
    field, _, view = name.partition("|")
    plain = texts(field)
    return tuple(map(VIEWS[view], plain)) if view else plain


def check_view(name: str) -> None:
    """Refuse a name of a view that is none.

    Raises:
        InvalidInput: so.
    """
    _, bar, view = name.partition("|")
    if bar and name != ACTOR and view not in VIEWS:
        expected = ", ".join(f"FIELD|{one}" for one in VIEWS)
        raise InvalidInput(f"{name[:80]}: expected a field, {expected} or {ACTOR}")
