"""AddTags, RemoveTags, ListTags on trails. Source: spec: api, section 12."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from opentrail.api.cloudtrail.find import find_at_home, find_trail, saved
from opentrail.api.errors import ApiError
from opentrail.api.outcome import Backends, Caller, Reply
from opentrail.trail.quotas import Quotas
from opentrail.trail.trail import Trail

Parameters = Mapping[str, Any]
Tags = tuple[tuple[str, str], ...]
Find = Callable[[str, Caller, Backends], tuple[Trail, int]]

_START = r"arn:aws[a-z-]*:cloudtrail:[a-z0-9-]+:\d{12}:"
_ABSENT = {
    "eventdatastore": (
        re.compile(rf"{_START}eventdatastore/[a-f0-9-]{{36}}"),
        "EventDataStoreARNInvalidException",
        "EventDataStoreNotFoundException",
    ),
    "channel": (
        re.compile(rf"{_START}channel/[a-f0-9-]{{36}}"),
        "ChannelARNInvalidException",
        "ChannelNotFoundException",
    ),
    "dashboard": (
        re.compile(rf"{_START}dashboard/[A-Za-z0-9_-]{{3,128}}"),
        "ResourceNotFoundException",
        "ResourceNotFoundException",
    ),
}
"""Kinds of resources that may be tagged and of which there are none: the pattern of their ARNs,
and the errors for one that does not fit it and for one that does."""

MOST_LISTED = 20
"""Resources in one ListTags."""

_CHARACTERS = re.compile(r"[\w\s.:/=+\-@]*")


def add_tags(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """Tags added; one of the same key is replaced."""
    trail, version = _tagged(parameters["ResourceId"], caller, backends)
    tags = dict(trail.tags) | dict(parse_tags(parameters["TagsList"], backends.quotas))
    return _with_tags(trail, version, tags, backends.quotas)


def remove_tags(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """Tags removed by key; absent ones are passed over."""
    trail, version = _tagged(parameters["ResourceId"], caller, backends)
    gone = {tag["Key"] for tag in parameters["TagsList"]}
    left = {key: value for key, value in trail.tags if key not in gone}
    return _with_tags(trail, version, left, backends.quotas)


def list_tags(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """The tags of each resource."""
    if parameters.get("NextToken"):
        raise ApiError("InvalidTokenException", "There is no further page.")
    if len(parameters["ResourceIdList"]) > MOST_LISTED:
        raise ApiError(
            "ValidationException",
            f"{len(parameters['ResourceIdList'])} resources; {MOST_LISTED} are allowed.",
        )
    found = [(arn, _listed(arn, caller, backends)) for arn in parameters["ResourceIdList"]]
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


def _listed(arn: str, caller: Caller, backends: Backends) -> Trail:
    try:
        return _found(arn, caller, backends, find_trail)[0]
    except ApiError as problem:
        if problem.code == "ChannelNotFoundException":
            # ListTags alone does not model it.
            raise ApiError("ResourceNotFoundException", str(problem)) from problem
        raise


def parse_tags(tags: Sequence[Mapping[str, Any]], quotas: Quotas) -> Tags:
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
    _check_count(len(keys), quotas)
    return tuple(sorted((str(tag["Key"]), str(tag.get("Value") or "")) for tag in tags))


def _with_tags(trail: Trail, version: int, tags: Mapping[str, str], quotas: Quotas) -> Reply:
    _check_count(len(tags), quotas)
    changed = msgspec.structs.replace(trail, tags=tuple(sorted(tags.items())))
    return Reply({}, (saved(changed, version),))


def _check_count(count: int, quotas: Quotas) -> None:
    allowed = quotas.tags_per_resource
    if count > allowed:
        raise ApiError("TagsLimitExceededException", f"{count} tags; a trail may have {allowed}.")


def _tagged(arn: str, caller: Caller, backends: Backends) -> tuple[Trail, int]:
    """The trail of the ARN, to change its tags."""
    try:
        return _found(arn, caller, backends, find_at_home)
    except ApiError as problem:
        if problem.code == "InvalidHomeRegionException":
            # Operations on tags do not model it.
            raise ApiError("ResourceNotFoundException", str(problem)) from problem
        raise


def _found(arn: str, caller: Caller, backends: Backends, find: Find) -> tuple[Trail, int]:
    if not arn.startswith("arn:"):
        raise ApiError("CloudTrailARNInvalidException", f"{arn[:200]!r} is not an ARN.")
    kind = arn.split(":", 5)[-1].partition("/")[0]
    if kind in _ABSENT:
        pattern, invalid, missing = _ABSENT[kind]
        code = missing if pattern.fullmatch(arn) else invalid
        raise ApiError(code, f"{arn[:200]} is not known; OpenTrail has no {kind} yet.")
    if kind != "trail":
        raise ApiError(
            "ResourceTypeNotSupportedException", f"Resources like {arn[:200]} have no tags here."
        )
    try:
        return find(arn, caller, backends)
    except ApiError as problem:
        if problem.code == "TrailNotFoundException":
            raise ApiError("ResourceNotFoundException", f"Unknown resource: {arn}") from problem
        raise
