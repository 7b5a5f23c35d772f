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
    compile_selectors,
)

TRAIL_KIND = "trail"
"""The state documents of Trail, keyed by ARN."""


class Trail(msgspec.Struct, frozen=True, kw_only=True):
    """A trail's configuration.

    Attributes:
        s3_key_prefix: Without a slash at its end, "" if none.
        is_logging: Between StartLogging and StopLogging.
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
    is_logging: bool = False
    start_logging_time: datetime | None = None
    stop_logging_time: datetime | None = None
    tags: tuple[tuple[str, str], ...] = ()

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
        account = self.account_id
        region = None if self.is_multi_region_trail else self.home_region
        without_global = not self.include_global_service_events
        selected = compile_selectors(self.event_selectors, self.advanced_event_selectors)

        def takes(head: RecordHead) -> bool:
            if head.recipient_account_id != account:
                return False
            if region is not None and head.aws_region != region:
                return False
            if without_global and _is_global(head):
                return False
            return selected(head)

        return takes


_GLOBAL_SOURCES = frozenset(
    {"iam.amazonaws.com", "sts.amazonaws.com", "cloudfront.amazonaws.com", "signin.amazonaws.com"}
)


def _is_global(head: RecordHead) -> bool:
    return head.aws_region == "us-east-1" and head.event_source in _GLOBAL_SOURCES
