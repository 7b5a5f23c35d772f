"""A principal as `userIdentity`.

Source: AWS CloudTrail user guide, "CloudTrail userIdentity element"; spec: record contents 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentrail.aws.call import ApiCall
from opentrail.aws.decode import read_result
from opentrail.clock import iso_seconds
from opentrail.record.principal import Principal, PrincipalType, Session

ANONYMOUS: dict[str, Any] = {"type": "AWSAccount", "principalId": "", "accountId": "anonymous"}


def foreign_identity(principal: Principal) -> dict[str, Any]:
    """Who called, as the record of another account tells it: the account and an id, no name."""
    return {
        "type": "AWSAccount",
        "principalId": principal.principal_id,
        "accountId": principal.account_id,
    }


def user_identity(call: ApiCall, principal: Principal | None, alias: str) -> dict[str, Any]:
    """The `userIdentity` of a call; None stands for an unsigned one."""
    key = call.scope.access_key_id if call.scope is not None else ""
    if principal is None:
        return _federated_caller(call) or dict(ANONYMOUS)
    if principal.type is PrincipalType.AWS_SERVICE:
        return {"type": str(principal.type), "invokedBy": principal.invoked_by}
    if principal.type is PrincipalType.UNKNOWN:
        # An unknown key is told, never guessed at.
        return {"type": "Unknown", "principalId": "", "accountId": "", "accessKeyId": key}
    found: dict[str, Any] = {"type": str(principal.type)}
    if principal.principal_id:
        found["principalId"] = principal.principal_id
    if principal.arn:
        found["arn"] = principal.arn
    found["accountId"] = principal.account_id
    if key:
        found["accessKeyId"] = key
    name = alias if principal.type is PrincipalType.ROOT else principal.user_name
    if name and principal.type is not PrincipalType.ASSUMED_ROLE:
        found["userName"] = name
    if principal.session is not None:
        found["sessionContext"] = _session(principal.session)
    if principal.invoked_by:
        found["invokedBy"] = principal.invoked_by
    return found


def _session(session: Session) -> dict[str, Any]:
    issuer = {
        "type": session.issuer_type,
        "principalId": session.issuer_principal_id,
        "arn": session.issuer_arn,
        "accountId": session.issuer_account_id,
        "userName": session.issuer_user_name,
    }
    found: dict[str, Any] = {}
    if session.issuer_type:
        found["sessionIssuer"] = {name: value for name, value in issuer.items() if value}
    if session.web_id_federation:
        provider, *attributes = session.web_id_federation
        found["webIdFederationData"] = {
            "federatedProvider": provider[1],
            "attributes": dict(attributes),
        }
    found["attributes"] = {
        "creationDate": iso_seconds(session.created),
        "mfaAuthenticated": "true" if session.mfa_authenticated else "false",
    }
    if session.source_identity:
        found["sourceIdentity"] = session.source_identity
    return found


def _federated_caller(call: ApiCall) -> dict[str, Any] | None:
    """The caller of the two unsigned STS calls, as far as request and answer tell it."""
    if call.service != "sts" or call.operation is None or call.parameters is None:
        return None
    name = call.operation.name
    if name not in ("AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"):
        return None
    result = read_result(call) or {}
    if name == "AssumeRoleWithSAML":
        user, provider = _text(result, "Subject"), _text(result, "NameQualifier")
        principal_id = f"{provider}:{user}"
    else:
        user = _text(result, "SubjectFromWebIdentityToken")
        provider = _text(result, "Provider") or _text(call.parameters, "ProviderId")
        principal_id = f"{provider}:{_text(result, 'Audience')}:{user}"
    found = {"type": "SAMLUser" if name == "AssumeRoleWithSAML" else "WebIdentityUser"}
    if user:
        found |= {"principalId": principal_id, "userName": user}
    if provider:
        found["identityProvider"] = provider
    return found


def _text(values: Mapping[str, Any], name: str) -> str:
    return str(values.get(name) or "")
