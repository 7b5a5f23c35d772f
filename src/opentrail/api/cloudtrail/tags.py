"""AddTags, RemoveTags, ListTags on trails. Source: spec: api, section 12."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from opentrail.api.cloudtrail.find import find_at_home, saved
from opentrail.api.errors import ApiError
from opentrail.api.outcome import Backends, Caller, Reply
from opentrail.trail.trail import Trail

MAX_TAGS = 50

Parameters = Mapping[str, Any]
Tags = tuple[tuple[str, str], ...]

_CHARACTERS = re.compile(r"[\w\s.:/=+\-@]*")


def add_tags(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """Tags added; one of the same key is replaced."""
    trail, version = _tagged(parameters["ResourceId"], caller, backends)
    tags = dict(trail.tags) | dict(parse_tags(parameters["TagsList"]))
    return _with_tags(trail, version, tags)


def remove_tags(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """Tags removed by key; absent ones are passed over."""
    trail, version = _tagged(parameters["ResourceId"], caller, backends)
    gone = {tag["Key"] for tag in parameters["TagsList"]}
    return _with_tags(trail, version, {key: value for key, value in trail.tags if key not in gone})


def list_tags(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """The tags of each resource."""
    if parameters.get("NextToken"):
        raise ApiError("InvalidTokenException", "There is no further page.")
    found = [(arn, _tagged(arn, caller, backends)[0]) for arn in parameters["ResourceIdList"]]
    return Reply(
        {
            "ResourceTagList": [
                {
                    "ResourceId": arn,
                    "TagsList": [{"Key": key, "Value": value} for key, value in trail.tags],
                }
                for arn, trail in found
            ]
        }
    )


def parse_tags(tags: Sequence[Mapping[str, Any]]) -> Tags:
    """Tags of a request, in the order of their keys.

    Raises:
        ApiError: InvalidTagParameterException, TagsLimitExceededException.
    """
    keys = [str(tag["Key"]) for tag in tags]
    if len(set(keys)) != len(keys):
        raise ApiError("InvalidTagParameterException", "A tag key is given twice.")
    for tag in tags:
        text = f"{tag['Key']}{tag.get('Value') or ''}"
        if not _CHARACTERS.fullmatch(text) or str(tag["Key"]).lower().startswith("aws:"):
            raise ApiError(
                "InvalidTagParameterException",
                f"Tag {tag['Key']!r} has characters that are not allowed, or starts with aws:.",
            )
    _check_count(len(keys))
    return tuple(sorted((str(tag["Key"]), str(tag.get("Value") or "")) for tag in tags))


def _with_tags(trail: Trail, version: int, tags: Mapping[str, str]) -> Reply:
    _check_count(len(tags))
    changed = msgspec.structs.replace(trail, tags=tuple(sorted(tags.items())))
    return Reply({}, (saved(changed, version),))


def _check_count(count: int) -> None:
    if count > MAX_TAGS:
        raise ApiError("TagsLimitExceededException", f"{count} tags; a trail may have {MAX_TAGS}.")


def _tagged(arn: str, caller: Caller, backends: Backends) -> tuple[Trail, int]:
    if not arn.startswith("arn:"):
        raise ApiError("CloudTrailARNInvalidException", f"{arn[:200]!r} is not an ARN.")
    if ":trail/" not in arn:
        raise ApiError(
            "ResourceTypeNotSupportedException", f"Resources like {arn[:200]} have no tags here."
        )
    try:
        return find_at_home(arn, caller, backends)
    except ApiError as problem:
        if problem.code == "TrailNotFoundException":
            raise ApiError("ResourceNotFoundException", f"Unknown resource: {arn}") from problem
        raise
