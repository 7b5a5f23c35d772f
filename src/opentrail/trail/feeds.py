"""Log groups that trails deliver to: views on the store of events.

Such a group holds no copy. It shows the events that came into the store while a trail pointed to it
and that the trail takes; a span says which trail, as it was, between which sequences of the store.
Source: spec: files, section 2 (names of streams); quotas, section 2 (largest record).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence

import msgspec

from opentrail.errors import InvalidInput
from opentrail.predicate.expression import EVERYTHING, All, Expression, Operator, Test
from opentrail.record import RecordHead, read_record
from opentrail.trail.trail import Trail

FEED_KIND = "log_feed"
"""The state documents of FeedSpan."""

MOST_RECORD_BYTES = 256 * 1024
"""A larger record goes to no log group, as with AWS."""

_STREAM = re.compile(r"(?:(o-[a-z0-9]{10,32})_)?([0-9]{12})_CloudTrail_([a-z0-9-]+)")


class FeedSpan(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the store that a log group shows.

    Attributes:
        group_arn: Without `:*`.
        trail: As it was.
        sequence_from: Inclusive.
        sequence_before: Exclusive; None while it goes on.
    """

    group_arn: str
    trail: Trail
    sequence_from: int
    sequence_before: int | None = None

    @property
    def state_key(self) -> str:
        """Its document's key."""
        return f"{feed_prefix(self.group_arn)}{self.sequence_from:020}|{self.trail.arn}"

    @property
    def takes(self) -> tuple[object, ...]:
        """What decides on the records; other changes of a trail begin no new span."""
        trail = self.trail
        return (
            trail.accounts,
            trail.home_region,
            trail.is_multi_region_trail,
            trail.include_global_service_events,
            trail.event_selectors,
            trail.advanced_event_selectors,
            trail.organization_id,
        )


def feed_prefix(group_arn: str) -> str:
    """The prefix of the keys of a group's spans; `group_arn` without `:*`."""
    return f"{group_arn}|"


def fed_group(trail: Trail) -> str:
    """The ARN, without `:*`, of the group that a trail delivers to; "" for none."""
    return trail.cloud_watch_logs_log_group_arn.removesuffix(":*")


def stream_name(trail: Trail, account_id: str, region: str) -> str:
    """The stream that the trail's records of an account and region are in."""
    start = f"{trail.organization_id}_" if trail.organization_id else ""
    return f"{start}{account_id}_CloudTrail_{region}"


def stream_bound(stream: str) -> Expression | None:
    """Holds for every record in a stream of that name; None if no trail has such a stream."""
    found = _STREAM.fullmatch(stream)
    if found is None:
        return None
    return All(
        (
            Test(("recipientAccountId",), Operator.EQUALS, found[2]),
            Test(("awsRegion",), Operator.EQUALS, found[3]),
        )
    )


class FeedView:
    """What a group shows of the store."""

    def __init__(self, spans: Iterable[FeedSpan]) -> None:
        self._spans = tuple(spans)
        self._takers: dict[int, Callable[[RecordHead], bool]] = {}
        self._cuts = sorted(
            {
                cut
                for span in self._spans
                for cut in (span.sequence_from, span.sequence_before)
                if cut is not None
            }
        )
        self._lasting = _lasting(self._spans, self._cuts)

    def __bool__(self) -> bool:
        return bool(self._spans)

    @property
    def accounts(self) -> frozenset[str]:
        """The accounts whose records it can show."""
        return frozenset(account for span in self._spans for account in span.trail.accounts)

    @property
    def sequences(self) -> tuple[int, int | None]:
        """The first sequence that it can show, and the one behind the last; None goes on."""
        ends = [span.sequence_before for span in self._spans]
        return self._cuts[0], None if None in ends else self._cuts[-1]

    @property
    def bound(self) -> Expression:
        """Holds for every record that it shows."""
        regions = {
            "" if span.trail.is_multi_region_trail else span.trail.home_region
            for span in self._spans
        }
        if len(regions) != 1 or "" in regions:
            return EVERYTHING
        return Test(("awsRegion",), Operator.EQUALS, regions.pop())

    def stream(self, sequence: int, raw: bytes) -> str | None:
        """The stream in which it shows an event of the store; None if it does not show it."""
        if len(raw) > MOST_RECORD_BYTES:
            return None
        try:
            head = read_record(raw).head
        except InvalidInput:
            return None
        for number in self._lasting[bisect_right(self._cuts, sequence)]:
            trail = self._spans[number].trail
            taker = self._takers.get(number)
            if taker is None:
                taker = self._takers[number] = trail.taker()
            if taker(head):
                account = head.recipient_account_id or trail.account_id
                return stream_name(trail, account, head.aws_region)
        return None


def _lasting(spans: Sequence[FeedSpan], cuts: Sequence[int]) -> list[tuple[int, ...]]:
    """Before the first cut, between two, and behind the last: the numbers of the spans there."""
    begins: dict[int, list[int]] = {}
    ends: dict[int | None, list[int]] = {}
    for number, span in enumerate(spans):
        begins.setdefault(span.sequence_from, []).append(number)
        ends.setdefault(span.sequence_before, []).append(number)
    now: set[int] = set()
    found: list[tuple[int, ...]] = [()]
    for cut in cuts:
        now = (now | set(begins.get(cut, ()))) - set(ends.get(cut, ()))
        found.append(tuple(sorted(now)))
    return found


def feeding(trails: Iterable[Trail]) -> dict[str, list[Trail]]:
    """The trails that deliver now, by the group (its ARN without `:*`) that they deliver to."""
    found: dict[str, list[Trail]] = {}
    for trail in trails:
        group = fed_group(trail)
        if group and trail.is_logging:
            found.setdefault(group, []).append(trail)
    return found


def turned(
    spans: Sequence[FeedSpan], trails: Sequence[Trail], group_arn: str, sequence: int
) -> tuple[list[FeedSpan], list[FeedSpan]]:
    """The spans that end and those that begin when `trails` feed a group from `sequence` on.

    Args:
        spans: The group's spans that go on.
    """
    wanted = [FeedSpan(group_arn=group_arn, trail=one, sequence_from=sequence) for one in trails]
    going_on = {(span.trail.arn, span.takes) for span in spans}
    staying = {(span.trail.arn, span.takes) for span in wanted}
    ended = [span for span in spans if (span.trail.arn, span.takes) not in staying]
    begun = [span for span in wanted if (span.trail.arn, span.takes) not in going_on]
    return [msgspec.structs.replace(span, sequence_before=sequence) for span in ended], begun
