"""CreateTrail, GetTrail, DescribeTrails, ListTrails, UpdateTrail, DeleteTrail.

Source: spec: api, sections 2, 3 and 12.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from opentrail.api.cloudtrail.destinations import checked, topic_arn
from opentrail.api.cloudtrail.find import (
    arn_of,
    find_at_home,
    find_trail,
    is_in,
    saved,
    trails_of,
    visible,
)
from opentrail.api.cloudtrail.organization import organization_for_trails
from opentrail.api.cloudtrail.tags import parse_tags
from opentrail.api.errors import ApiError
from opentrail.api.outcome import Backends, Caller, Reply, TakesEffect
from opentrail.ports.state import Change
from opentrail.trail.names import (
    check_bucket_name,
    check_prefix,
    check_trail_name,
    hijacks,
    trail_arn,
)
from opentrail.trail.trail import TRAIL_KIND, Trail

Parameters = Mapping[str, Any]

_TEXTS = {
    "S3KeyPrefix": "s3_key_prefix",
    "CloudWatchLogsLogGroupArn": "cloud_watch_logs_log_group_arn",
    "CloudWatchLogsRoleArn": "cloud_watch_logs_role_arn",
    "KmsKeyId": "kms_key_id",
}
"""Settings that are empty when they are not set; given empty they are taken away."""


def create_trail(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """A new trail; it does not log yet."""
    name = parameters["Name"]
    check_trail_name(name)
    organization = (
        organization_for_trails(caller, backends) if parameters.get("IsOrganizationTrail") else None
    )
    account_id = organization.management_account_id if organization else caller.account_id
    arn = trail_arn(caller.region, account_id, name)
    # An organization's trail is its management account's, whoever makes it.
    trails = trails_of(account_id, backends)
    if any(trail.arn == arn for trail in trails):
        raise ApiError(
            "TrailAlreadyExistsException",
            f"Trail {name} already exists for customer: {account_id}",
        )
    trail = Trail(
        arn=arn,
        name=name,
        account_id=account_id,
        home_region=caller.region,
        s3_bucket_name=parameters["S3BucketName"],
        created=caller.now,
        include_global_service_events=parameters.get("IncludeGlobalServiceEvents", True),
        is_multi_region_trail=parameters.get("IsMultiRegionTrail", False),
        log_file_validation_enabled=parameters.get("EnableLogFileValidation", False),
        tags=parse_tags(parameters.get("TagsList") or [], backends.quotas),
        organization_id=organization.id if organization else "",
        member_account_ids=organization.member_account_ids if organization else (),
        **_named(parameters),
    )
    _check_room(trail, trails, backends)
    trail = _checked(_with_topic(trail, parameters), trails, backends)
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
        for trail in trails_of(caller.account_id, backends)
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
                for trail in trails_of(caller.account_id, backends)
            ]
        }
    )


def update_trail(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:
    """The trail with the given settings changed; others stay."""
    before, version = find_at_home(parameters["Name"], caller, backends)
    multi = parameters.get("IsMultiRegionTrail", before.is_multi_region_trail)
    # Changing between single and multi region takes global service events along.
    global_events = (
        multi if multi != before.is_multi_region_trail else (before.include_global_service_events)
    )
    trail = msgspec.structs.replace(
        before,
        s3_bucket_name=parameters.get("S3BucketName") or before.s3_bucket_name,
        include_global_service_events=parameters.get("IncludeGlobalServiceEvents", global_events),
        is_multi_region_trail=multi,
        log_file_validation_enabled=parameters.get(
            "EnableLogFileValidation", before.log_file_validation_enabled
        ),
        **_named(parameters),
    )
    trail = _converted(_with_topic(trail, parameters), parameters, caller, backends)
    trail = _checked(trail, trails_of(trail.account_id, backends), backends)
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
        **_set(trail, "SnsTopicName", "SnsTopicARN"),
        "IncludeGlobalServiceEvents": trail.include_global_service_events,
        "IsMultiRegionTrail": trail.is_multi_region_trail,
        "HomeRegion": trail.home_region,
        "TrailARN": trail.arn,
        "LogFileValidationEnabled": trail.log_file_validation_enabled,
        **_set(trail, "CloudWatchLogsLogGroupArn", "CloudWatchLogsRoleArn", "KmsKeyId"),
        "HasCustomEventSelectors": trail.has_custom_event_selectors,
        "HasInsightSelectors": bool(trail.insight_selectors),
        "IsOrganizationTrail": bool(trail.organization_id),
    }


def _settings(trail: Trail) -> dict[str, Any]:
    left_out = ("HomeRegion", "HasCustomEventSelectors", "HasInsightSelectors")
    return {name: value for name, value in described(trail).items() if name not in left_out}


_SHOWN = {
    "SnsTopicName": "sns_topic_name",
    "SnsTopicARN": "sns_topic_arn",
    "CloudWatchLogsLogGroupArn": "cloud_watch_logs_log_group_arn",
    "CloudWatchLogsRoleArn": "cloud_watch_logs_role_arn",
    "KmsKeyId": "kms_key_id",
}


def _set(trail: Trail, *names: str) -> dict[str, str]:
    """Those of the members that the trail has a value for."""
    return {name: value for name in names if (value := getattr(trail, _SHOWN[name]))}


def _named(parameters: Parameters) -> dict[str, Any]:
    return {ours: parameters[name] for name, ours in _TEXTS.items() if name in parameters}


def _with_topic(trail: Trail, parameters: Parameters) -> Trail:
    if "SnsTopicName" not in parameters:
        return trail
    name = parameters["SnsTopicName"]
    arn = topic_arn(name, trail.home_region, trail.account_id)
    return msgspec.structs.replace(trail, sns_topic_name=name, sns_topic_arn=arn)


def _converted(trail: Trail, parameters: Parameters, caller: Caller, backends: Backends) -> Trail:
    """Made the organization's, or one account's again; the management account alone may."""
    wanted = parameters.get("IsOrganizationTrail", bool(trail.organization_id))
    if wanted == bool(trail.organization_id):
        return trail
    # Its owner takes it back even when the organization is no more.
    organization = organization_for_trails(caller, backends) if wanted else None
    manager = organization.management_account_id if organization else trail.account_id
    if caller.account_id != manager:
        raise ApiError(
            "NotOrganizationMasterAccountException",
            "Only the management account can convert a trail between account and organization.",
        )
    return msgspec.structs.replace(
        trail,
        organization_id=organization.id if organization else "",
        member_account_ids=organization.member_account_ids if organization else (),
    )


def _check_room(trail: Trail, others: tuple[Trail, ...], backends: Backends) -> None:
    """Nothing, if every region that the trail will be in has room for it."""
    regions = [trail.home_region]
    if trail.is_multi_region_trail:
        regions += sorted({other.home_region for other in others} - {trail.home_region})
    allowed = backends.quotas.trails_per_region
    for region in regions:
        if sum(is_in(other, region) for other in others) >= allowed:
            raise ApiError(
                "MaximumNumberOfTrailsExceededException",
                f"User: {trail.account_id} already has {allowed} trails in {region}.",
            )


def _checked(trail: Trail, trails: tuple[Trail, ...], backends: Backends) -> Trail:
    """The trail, if its settings keep the rules, new or changed."""
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
    return checked(trail, backends)


def _hijack(trail: Trail, other: Trail) -> bool:
    regions = {trail.home_region, other.home_region}
    return any(hijacks(trail.name, other.name, region) for region in regions)
