"""Tags of topics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from opentrail.api.errors import ApiError
from opentrail.api.outcome import Caller, Reply
from opentrail.api.sns.backends import Parameters, SnsBackends, invalid
from opentrail.api.sns.find import FoundTopic, find_own_topic

MOST_TAGS = 50

Tags = tuple[tuple[str, str], ...]


def tag_resource(parameters: Parameters, caller: Caller, backends: SnsBackends) -> Reply:
    """Tags added; one of the same key is replaced."""
    found = _find(parameters, "TagResource", caller, backends)
    tags = dict(found.topic.tags) | dict(parse_tags(parameters["Tags"]))
    return _with_tags(found, tags)


def untag_resource(parameters: Parameters, caller: Caller, backends: SnsBackends) -> Reply:
    """Tags removed by key."""
    found = _find(parameters, "UntagResource", caller, backends)
    gone = set(parameters["TagKeys"])
    return _with_tags(found, {key: one for key, one in found.topic.tags if key not in gone})


def list_tags(parameters: Parameters, caller: Caller, backends: SnsBackends) -> Reply:
    """A topic's tags."""
    found = _find(parameters, "ListTagsForResource", caller, backends)
    return Reply({"Tags": [{"Key": key, "Value": value} for key, value in found.topic.tags]})


def parse_tags(given: Iterable[Mapping[str, str]]) -> Tags:
    """Tags, ordered by key.

    Raises:
        ApiError: too many, or a key twice or of AWS's own.
    """
    pairs = [(one["Key"], one["Value"]) for one in given]
    keys = {key for key, _ in pairs}
    if len(keys) < len(pairs):
        raise invalid("Tags Reason: Duplicate keys found")
    if any(key.lower().startswith("aws:") for key in keys):
        raise invalid("Tags Reason: aws: prefixed tag key names are not allowed")
    _check_count(len(pairs))
    return tuple(sorted(pairs))


def _find(parameters: Parameters, action: str, caller: Caller, backends: SnsBackends) -> FoundTopic:
    try:
        return find_own_topic(parameters["ResourceArn"], action, caller, backends)
    except ApiError as problem:
        if problem.code == "NotFoundException":
            raise ApiError("ResourceNotFoundException", "Resource does not exist", 404) from problem
        raise


def _with_tags(found: FoundTopic, tags: Mapping[str, str]) -> Reply:
    _check_count(len(tags))
    changed = msgspec.structs.replace(found.topic, tags=tuple(sorted(tags.items())))
    return Reply({}, (found.changed(changed),))


def _check_count(count: int) -> None:
    if count > MOST_TAGS:
        raise ApiError(
            "TagLimitExceededException",
            f"Could not complete request: tag quota of per resource exceeded; {MOST_TAGS} are "
            "allowed",
        )
