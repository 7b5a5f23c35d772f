"""Register- and DeregisterOrganizationDelegatedAdmin, and who may manage an organization's trails.

Source: spec: api, sections 3 (CreateTrail, 9) and 12.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from opentrail.api.cloudtrail.find import organization_of
from opentrail.api.errors import ApiError
from opentrail.api.outcome import Backends, Caller, Reply
from opentrail.ports.state import Change
from opentrail.trail.organization import (
    ORGANIZATION_KEY,
    ORGANIZATION_KIND,
    DelegatedAdmin,
    Organization,
)

Parameters = Mapping[str, Any]


def register_delegated_admin(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """A member account may manage the organization's trails from now on."""
    organization = _managed(caller, backends)
    account_id = parameters["MemberAccountId"]
    if account_id == organization.management_account_id:
        raise ApiError(
            "CannotDelegateManagementAccountException",
            f"{account_id} is the management account and needs no delegation.",
        )
    _check_member(organization, account_id)
    if organization.is_delegated_admin(account_id):
        raise ApiError(
            "AccountRegisteredException",
            f"{account_id} is a delegated administrator of CloudTrail already.",
        )
    allowed = backends.quotas.delegated_administrators
    if len(organization.delegated_admins) >= allowed:
        raise ApiError(
            "DelegatedAdminAccountLimitExceededException",
            f"The organization has {allowed} delegated administrators; no more are allowed.",
        )
    return _saved(organization.with_admin(DelegatedAdmin(account_id, caller.now)), backends)


def deregister_delegated_admin(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """A member account may not manage the organization's trails any more; they stay."""
    organization = _managed(caller, backends)
    account_id = parameters["DelegatedAdminAccountId"]
    _check_member(organization, account_id)
    if not organization.is_delegated_admin(account_id):
        raise ApiError(
            "AccountNotRegisteredException",
            f"{account_id} is not a delegated administrator of CloudTrail.",
        )
    return _saved(organization.without_admin(account_id), backends)


def organization_for_trails(caller: Caller, backends: Backends) -> Organization:
    """The organization whose trails the caller may make.

    Raises:
        ApiError: there is none, it is not ready, or the caller's account may not.
    """
    organization = _ready(caller, backends)
    account_id = caller.account_id
    if account_id != organization.management_account_id and not organization.is_delegated_admin(
        account_id
    ):
        raise ApiError(
            "NotOrganizationMasterAccountException",
            f"Account {account_id} is neither the management account of the organization nor a "
            "delegated administrator.",
        )
    return organization


def _managed(caller: Caller, backends: Backends) -> Organization:
    organization = _ready(caller, backends)
    if caller.account_id != organization.management_account_id:
        raise ApiError(
            "NotOrganizationManagementAccountException",
            f"Account {caller.account_id} is not the management account of the organization.",
        )
    return organization


def _ready(caller: Caller, backends: Backends) -> Organization:
    organization = organization_of(caller, backends)
    if organization is None:
        raise ApiError(
            "OrganizationsNotInUseException",
            f"Account {caller.account_id} is not in an organization.",
        )
    if not organization.all_features:
        raise ApiError(
            "OrganizationNotInAllFeaturesModeException",
            f"Organization {organization.id} has not all features enabled.",
        )
    if not organization.trusted_access:
        raise ApiError(
            "CloudTrailAccessNotEnabledException",
            f"CloudTrail has no trusted access to organization {organization.id}.",
        )
    return organization


def _check_member(organization: Organization, account_id: str) -> None:
    if organization.account(account_id) is None:
        raise ApiError(
            "AccountNotFoundException",
            f"Account {account_id} is not in organization {organization.id}.",
        )


def _saved(organization: Organization, backends: Backends) -> Reply:
    document = backends.state.get(ORGANIZATION_KIND, ORGANIZATION_KEY)
    expected = 0 if document is None else document.version
    body = msgspec.json.encode(organization)
    return Reply({}, (Change(ORGANIZATION_KIND, ORGANIZATION_KEY, body, expected=expected),))
