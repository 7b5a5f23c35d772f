"""What an expression works with: numbers, words, lines of datapoints, and lists of lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite

from opentrail.errors import InvalidInput


class InvalidExpression(InvalidInput):
    """An expression that can't be read, or asks for what can't be told."""


class EmptyArray(InvalidExpression):
    """One of no time series is asked for: another time there may be some."""


@dataclass(frozen=True, slots=True)
class Line:
    """A series of datapoints.

    Attributes:
        points: Epoch seconds to value, in the order of time.
        period: Seconds from one to the next.
        label: What it is called when nothing else is said.
    """

    points: Mapping[int, float]
    period: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """A constant that a function takes: REPEAT, LINEAR, AVG or ASC."""

    name: str


Value = float | Line | tuple[Line, ...] | Word | str


def kept(points: Iterable[tuple[int, float | None]]) -> dict[int, float]:
    """Those points that are numbers: what can't be worked out is no datapoint."""
    return {time: value for time, value in points if value is not None and isfinite(value)}


def named(value: Value) -> str:
    """What a kind of value is called in errors."""
    match value:
        case float():
            return "a number"
        case Line():
            return "a time series"
        case tuple():
            return "an array of time series"
        case Word() | str():
            return "a text"
