"""Whether a caller may do what it asks for, by the identity policies of the identities file.

Source: IAM user guide, "Policy evaluation logic" and "AWS global condition context keys"; the
messages are those of real records (spec: api, section 1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from opentrail.access.evaluate import Asking, Verdict, evaluate
from opentrail.access.policy import Policy
from opentrail.api.errors import ApiError
from opentrail.api.outcome import Caller
from opentrail.aws.observed import ObservedRequest
from opentrail.clock import iso_seconds
from opentrail.record.principal import Principal, PrincipalType

_PREFIXES = {"monitoring": "cloudwatch"}
"""Of IAM actions, where it is not the service's signing name."""
_TYPES = {
    PrincipalType.ROOT: "Account",
    PrincipalType.IAM_USER: "User",
    PrincipalType.ASSUMED_ROLE: "AssumedRole",
    PrincipalType.FEDERATED_USER: "FederatedUser",
}


class Authorizer(Protocol):
    """Decides on calls."""

    def __call__(
        self,
        operation: str,
        resources: Iterable[str],
        parameters: Mapping[str, Any],
        caller: Caller,
        request: ObservedRequest,
    ) -> None:
        """Nothing, if the call may be.

        Args:
            resources: ARNs that the operation is about, `*` if about none.

        Raises:
            ApiError: AccessDeniedException.
        """
        ...


def anyone(
    operation: str,
    resources: Iterable[str],
    parameters: Mapping[str, Any],
    caller: Caller,
    request: ObservedRequest,
) -> None:
    """Every key may do anything in its account."""


class ByPolicies:
    """The root user may do anything in its account; others what their policies allow."""

    def __init__(self, policies_of: Policies) -> None:
        self._policies_of = policies_of

    def __call__(
        self,
        operation: str,
        resources: Iterable[str],
        parameters: Mapping[str, Any],
        caller: Caller,
        request: ObservedRequest,
    ) -> None:
        principal = caller.credential.principal
        if principal.type is PrincipalType.ROOT:
            return
        action = f"{_PREFIXES.get(caller.service, caller.service)}:{operation}"
        context = _context(parameters, caller, request)
        policies = self._policies_of(principal)
        for resource in resources:
            asking = Asking(action=action, resource=resource, context=context)
            verdict = evaluate(policies, asking)
            if verdict is not Verdict.ALLOWED:
                raise _denied(principal, action, resource, verdict)


class Policies(Protocol):
    """Gives the identity policies of a principal."""

    def __call__(self, principal: Principal) -> Iterable[Policy]:
        """See ports.identities."""
        ...


def _denied(principal: Principal, action: str, resource: str, verdict: Verdict) -> ApiError:
    why = (
        "with an explicit deny in an identity-based policy"
        if verdict is Verdict.DENIED
        else f"because no identity-based policy allows the {action} action"
    )
    who = principal.arn or principal.invoked_by
    return ApiError(
        "AccessDeniedException",
        f"User: {who} is not authorized to perform: {action} on resource: {resource} {why}",
        403,
    )


def _context(
    parameters: Mapping[str, Any], caller: Caller, request: ObservedRequest
) -> dict[str, str | tuple[str, ...]]:
    principal = caller.credential.principal
    session = principal.session
    context: dict[str, str | tuple[str, ...]] = {
        "aws:currenttime": iso_seconds(caller.now),
        "aws:epochtime": str(int(caller.now.timestamp())),
        "aws:principalaccount": caller.account_id,
        "aws:principalarn": (session.issuer_arn if session else "") or principal.arn,
        "aws:principaltype": _TYPES.get(principal.type, str(principal.type)),
        "aws:requestedregion": caller.region,
        "aws:securetransport": "true" if request.tls else "false",
        "aws:sourceip": request.peer_address,
        "aws:userid": principal.principal_id,
    }
    if principal.user_name:
        context["aws:username"] = principal.user_name
    if request.header("user-agent"):
        context["aws:useragent"] = str(request.header("user-agent"))
    if session is not None:
        context["aws:multifactorauthpresent"] = "true" if session.mfa_authenticated else "false"
        context["aws:tokenissuetime"] = iso_seconds(session.created)
        if session.source_identity:
            context["aws:sourceidentity"] = session.source_identity
    return context | _tags(parameters)


def _tags(parameters: Mapping[str, Any]) -> dict[str, str | tuple[str, ...]]:
    tags = parameters.get("TagsList")
    if not isinstance(tags, list):
        return {}
    pairs = [
        (str(one.get("Key")), str(one.get("Value", ""))) for one in tags if isinstance(one, dict)
    ]
    found: dict[str, str | tuple[str, ...]] = {"aws:tagkeys": tuple(key for key, _ in pairs)}
    return found | {f"aws:requesttag/{key.lower()}": value for key, value in pairs}
