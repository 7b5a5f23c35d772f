"""Keys and principals that answers passing by make known.

Only what the upstream itself issued is learned: a key that merely signed a call is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from opentrail.arn import Arn
from opentrail.aws.call import ApiCall
from opentrail.errors import InvalidArn
from opentrail.record.principal import Credential, Principal, PrincipalType, Session

Result = Mapping[str, Any]

_ISSUING = {
    "sts": frozenset(
        {
            "AssumeRole",
            "AssumeRoleWithSAML",
            "AssumeRoleWithWebIdentity",
            "GetFederationToken",
            "GetSessionToken",
        }
    ),
    "iam": frozenset({"CreateAccessKey", "CreateRole", "CreateUser", "GetRole", "GetUser"}),
}


def issues_credentials(call: ApiCall) -> bool:
    """Whether the call's answer may hold keys or principals to learn."""
    operation = call.operation
    return operation is not None and operation.name in _ISSUING.get(call.service, ())


def learned_principals(call: ApiCall, result: Result | None) -> dict[str, str]:
    """Unique ids (`AIDA…`, `AROA…`) by ARN."""
    if call.service != "iam" or not result:
        return {}
    found: dict[str, str] = {}
    for name, identifier in (("User", "UserId"), ("Role", "RoleId")):
        entity = result.get(name)
        if isinstance(entity, Mapping) and entity.get("Arn") and entity.get(identifier):
            found[str(entity["Arn"])] = str(entity[identifier])
    return found


def learned_credentials(
    call: ApiCall,
    result: Result | None,
    caller: Principal | None,
    principal_id_of: Callable[[str], str],
) -> tuple[Credential, ...]:
    """The keys in an answer, with whom they stand for."""
    if not result or call.operation is None:
        return ()
    match call.operation.name:
        case "CreateAccessKey":
            return _long_term(result, caller, principal_id_of)
        case "AssumeRole" | "AssumeRoleWithSAML" | "AssumeRoleWithWebIdentity":
            return _role_session(call, result, caller, principal_id_of)
        case "GetSessionToken":
            return _session_token(call, result, caller)
        case "GetFederationToken":
            return _federated(call, result, caller)
        case _:
            return ()


def _long_term(
    result: Result, caller: Principal | None, principal_id_of: Callable[[str], str]
) -> tuple[Credential, ...]:
    key = result.get("AccessKey")
    if not isinstance(key, Mapping) or caller is None or not caller.account_id:
        return ()
    name = str(key.get("UserName") or caller.user_name)
    arn = f"arn:aws:iam::{caller.account_id}:user/{name}"
    principal = Principal(
        type=PrincipalType.IAM_USER,
        account_id=caller.account_id,
        principal_id=principal_id_of(arn),
        arn=arn,
        user_name=name,
    )
    return _credential(key, principal, temporary=False)


def other_account(call: ApiCall, caller: Principal | None) -> str:
    """The account whose role a caller of another account assumed; "" for every other call.

    Such a call is recorded in both accounts.
    """
    assumes = call.service == "sts" and call.operation is not None
    if not assumes or call.error_code or caller is None or not caller.account_id:
        return ""
    if call.operation is None or call.operation.name != "AssumeRole":
        return ""
    try:
        account = Arn.parse(str((call.parameters or {}).get("RoleArn") or "")).account
    except InvalidArn:
        return ""
    is_account = len(account) == 12 and account.isascii() and account.isdigit()
    return account if is_account and account != caller.account_id else ""


def _role_session(
    call: ApiCall,
    result: Result,
    caller: Principal | None,
    principal_id_of: Callable[[str], str],
) -> tuple[Credential, ...]:
    parameters = call.parameters or {}
    user = result.get("AssumedRoleUser")
    role_arn = str(parameters.get("RoleArn") or "")
    try:
        role = Arn.parse(role_arn)
    except InvalidArn:
        return ()
    assumed = user if isinstance(user, Mapping) else {}
    session_name = str(parameters.get("RoleSessionName") or "")
    role_name = role.resource.rpartition("/")[2]
    role_id, _, tail = str(assumed.get("AssumedRoleId") or "").partition(":")
    role_id = principal_id_of(role_arn) or role_id
    arn = str(
        assumed.get("Arn") or f"arn:aws:sts::{role.account}:assumed-role/{role_name}/{session_name}"
    )
    inherited = caller.session.source_identity if caller and caller.session else ""
    principal = Principal(
        type=PrincipalType.ASSUMED_ROLE,
        account_id=role.account,
        principal_id=f"{role_id}:{session_name or tail}",
        arn=arn,
        invoked_by=caller.invoked_by if caller else "",
        session=Session(
            created=call.observed.ended,
            mfa_authenticated=bool(parameters.get("SerialNumber")),
            issuer_type="Role",
            issuer_principal_id=role_id,
            issuer_arn=role_arn,
            issuer_account_id=role.account,
            issuer_user_name=role_name,
            source_identity=str(parameters.get("SourceIdentity") or inherited),
            web_id_federation=_web_identity(call, result),
        ),
    )
    return _credential(result.get("Credentials"), principal, temporary=True)


def _web_identity(call: ApiCall, result: Result) -> tuple[tuple[str, str], ...]:
    if call.operation is None or call.operation.name != "AssumeRoleWithWebIdentity":
        return ()
    provider = str(result.get("Provider") or (call.parameters or {}).get("ProviderId") or "")
    subject = str(result.get("SubjectFromWebIdentityToken") or "")
    audience = str(result.get("Audience") or "")
    attributes = [(f"{provider}:sub", subject), (f"{provider}:aud", audience)]
    return (("", provider), *(pair for pair in attributes if pair[1]))


def _session_token(
    call: ApiCall, result: Result, caller: Principal | None
) -> tuple[Credential, ...]:
    if caller is None or not caller.account_id:
        return ()
    mfa = bool((call.parameters or {}).get("SerialNumber"))
    session = Session(created=call.observed.ended, mfa_authenticated=mfa)
    return _credential(result.get("Credentials"), replace(caller, session=session), temporary=True)


def _federated(call: ApiCall, result: Result, caller: Principal | None) -> tuple[Credential, ...]:
    if caller is None or not caller.account_id:
        return ()
    name = str((call.parameters or {}).get("Name") or "")
    user = result.get("FederatedUser")
    arn = str(user.get("Arn") or "") if isinstance(user, Mapping) else ""
    principal = Principal(
        type=PrincipalType.FEDERATED_USER,
        account_id=caller.account_id,
        principal_id=f"{caller.account_id}:{name}",
        arn=arn or f"arn:aws:sts::{caller.account_id}:federated-user/{name}",
        session=Session(
            created=call.observed.ended,
            issuer_type=str(caller.type),
            issuer_principal_id=caller.principal_id,
            issuer_arn=caller.arn,
            issuer_account_id=caller.account_id,
            issuer_user_name=caller.user_name,
        ),
    )
    return _credential(result.get("Credentials"), principal, temporary=True)


def _credential(key: Any, principal: Principal, *, temporary: bool) -> tuple[Credential, ...]:
    if not isinstance(key, Mapping) or not key.get("AccessKeyId"):
        return ()
    expires = key.get("Expiration") if temporary else None
    return (
        Credential(
            access_key_id=str(key["AccessKeyId"]),
            secret_access_key=str(key.get("SecretAccessKey") or ""),
            principal=principal,
            session_token=str(key.get("SessionToken") or ""),
            expires=expires if isinstance(expires, datetime) else None,
        ),
    )
