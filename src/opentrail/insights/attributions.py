"""Who and what is behind a rate: the values that calls had during an Insight, and before it.

Rules (spec: record, section 7): at most five values of each attribute, the highest average first;
averages are a minute's; calls without an error have the error code "null"; an error rate has no
attribution of error codes, since it is of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

MOST_VALUES = 5
_DIGITS = 10


class Attribute(StrEnum):
    """What is attributed to."""

    PRINCIPAL = "userIdentityArn"
    USER_AGENT = "userAgent"
    ERROR_CODE = "errorCode"


Values = Mapping[Attribute, Mapping[str, int]]
"""Calls by value, of each attribute."""


def attributions(
    insight: tuple[Values, float], baseline: tuple[Values, float], *, with_error_codes: bool
) -> list[dict[str, Any]]:
    """The `attributions` of a record.

    Args:
        insight: What calls had meanwhile, and their average a minute. The average is divided as the
            calls are, so the parts of an attribute never exceed it.
        baseline: As well, of the days before.
    """
    return [
        {
            "attribute": str(attribute),
            "insight": _shares(insight, attribute),
            "baseline": _shares(baseline, attribute),
        }
        for attribute in Attribute
        if with_error_codes or attribute is not Attribute.ERROR_CODE
    ]


def _shares(period: tuple[Values, float], attribute: Attribute) -> list[dict[str, Any]]:
    values, average = period
    counts = values.get(attribute, {})
    total = sum(counts.values())
    order = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return [
        {"value": value, "average": rounded(average * count / total)}
        for value, count in order[:MOST_VALUES]
        if count
    ]


def rounded(average: float) -> float | int:
    """As records spell averages: ten digits behind the point, whole numbers without."""
    found = round(average, _DIGITS)
    return int(found) if found.is_integer() else found
