"""Units of time in queries, and what they are in milliseconds.

Source: lang/logs_insights.md, sections 1 and 4 (`bin`).
"""

from __future__ import annotations

_SECOND = 1_000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR

FIXED = {"ms": 1, "s": _SECOND, "m": _MINUTE, "h": _HOUR, "d": _DAY, "w": 7 * _DAY}
"""Milliseconds of the units that always last as long."""

MONTHS = {"mo": 1, "q": 3, "y": 12}
"""Months of the others."""

LARGEST = {"ms": 1000, "s": 60, "m": 60, "h": 24}
"""`bin(300s)` is `bin(60s)`: a bin has at most so many of its unit [doc]."""

MOST = 1_000_000
"""Of any unit; more reaches beyond every time there is."""

_SPELLINGS = {
    "ms": ("ms", "msec", "millisecond"),
    "s": ("s", "sec", "second"),
    "m": ("m", "min", "minute"),
    "h": ("h", "hr", "hour"),
    "d": ("d", "day"),
    "w": ("w", "week"),
    "mo": ("mo", "mon", "month"),
    "q": ("q", "qtr", "quarter"),
    "y": ("y", "yr", "year"),
}

UNITS: dict[str, str] = {
    spelling + plural: unit
    for unit, spellings in _SPELLINGS.items()
    for spelling in spellings
    for plural in ("", "s")
    # `ms` is milliseconds, not several minutes.
    if spelling + plural != "ms" or unit == "ms"
}
"""Every spelling, in lower case, of every unit."""


def milliseconds(count: int, unit: str) -> int:
    """How long so many units last; a month counts 30 days, a quarter 90, a year 365."""
    if unit in FIXED:
        return count * FIXED[unit]
    return count * {"mo": 30, "q": 90, "y": 365}[unit] * _DAY
