"""What expressions are worked out in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from opentrail.logs.query.plan.values import Parameters, Value
from opentrail.logs.query.tree import Call, Duration, Name, Span

TIMESTAMP = Name("@timestamp", ("@timestamp",), Span(0, 0))
MESSAGE = Name("@message", ("@message",), Span(0, 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """When a query runs, and over which time; epoch milliseconds.

    Attributes:
        start: Inclusive.
        end: Exclusive.
    """

    now: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where names lead, and what else is known.

    Attributes:
        resolve: The value of a field.
        given: Values of calls that are worked out already (aggregates).
        bin_offset: By how much `bin` is shifted.
    """

    resolve: Callable[[Name], Value]
    parameters: Parameters
    moments: Moments
    given: Mapping[Call, Value]
    bin_offset: Duration | None = None
