"""CreateTrail, GetTrail, DescribeTrails, ListTrails, UpdateTrail, DeleteTrail.

Source: spec: api, sections 2, 3 and 12. What a trail could not act on yet (SNS, CloudWatch Logs,
KMS, organizations) is refused, never stored and ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from opentrail.api.cloudtrail.find import (
    arn_of,
    find_at_home,
    find_trail,
    saved,
    trails_of,
    visible,
)
from opentrail.api.cloudtrail.tags import parse_tags
from opentrail.api.errors import ApiError
from opentrail.api.outcome import Backends, Caller, Reply, TakesEffect
from opentrail.ports.state import Change
from opentrail.trail.names import check_bucket_name, check_prefix, check_trail_name, hijacks
from opentrail.trail.trail import TRAIL_KIND, Trail

MAX_TRAILS = 5
"""Trails an account may have in a region, shadow trails counted."""

Parameters = Mapping[str, Any]

_REFUSED = {
    "SnsTopicName": ("InvalidSnsTopicNameException", "SNS notifications"),
    "CloudWatchLogsLogGroupArn": (
        "InvalidCloudWatchLogsLogGroupArnException",
        "delivery to CloudWatch Logs",
    ),
    "CloudWatchLogsRoleArn": (
        "InvalidCloudWatchLogsRoleArnException",
        "delivery to CloudWatch Logs",
    ),
    "KmsKeyId": ("InvalidKmsKeyIdException", "encryption with a KMS key"),
}


def create_trail(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """A new trail; it does not log yet."""
    name = parameters["Name"]
    check_trail_name(name)
    _refuse_unsupported(parameters)
    arn = arn_of(name, caller)
    trails = trails_of(caller, backends)
    if any(trail.arn == arn for trail in trails):
        raise ApiError(
            "TrailAlreadyExistsException",
            f"Trail {name} already exists for customer: {caller.account_id}",
        )
    _check_room(trails, caller)
    trail = Trail(
        arn=arn,
        name=name,
        account_id=caller.account_id,
        home_region=caller.region,
        s3_bucket_name=parameters["S3BucketName"],
        s3_key_prefix=parameters.get("S3KeyPrefix") or "",
        created=caller.now,
        include_global_service_events=parameters.get("IncludeGlobalServiceEvents", True),
        is_multi_region_trail=parameters.get("IsMultiRegionTrail", False),
        log_file_validation_enabled=parameters.get("EnableLogFileValidation", False),
        tags=parse_tags(parameters.get("TagsList") or []),
    )
    _check(trail, trails, backends)
    return Reply(_settings(trail), (saved(trail, 0),))


def get_trail(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """One trail, by name or ARN."""
    trail, _ = find_trail(parameters["Name"], caller, backends)
    return Reply({"Trail": described(trail)})


def describe_trails(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """All trails of the region, shadows too unless left out; unknown names are passed over."""
    shadows = parameters.get("includeShadowTrails", True)
    wanted = {arn_of(name, caller) for name in parameters.get("trailNameList") or ()}
    found = [
        trail
        for trail in trails_of(caller, backends)
        if visible(trail, caller)
        and (shadows or trail.home_region == caller.region)
        and (not wanted or trail.arn in wanted)
    ]
    return Reply({"trailList": [described(trail) for trail in found]})


def list_trails(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """Every trail of the account, whatever its region; always one page."""
    if parameters.get("NextToken"):
        raise ApiError("InvalidNextTokenException", "There is no further page.")
    return Reply(
        {
            "Trails": [
                {"TrailARN": trail.arn, "Name": trail.name, "HomeRegion": trail.home_region}
                for trail in trails_of(caller, backends)
            ]
        }
    )


def update_trail(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """The trail with the given settings changed; others stay."""
    before, version = find_at_home(parameters["Name"], caller, backends)
    _refuse_unsupported(parameters)
    multi = parameters.get("IsMultiRegionTrail", before.is_multi_region_trail)
    # Changing between single and multi region takes global service events along.
    global_events = (
        multi if multi != before.is_multi_region_trail else (before.include_global_service_events)
    )
    trail = msgspec.structs.replace(
        before,
        s3_bucket_name=parameters.get("S3BucketName") or before.s3_bucket_name,
        s3_key_prefix=parameters.get("S3KeyPrefix", before.s3_key_prefix),
        include_global_service_events=parameters.get("IncludeGlobalServiceEvents", global_events),
        is_multi_region_trail=multi,
        log_file_validation_enabled=parameters.get(
            "EnableLogFileValidation", before.log_file_validation_enabled
        ),
    )
    _check(trail, trails_of(caller, backends), backends)
    return Reply(_settings(trail), (saved(trail, version),))


def delete_trail(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """Gone; its files stay."""
    trail, version = find_at_home(parameters["Name"], caller, backends)
    return Reply({}, (Change(TRAIL_KIND, trail.arn, None, expected=version),), TakesEffect.AFTER)


def described(trail: Trail) -> dict[str, Any]:
    """A trail as GetTrail and DescribeTrails show it."""
    return {
        "Name": trail.name,
        "S3BucketName": trail.s3_bucket_name,
        **({"S3KeyPrefix": trail.s3_key_prefix} if trail.s3_key_prefix else {}),
        "IncludeGlobalServiceEvents": trail.include_global_service_events,
        "IsMultiRegionTrail": trail.is_multi_region_trail,
        "HomeRegion": trail.home_region,
        "TrailARN": trail.arn,
        "LogFileValidationEnabled": trail.log_file_validation_enabled,
        "HasCustomEventSelectors": trail.has_custom_event_selectors,
        "HasInsightSelectors": False,
        "IsOrganizationTrail": False,
    }


def _settings(trail: Trail) -> dict[str, Any]:
    left_out = ("HomeRegion", "HasCustomEventSelectors", "HasInsightSelectors")
    return {name: value for name, value in described(trail).items() if name not in left_out}


def _refuse_unsupported(parameters: Parameters) -> None:
    for name, (code, what) in _REFUSED.items():
        if parameters.get(name):
            raise ApiError(code, f"{name}: OpenTrail does not do {what} yet.")
    if parameters.get("IsOrganizationTrail"):
        raise ApiError("OrganizationsNotInUseException", "This installation has no organization.")


def _check_room(trails: tuple[Trail, ...], caller: Caller) -> None:
    here = [trail for trail in trails if visible(trail, caller)]
    if len(here) >= MAX_TRAILS:
        raise ApiError(
            "MaximumNumberOfTrailsExceededException",
            f"User: {caller.account_id} already has {MAX_TRAILS} trails in {caller.region}.",
        )


def _check(trail: Trail, trails: tuple[Trail, ...], backends: Backends) -> None:
    """The rules on a trail's settings, new or changed."""
    if trail.is_multi_region_trail and not trail.include_global_service_events:
        raise ApiError(
            "InvalidParameterCombinationException",
            "Multi-Region trail must include global service events.",
        )
    check_bucket_name(trail.s3_bucket_name)
    if trail.s3_key_prefix:
        check_prefix(trail.s3_key_prefix)
    place = (trail.s3_bucket_name, trail.s3_key_prefix)
    for other in trails:
        same_place = (other.s3_bucket_name, other.s3_key_prefix) == place
        if other.arn != trail.arn and same_place and _hijack(trail, other):
            raise ApiError(
                "InvalidTrailNameException",
                f"Trail name {trail.name} and the name of trail {other.name} in the same bucket "
                "and prefix would make one's digest files pass for the other's; choose another "
                "name, bucket or prefix.",
            )
    if not backends.store.bucket_exists(trail.s3_bucket_name):
        raise ApiError(
            "S3BucketDoesNotExistException", f"S3 bucket {trail.s3_bucket_name} does not exist!"
        )


def _hijack(trail: Trail, other: Trail) -> bool:
    regions = {trail.home_region, other.home_region}
    return any(hijacks(trail.name, other.name, region) for region in regions)
