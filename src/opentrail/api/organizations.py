"""The read-only part of the Organizations API, for the organization that `opentrail org` makes.

It is what Terraform's data sources, `aws cloudtrail validate-logs` and audit tools ask for.
Source: AWS Organizations API reference; botocore's model is the authority on shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opentrail.api.cloudtrail.find import organization_of
from opentrail.api.errors import ApiError
from opentrail.api.outcome import Backends, Caller, Reply
from opentrail.api.services import Service, bound
from opentrail.trail.organization import Account, Organization, OrganizationalUnit

Parameters = Mapping[str, Any]
Answer = Callable[[Parameters, Organization], Mapping[str, Any]]

CLOUDTRAIL = "cloudtrail.amazonaws.com"
_MAX_PAGE = 20


def not_here(operation: str) -> ApiError:
    """The error for an operation that is not answered here."""
    return ApiError(
        "AccessDeniedException",
        f"{operation} is not answered: this organization is OpenTrail's own and is changed with "
        "`opentrail org`.",
    )


def describe_organization(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:  # noqa: ARG001 - a handler's
    """The organization that the caller's account is in."""
    return Reply({"Organization": _organization(_of(caller, backends))})


def _describe_account(parameters: Parameters, organization: Organization) -> Mapping[str, Any]:
    """One account."""
    account = organization.account(parameters["AccountId"])
    if account is None:
        raise ApiError(
            "AccountNotFoundException",
            "You specified an account that doesn't exist.",
        )
    return {"Account": _account(account, organization)}


def _list_accounts(parameters: Parameters, organization: Organization) -> Mapping[str, Any]:
    """All accounts."""
    shown = [_account(one, organization) for one in organization.accounts]
    return _page("Accounts", shown, parameters)


def _list_accounts_for_parent(
    parameters: Parameters, organization: Organization
) -> Mapping[str, Any]:
    """The accounts right below the root or a unit."""
    parent = _parent(parameters["ParentId"], organization)
    shown = [
        _account(one, organization) for one in organization.accounts if one.parent_id == parent
    ]
    return _page("Accounts", shown, parameters)


def _list_roots(parameters: Parameters, organization: Organization) -> Mapping[str, Any]:
    """The one root."""
    root = {
        "Id": organization.root_id,
        "Arn": organization.unit_arn(organization.root_id),
        "Name": "Root",
        "PolicyTypes": [],
    }
    return _page("Roots", [root], parameters)


def _list_units(parameters: Parameters, organization: Organization) -> Mapping[str, Any]:
    """The units right below the root or a unit."""
    parent = _parent(parameters["ParentId"], organization)
    shown = [_unit(one, organization) for one in organization.children_of(parent)]
    return _page("OrganizationalUnits", shown, parameters)


def _describe_unit(parameters: Parameters, organization: Organization) -> Mapping[str, Any]:
    """One unit."""
    wanted = parameters["OrganizationalUnitId"]
    for unit in organization.units:
        if unit.id == wanted:
            return {"OrganizationalUnit": _unit(unit, organization)}
    raise ApiError(
        "OrganizationalUnitNotFoundException",
        f"Organizational unit {wanted} does not exist.",
    )


def _list_parents(parameters: Parameters, organization: Organization) -> Mapping[str, Any]:
    """What an account or a unit is right below."""
    child = parameters["ChildId"]
    found = [one.parent_id for one in organization.accounts if one.id == child]
    found += [one.parent_id for one in organization.units if one.id == child]
    if not found:
        raise ApiError("ChildNotFoundException", f"{child} is not in the organization.")
    kind = "ROOT" if found[0] == organization.root_id else "ORGANIZATIONAL_UNIT"
    return _page("Parents", [{"Id": found[0], "Type": kind}], parameters)


def _list_children(parameters: Parameters, organization: Organization) -> Mapping[str, Any]:
    """The accounts or the units right below the root or a unit."""
    parent, kind = _parent(parameters["ParentId"], organization), parameters["ChildType"]
    ids = (
        [one.id for one in organization.accounts if one.parent_id == parent]
        if kind == "ACCOUNT"
        else [one.id for one in organization.children_of(parent)]
    )
    return _page("Children", [{"Id": one, "Type": kind} for one in ids], parameters)


def _list_admins(parameters: Parameters, organization: Organization) -> Mapping[str, Any]:
    """The delegated administrators of CloudTrail."""
    service = parameters.get("ServicePrincipal", CLOUDTRAIL)
    shown = [
        _account(account, organization) | {"DelegationEnabledDate": admin.since.timestamp()}
        for admin in organization.delegated_admins
        if service == CLOUDTRAIL and (account := organization.account(admin.account_id))
    ]
    return _page("DelegatedAdministrators", shown, parameters)


def _list_delegated(parameters: Parameters, organization: Organization) -> Mapping[str, Any]:
    """What an account is a delegated administrator of."""
    wanted = parameters["AccountId"]
    shown = [
        {"ServicePrincipal": CLOUDTRAIL, "DelegationEnabledDate": admin.since.timestamp()}
        for admin in organization.delegated_admins
        if admin.account_id == wanted
    ]
    return _page("DelegatedServices", shown, parameters)


def _list_service_access(parameters: Parameters, organization: Organization) -> Mapping[str, Any]:
    """The services that may work in all accounts: CloudTrail."""
    since = organization.created.timestamp()
    shown = [{"ServicePrincipal": CLOUDTRAIL, "DateEnabled": since}]
    return _page(
        "EnabledServicePrincipals", shown if organization.trusted_access else [], parameters
    )


def _list_policies(parameters: Parameters, organization: Organization) -> Mapping[str, Any]:  # noqa: ARG001 - an Answer
    """No policies: this organization has none."""
    return {"Policies": []}


def _list_tags(parameters: Parameters, organization: Organization) -> Mapping[str, Any]:  # noqa: ARG001 - an Answer
    """No tags: accounts and units have none here."""
    return {"Tags": []}


def _managed(answer: Answer) -> Callable[[Parameters, Caller, Backends], Reply]:
    """A handler for the management account and delegated administrators."""

    def handler(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
        organization = _of(caller, backends)
        account_id = caller.account_id
        if account_id != organization.management_account_id and not (
            organization.is_delegated_admin(account_id)
        ):
            raise ApiError(
                "AccessDeniedException",
                "You don't have permissions to access this resource.",
            )
        return Reply(answer(parameters, organization))

    return handler


HANDLERS: dict[str, Callable[[Parameters, Caller, Backends], Reply]] = {
    "DescribeAccount": _managed(_describe_account),
    "DescribeOrganization": describe_organization,
    "DescribeOrganizationalUnit": _managed(_describe_unit),
    "ListAWSServiceAccessForOrganization": _managed(_list_service_access),
    "ListAccounts": _managed(_list_accounts),
    "ListAccountsForParent": _managed(_list_accounts_for_parent),
    "ListChildren": _managed(_list_children),
    "ListDelegatedAdministrators": _managed(_list_admins),
    "ListDelegatedServicesForAccount": _managed(_list_delegated),
    "ListOrganizationalUnitsForParent": _managed(_list_units),
    "ListParents": _managed(_list_parents),
    "ListPolicies": _managed(_list_policies),
    "ListPoliciesForTarget": _managed(_list_policies),
    "ListRoots": _managed(_list_roots),
    "ListTagsForResource": _managed(_list_tags),
}


def _of(caller: Caller, backends: Backends) -> Organization:
    found = organization_of(caller, backends)
    if found is None:
        raise ApiError(
            "AWSOrganizationsNotInUseException",
            "Your account is not a member of an organization.",
        )
    return found


def _parent(parent_id: str, organization: Organization) -> str:
    known = (organization.root_id, *(unit.id for unit in organization.units))
    if parent_id not in known:
        raise ApiError("ParentNotFoundException", f"{parent_id} does not exist.")
    return parent_id


def _organization(organization: Organization) -> dict[str, Any]:
    manager = organization.account(organization.management_account_id)
    return {
        "Id": organization.id,
        "Arn": organization.arn,
        "FeatureSet": "ALL" if organization.all_features else "CONSOLIDATED_BILLING",
        "MasterAccountArn": organization.account_arn(organization.management_account_id),
        "MasterAccountId": organization.management_account_id,
        "MasterAccountEmail": manager.email if manager else "",
        "AvailablePolicyTypes": [],
    }


def _account(account: Account, organization: Organization) -> dict[str, Any]:
    return {
        "Id": account.id,
        "Arn": organization.account_arn(account.id),
        "Email": account.email,
        "Name": account.name,
        "Status": "ACTIVE",
        "State": "ACTIVE",
        "JoinedMethod": account.joined_method,
        "JoinedTimestamp": account.joined.timestamp(),
    }


def _unit(unit: OrganizationalUnit, organization: Organization) -> dict[str, Any]:
    return {"Id": unit.id, "Arn": organization.unit_arn(unit.id), "Name": unit.name}


def _page(name: str, shown: Sequence[Mapping[str, Any]], parameters: Parameters) -> dict[str, Any]:
    """A page; the token is the place of the next one."""
    token = parameters.get("NextToken", "0")
    if not (token.isascii() and token.isdigit() and len(token) < 10):
        raise ApiError("InvalidInputException", "NextToken is not one of an earlier answer.")
    first, size = int(token), parameters.get("MaxResults", _MAX_PAGE)
    page: dict[str, Any] = {name: list(shown[first : first + size])}
    if first + size < len(shown):
        page["NextToken"] = str(first + size)
    return page


def organizations_service(backends: Backends) -> Service:
    """The organization as a service answered here."""
    return Service(
        name="organizations",
        model="organizations",
        answers=bound(HANDLERS, backends),
        refused=not_here,
    )
