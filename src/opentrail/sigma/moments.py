"""Parts of times in records: `2026-11-24T22:15:00Z`, and those that begin so."""

from __future__ import annotations

import operator
from collections.abc import Callable

from opentrail.errors import InvalidInput
from opentrail.sigma.tree import Moment, Order, Unit

_PLACES: dict[Unit, tuple[range, str]] = {
    Unit.MINUTE: (range(60), r"\A\d{{4}}-\d\d-\d\dT\d\d:{}"),
    Unit.HOUR: (range(24), r"\A\d{{4}}-\d\d-\d\dT{}:"),
    Unit.DAY: (range(1, 32), r"\A\d{{4}}-\d\d-{}T"),
    Unit.MONTH: (range(1, 13), r"\A\d{{4}}-{}-"),
    Unit.YEAR: (range(1970, 2200), r"\A{}-"),
}
"""The values of a part, and the pattern of a time that has one of some."""

_ORDERS: dict[Order, Callable[[int, int], bool]] = {
    Order.LESS: operator.lt,
    Order.LESS_OR_EQUAL: operator.le,
    Order.GREATER: operator.gt,
    Order.GREATER_OR_EQUAL: operator.ge,
    Order.EQUAL: operator.eq,
}


def moment_pattern(moment: Moment) -> str:
    """The regular expression (RE2's) of times, UTC, that have such a part.

    Raises:
        InvalidInput: a week: that of a time cannot be read from its text.
    """
    if moment.unit not in _PLACES:
        raise InvalidInput(f"the {moment.unit} of a time cannot be compared; its day and hour can")
    values, pattern = _PLACES[moment.unit]
    passing = [one for one in values if _ORDERS[moment.order](one, moment.number)]
    if not passing:
        return _NEVER
    return pattern.format("(" + "|".join(f"{one:02}" for one in passing) + ")")


_NEVER = r"[^\x00-\x{10FFFF}]"
