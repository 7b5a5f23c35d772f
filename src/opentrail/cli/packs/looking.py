"""What is there of a pack, asked of the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opentrail.cli.packs.calling import Server
from opentrail.errors import InvalidInput
from opentrail.packs.pack import Pack
from opentrail.packs.plan import TAG, Found

_UNCONFIRMED = "PendingConfirmation"
"""In place of its ARN, as SNS lists it."""


@dataclass(frozen=True, slots=True)
class Feed:
    """A trail that delivers to a log group.

    Attributes:
        group: The log group's name.
        bucket: The trail's.
    """

    trail: str
    group: str
    bucket: str


def feeds(server: Server) -> tuple[Feed, ...]:
    """The trails that deliver to a log group of the region."""
    found = server.call("cloudtrail", "describe_trails")["trailList"]
    return tuple(
        Feed(one["Name"], _group(one["CloudWatchLogsLogGroupArn"]), one.get("S3BucketName", ""))
        for one in found
        if _region(one.get("CloudWatchLogsLogGroupArn", "")) == server.region
    )


def look(server: Server, pack: Pack, fed: tuple[Feed, ...], topic_arn: str = "") -> Found:
    """What is there.

    Args:
        topic_arn: Of the topic whose subscribers matter, "" for none.
    """
    groups = {
        one["logGroupName"]: one for one in server.pages("logs", "describe_log_groups", "logGroups")
    }
    alarms = {
        one["AlarmName"]: one
        for one in server.pages(
            "cloudwatch", "describe_alarms", "MetricAlarms", AlarmNamePrefix=pack.prefix
        )
    }
    topics = [one["TopicArn"] for one in server.pages("sns", "list_topics", "Topics")]
    subscriptions = _subscriptions(server, topic_arn) if topic_arn in topics else {}
    return Found(
        log_groups={name: _group_is_ours(server, pack, one) for name, one in groups.items()},
        fed_groups=frozenset(one.group for one in fed),
        filters=_filters(server, pack, groups),
        alarms=alarms,
        alarm_tags={name: _alarm_tag(server, one["AlarmArn"]) for name, one in alarms.items()},
        topics={arn: _topic_is_ours(server, pack, arn) for arn in topics},
        subscriptions=frozenset(subscriptions),
        unconfirmed=frozenset(who for who, arn in subscriptions.items() if arn == _UNCONFIRMED),
    )


def _filters(
    server: Server, pack: Pack, groups: Mapping[str, Any]
) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {
        (group, one["filterName"]): one
        for group in groups
        for one in server.pages(
            "logs",
            "describe_metric_filters",
            "metricFilters",
            logGroupName=group,
            filterNamePrefix=pack.prefix,
        )
    }


def _group_is_ours(server: Server, pack: Pack, group: Mapping[str, Any]) -> bool:
    arn = str(group["arn"]).removesuffix(":*")
    try:
        tags = server.call("logs", "list_tags_for_resource", resourceArn=arn)["tags"]
    except InvalidInput:
        return False  # gone since it was listed, or not ours to ask
    return bool(tags.get(TAG) == pack.name)


def _alarm_tag(server: Server, arn: str) -> str:
    return _tag(server.call("cloudwatch", "list_tags_for_resource", ResourceARN=arn)["Tags"])


def _topic_is_ours(server: Server, pack: Pack, arn: str) -> bool:
    try:
        tags = server.call("sns", "list_tags_for_resource", ResourceArn=arn)["Tags"]
    except InvalidInput:
        return False
    return _tag(tags) == pack.name


def _subscriptions(server: Server, topic_arn: str) -> dict[tuple[str, str], str]:
    """ARNs by (protocol, endpoint)."""
    found = server.pages("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=topic_arn)
    return {(one["Protocol"], one["Endpoint"]): one["SubscriptionArn"] for one in found}


def _tag(tags: list[Mapping[str, str]]) -> str:
    return next((one["Value"] for one in tags if one["Key"] == TAG), "")


def _group(arn: str) -> str:
    return arn.split(":")[6] if arn.count(":") >= 6 else ""


def _region(arn: str) -> str:
    return arn.split(":")[3] if arn.count(":") >= 6 else ""
