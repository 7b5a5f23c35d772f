"""A trail: where it delivers, and which records it takes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from opentrail.record import RecordHead
from opentrail.selectors import (
    DEFAULT_SELECTORS,
    AdvancedEventSelector,
    EventSelector,
    InsightSelector,
    compile_selectors,
)

TRAIL_KIND = "trail"
"""The state documents of Trail, keyed by ARN."""


class Trail(msgspec.Struct, frozen=True, kw_only=True):
    """A trail's configuration.

    Attributes:
        s3_key_prefix: Without a slash at its end, "" if none.
        is_logging: Between StartLogging and StopLogging.
        sns_topic_name: As the caller named it, by name or ARN; "" for no notifications.
        kms_key_id: The ARN of the key that encrypts log files, "" if none.
        organization_id: `o-…` of an organization trail; "" for one account's.
        member_account_ids: The other accounts whose records an organization trail takes.
        insight_selectors: What Insights look for, () if nothing.
        aggregation_templates: Of aggregated events, () if there shall be none.
        tags: (key, value) in the order of their keys.
    """

    arn: str
    name: str
    account_id: str
    home_region: str
    s3_bucket_name: str
    created: datetime
    s3_key_prefix: str = ""
    include_global_service_events: bool = True
    is_multi_region_trail: bool = False
    log_file_validation_enabled: bool = False
    event_selectors: tuple[EventSelector, ...] = DEFAULT_SELECTORS
    advanced_event_selectors: tuple[AdvancedEventSelector, ...] = ()
    sns_topic_name: str = ""
    sns_topic_arn: str = ""
    cloud_watch_logs_log_group_arn: str = ""
    cloud_watch_logs_role_arn: str = ""
    kms_key_id: str = ""
    organization_id: str = ""
    member_account_ids: tuple[str, ...] = ()
    insight_selectors: tuple[InsightSelector, ...] = ()
    aggregation_templates: tuple[str, ...] = ()
    is_logging: bool = False
    start_logging_time: datetime | None = None
    stop_logging_time: datetime | None = None
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts whose records it takes, its own first."""
        return (self.account_id, *self.member_account_ids)

    @property
    def has_custom_event_selectors(self) -> bool:
        """Whether the selectors differ from a new trail's."""
        return bool(self.advanced_event_selectors) or self.event_selectors != DEFAULT_SELECTORS

    def takes(self, head: RecordHead) -> bool:
        """Whether account, region and selectors let the record in; not whether it is logging.

        A global service's records are in us-east-1: a single-region trail there takes them when
        it includes global service events.
        """
        return self.taker()(head)

    def taker(self) -> Callable[[RecordHead], bool]:
        """`takes` as a function, for many records."""
        accounts = frozenset({self.account_id, *self.member_account_ids})
        region = None if self.is_multi_region_trail else self.home_region
        without_global = not self.include_global_service_events
        selected = compile_selectors(self.event_selectors, self.advanced_event_selectors)
        insight_types = frozenset(one.type for one in self.insight_selectors)

        def takes(head: RecordHead) -> bool:
            if head.recipient_account_id not in accounts:
                return False
            if region is not None and head.aws_region != region:
                return False
            if without_global and _is_global(head):
                return False
            if head.event_category == "Insight":
                return bool(insight_types) and _insight_type(head) in insight_types
            return selected(head)

        return takes


_GLOBAL_SOURCES = frozenset(
    {"iam.amazonaws.com", "sts.amazonaws.com", "cloudfront.amazonaws.com", "signin.amazonaws.com"}
)


class _InsightDetails(msgspec.Struct, frozen=True, rename="camel"):
    insight_type: str = ""


def _insight_type(head: RecordHead) -> str:
    """Of an Insights record; "" if it names none."""
    try:
        return msgspec.json.decode(head.insight_details, type=_InsightDetails).insight_type
    except msgspec.MsgspecError:
        return ""


def _is_global(head: RecordHead) -> bool:
    return head.aws_region == "us-east-1" and head.event_source in _GLOBAL_SOURCES
