"""Log groups and streams as a caller names them, and the errors for those that are not there.

The messages are those that AWS gives (recorded from it).
"""

from __future__ import annotations

import msgspec

from opentrail.api.errors import ApiError
from opentrail.api.logs.backends import LogsBackends, Parameters
from opentrail.api.outcome import Caller
from opentrail.logs.group import LOG_GROUP_KIND, LogGroup
from opentrail.logs.names import GroupKey, InvalidLogName, is_group_name, parse_group_arn
from opentrail.ports.state import Change


def invalid(message: str) -> ApiError:
    """The error for parameters that cannot be."""
    return ApiError("InvalidParameterException", message)


def not_found(what: str) -> ApiError:
    """The error for a `log group`, `log stream` or the like that is not there."""
    return ApiError("ResourceNotFoundException", f"The specified {what} does not exist.")


def exists_already(what: str) -> ApiError:
    """The error for what is there already."""
    return ApiError("ResourceAlreadyExistsException", f"The specified {what} already exists")


def too_many() -> ApiError:
    """The error for one more than a quota allows."""
    return ApiError("LimitExceededException", "Resource limit exceeded.")


def key_of(name: str, caller: Caller) -> GroupKey:
    """The group of that name in the caller's account and region."""
    return GroupKey(caller.account_id, caller.region, name)


def key_of_identifier(identifier: str, caller: Caller) -> GroupKey:
    """The group of a name or an ARN.

    Raises:
        ApiError: neither, or of another account or region.
    """
    if not identifier.startswith("arn:"):
        if not is_group_name(identifier):
            raise invalid(f"{identifier[:200]!r} names no log group.")
        return key_of(identifier, caller)
    try:
        key = parse_group_arn(identifier)
    except InvalidLogName as problem:
        raise invalid(str(problem)) from None
    if key[:2] != (caller.account_id, caller.region):
        raise not_found("log group")
    return key


def key_in(parameters: Parameters, caller: Caller) -> GroupKey:
    """The group that `logGroupName` or `logGroupIdentifier` tells.

    Raises:
        ApiError: both are given, or none.
    """
    name, identifier = parameters.get("logGroupName"), parameters.get("logGroupIdentifier")
    if name and identifier:
        raise ApiError(
            "ValidationException",
            "LogGroup name and LogGroup ARN are mutually exclusive parameters.",
        )
    if not name and not identifier:
        raise ApiError(
            "ValidationException", "Either logGroupName or logGroupIdentifier is needed."
        )
    return key_of(name, caller) if name else key_of_identifier(str(identifier), caller)


def find_group(key: GroupKey, backends: LogsBackends) -> tuple[LogGroup, int]:
    """The group and its document's version.

    Raises:
        ApiError: ResourceNotFoundException.
    """
    document = backends.state.get(LOG_GROUP_KIND, key.state_key)
    if document is None:
        raise not_found("log group")
    return msgspec.json.decode(document.body, type=LogGroup), document.version


def saved(group: LogGroup, version: int) -> Change:
    """The change that makes the stored group this one; `version` 0 for a new one."""
    body = msgspec.json.encode(group)
    return Change(LOG_GROUP_KIND, group.key.state_key, body, expected=version)
