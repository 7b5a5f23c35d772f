"""Trails by name or ARN, as a caller in an account and region may see them."""

from __future__ import annotations

import msgspec

from opentrail.api.errors import ApiError
from opentrail.api.outcome import Backends, Caller
from opentrail.ports.state import Change, Document
from opentrail.trail.names import check_trail_name, parse_trail_arn, trail_arn
from opentrail.trail.organization import ORGANIZATION_KEY, ORGANIZATION_KIND, Organization
from opentrail.trail.trail import TRAIL_KIND, Trail


def trails_of(account_id: str, backends: Backends) -> tuple[Trail, ...]:
    """Every trail of the account, in the order of their ARNs.

    An organization's trails are trails of each of its accounts.
    """
    found = [_read(document) for document in backends.state.list(TRAIL_KIND, "arn:")]
    return tuple(trail for trail in found if account_id in trail.accounts)


def visible(trail: Trail, caller: Caller) -> bool:
    """Whether the trail exists in the caller's region."""
    return is_in(trail, caller.region)


def is_in(trail: Trail, region: str) -> bool:
    """Whether the trail exists in the region: there at home, or as a shadow."""
    return trail.home_region == region or trail.is_multi_region_trail


def find_trail(name: str, caller: Caller, backends: Backends) -> tuple[Trail, int]:
    """The trail and its document's version, by name (of this region) or ARN.

    Raises:
        ApiError: TrailNotFoundException; another account's trail is not found either.
        InvalidInput: no possible name, no ARN of a trail.
    """
    arn = arn_of(name, caller)
    document = backends.state.get(TRAIL_KIND, arn)
    trail = _read(document) if document is not None else None
    if document is None or trail is None or not _may_see(trail, caller):
        # By ARN, however the caller named it: so in real records of StopLogging.
        raise ApiError(
            "TrailNotFoundException", f"Unknown trail: {arn} for the user: {caller.account_id}"
        )
    return trail, document.version


def find_at_home(name: str, caller: Caller, backends: Backends) -> tuple[Trail, int]:
    """As `find_trail`, for changes: only in the trail's home region, by who may manage it.

    Raises:
        ApiError: InvalidHomeRegionException in another region;
            NotOrganizationMasterAccountException for an organization's trail, unless the caller's
            account manages it.
    """
    trail, version = find_trail(name, caller, backends)
    if trail.account_id != caller.account_id:
        organization = organization_of(caller, backends)
        if organization is None or not organization.is_delegated_admin(caller.account_id):
            raise ApiError(
                "NotOrganizationMasterAccountException",
                f"Trail {trail.arn} belongs to the organization; only its management account or a "
                "delegated administrator can change it.",
            )
    if trail.home_region != caller.region:
        raise ApiError(
            "InvalidHomeRegionException",
            f"Trail {trail.arn} can be changed only in its home region, {trail.home_region}; "
            f"this is {caller.region}.",
        )
    return trail, version


def organization_of(caller: Caller, backends: Backends) -> Organization | None:
    """The organization that the caller's account is in; None if it is in none."""
    document = backends.state.get(ORGANIZATION_KIND, ORGANIZATION_KEY)
    if document is None:
        return None
    found = msgspec.json.decode(document.body, type=Organization)
    return found if found.account(caller.account_id) is not None else None


def arn_of(name: str, caller: Caller) -> str:
    """The ARN that a name in this region, or an ARN, stands for.

    Raises:
        InvalidInput: no possible name, no ARN of a trail.
    """
    if name.startswith("arn:"):
        return str(parse_trail_arn(name))
    check_trail_name(name)
    return trail_arn(caller.region, caller.account_id, name)


def saved(trail: Trail, version: int) -> Change:
    """The change that makes the stored trail this one; `version` 0 for a new one."""
    return Change(TRAIL_KIND, trail.arn, msgspec.json.encode(trail), expected=version)


def _may_see(trail: Trail, caller: Caller) -> bool:
    return caller.account_id in trail.accounts and visible(trail, caller)


def _read(document: Document) -> Trail:
    return msgspec.json.decode(document.body, type=Trail)
