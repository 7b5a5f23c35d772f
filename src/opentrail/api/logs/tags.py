"""Tags of log groups, by ARN and in the older way by name.

Source: CloudWatch Logs API reference, TagResource, ListTagsForResource, TagLogGroup.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from opentrail.api.errors import ApiError
from opentrail.api.logs.backends import LogsBackends, Parameters
from opentrail.api.logs.find import find_group, invalid, key_of, key_of_identifier, saved
from opentrail.api.outcome import Caller, Reply
from opentrail.logs.group import MOST_TAGS
from opentrail.logs.names import GroupKey

_CHARACTERS = re.compile(r"[\w\s.:/=+\-@]*")


def tag_resource(parameters: Parameters, caller: Caller, backends: LogsBackends) -> Reply:
    """Tags added; one of the same key is replaced."""
    return _add(_key(parameters, caller), parameters["tags"], backends)


def untag_resource(parameters: Parameters, caller: Caller, backends: LogsBackends) -> Reply:
    """Tags removed by key; absent ones are passed over."""
    return _remove(_key(parameters, caller), parameters["tagKeys"], backends)


def list_tags_for_resource(parameters: Parameters, caller: Caller, backends: LogsBackends) -> Reply:
    """The tags."""
    return _listed(_key(parameters, caller), backends)


def tag_log_group(parameters: Parameters, caller: Caller, backends: LogsBackends) -> Reply:
    """As tag_resource, by name."""
    return _add(key_of(parameters["logGroupName"], caller), parameters["tags"], backends)


def untag_log_group(parameters: Parameters, caller: Caller, backends: LogsBackends) -> Reply:
    """As untag_resource, by name."""
    return _remove(key_of(parameters["logGroupName"], caller), parameters["tags"], backends)


def list_tags_log_group(parameters: Parameters, caller: Caller, backends: LogsBackends) -> Reply:
    """As list_tags_for_resource, by name."""
    return _listed(key_of(parameters["logGroupName"], caller), backends)


def check_tags(tags: Mapping[str, str]) -> None:
    """Nothing, if a group may have such tags.

    Raises:
        ApiError: InvalidParameterException.
    """
    for key, value in tags.items():
        if not _CHARACTERS.fullmatch(key + value) or key.lower().startswith("aws:"):
            raise invalid(
                f"Tag {key[:200]!r} has characters that are not allowed, or starts with aws:."
            )


def _key(parameters: Parameters, caller: Caller) -> GroupKey:
    arn = parameters["resourceArn"]
    if not arn.startswith("arn:"):
        raise invalid(f"{arn[:200]!r} is not an ARN.")
    return key_of_identifier(arn, caller)


def _add(key: GroupKey, tags: Mapping[str, str], backends: LogsBackends) -> Reply:
    check_tags(tags)
    group, version = find_group(key, backends)
    wider = dict(group.tags) | dict(tags)
    if len(wider) > MOST_TAGS:
        raise ApiError(
            "TooManyTagsException", f"{len(wider)} tags; a log group may have {MOST_TAGS}."
        )
    changed = msgspec.structs.replace(group, tags=tuple(sorted(wider.items())))
    return Reply({}, (saved(changed, version),))


def _remove(key: GroupKey, keys: list[str], backends: LogsBackends) -> Reply:
    group, version = find_group(key, backends)
    left = tuple(pair for pair in group.tags if pair[0] not in keys)
    return Reply({}, (saved(msgspec.structs.replace(group, tags=left), version),))


def _listed(key: GroupKey, backends: LogsBackends) -> Reply:
    group, _ = find_group(key, backends)
    return Reply({"tags": dict(group.tags)})
