"""Metric filters: which datapoint a message of a log group becomes.

A value that is no number, or a dimension that the message does not have, gives no datapoint.
Source: CloudWatch Logs API reference, PutMetricFilter and MetricTransformation; user guide,
"Creating metrics from log events using filters"; the messages are those that people report.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from opentrail.alarms.datapoint import is_number
from opentrail.alarms.filter_pattern import FilterPattern, InvalidFilterPattern, LogMessage
from opentrail.alarms.pattern_values import number_in
from opentrail.errors import InvalidInput

METRIC_FILTER_KIND = "metric_filter"
"""The state documents of MetricFilter, keyed by `account/region/group/` and the filter's name."""

MOST_DIMENSIONS = 3
MOST_DIMENSION_CHARACTERS = 1024
"""Of a dimension's value in CloudWatch; longer ones are cut."""

SYSTEM_FIELDS = ("@aws.account", "@aws.region")
"""Dimensions that a filter can have without the message saying anything."""

Pairs = tuple[tuple[str, str], ...]


class InvalidTransformation(InvalidInput):
    """A metric transformation that CloudWatch Logs would not take."""


class MetricFilter(msgspec.Struct, frozen=True, kw_only=True):
    """A filter as it was put.

    Attributes:
        value: A number, `$name` or `$.selector`.
        default: For a minute in which the group had events and the filter matched none.
        dimensions: (name, selector), in the order of their names.
        system_fields: Of SYSTEM_FIELDS.
        unit: As AWS spells it, "" if none was given.
        created: Milliseconds since 1970.
        not_before: The journal offset from which on records count for it.
        since: As `not_before`, in milliseconds, of events that PutLogEvents brings; 0: ever since
            it was created.
        replaced: What it was before it was changed, for what came before that and waits still.
    """

    account_id: str
    region: str
    group: str
    name: str
    pattern: str
    metric_namespace: str
    metric_name: str
    value: str
    default: float | None = None
    unit: str = ""
    dimensions: Pairs = ()
    system_fields: tuple[str, ...] = ()
    created: int
    not_before: int = 0
    since: int = 0
    replaced: MetricFilter | None = None

    @property
    def state_key(self) -> str:
        """Its document's key."""
        return f"{filters_prefix(self.account_id, self.region, self.group)}{self.name}"


def filters_prefix(account_id: str, region: str, group: str) -> str:
    """The prefix of the keys of a group's filters: a group's name has no colon, but slashes."""
    return f"{account_id}/{region}/{group}:"


@dataclass(frozen=True, slots=True)
class Sample:
    """A datapoint's value and dimensions, ordered by name."""

    value: float
    dimensions: Pairs


class CompiledMetricFilter:
    """A metric filter ready for messages.

    Attributes:
        filter: As it was put.
        pattern: Its pattern.
    """

    def __init__(self, metric_filter: MetricFilter) -> None:
        """Compile a filter.

        Raises:
            InvalidFilterPattern: its pattern cannot be read.
            InvalidTransformation: value or dimensions do not go with the pattern.
        """
        default = metric_filter.default
        if default is not None and not is_number(default):
            raise InvalidTransformation(
                "Invalid metric transformation: the default value is not within 2^360 of 0"
            )
        self.filter = metric_filter
        self.pattern = FilterPattern(metric_filter.pattern)
        _check_dimensions(metric_filter, self.pattern)
        self._value = _value(metric_filter.value, self.pattern)
        self._dimensions = tuple(
            (name, _dimension(selector, self.pattern))
            for name, selector in metric_filter.dimensions
        )
        self._fixed = tuple(
            (name, metric_filter.account_id if name == "@aws.account" else metric_filter.region)
            for name in metric_filter.system_fields
        )

    def sample(self, message: LogMessage) -> Sample | None:
        """What a message that the pattern matches becomes; None for nothing."""
        value = self._value(message)
        if value is None:
            return None
        found = list(self._fixed)
        for name, read in self._dimensions:
            text = read(message)
            if not text:
                return None
            found.append((name, text[:MOST_DIMENSION_CHARACTERS]))
        return Sample(value, tuple(sorted(found)))


def _check_dimensions(metric_filter: MetricFilter, pattern: FilterPattern) -> None:
    count = len(metric_filter.dimensions) + len(metric_filter.system_fields)
    if count and metric_filter.default is not None:
        raise InvalidTransformation(
            "Invalid metric transformation: dimensions and default value are mutually exclusive "
            "properties"
        )
    if count > MOST_DIMENSIONS:
        raise InvalidTransformation(
            f"Invalid metric transformation: {count} dimensions; {MOST_DIMENSIONS} are allowed"
        )
    if metric_filter.dimensions and not pattern.has_fields:
        raise InvalidTransformation("The specified filter pattern does not support dimensions")
    unknown = [name for name in metric_filter.system_fields if name not in SYSTEM_FIELDS]
    if unknown:
        raise InvalidTransformation(
            f"Invalid system field {unknown[0][:100]!r}; expected {' or '.join(SYSTEM_FIELDS)}"
        )


def _value(text: str, pattern: FilterPattern) -> Callable[[LogMessage], float | None]:
    fixed = _number(text)
    if fixed is not None:
        return lambda _: fixed
    try:
        read = pattern.selector(text)
    except InvalidFilterPattern:
        raise InvalidTransformation(
            f"Invalid metric transformation: metric value {text} must be a valid number or a "
            "selector of the filter pattern"
        ) from None

    def value(message: LogMessage) -> float | None:
        found = read(message)
        return None if found is None else _number(found)

    return value


def _dimension(selector: str, pattern: FilterPattern) -> Callable[[LogMessage], str | None]:
    try:
        return pattern.selector(selector)
    except InvalidFilterPattern:
        raise InvalidTransformation(
            "Invalid metric transformation: dimension value must be valid selector"
        ) from None


def _number(text: str) -> float | None:
    number = number_in(text)
    if number is None:
        return None
    value = float(number)
    return value if is_number(value) else None
