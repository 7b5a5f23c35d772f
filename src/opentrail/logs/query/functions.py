"""The functions of the language: their arguments, and which of them compute over many rows.

Names are told apart by their letters alone, whatever their case: `countDistinct` and
`count_distinct` are one. Source: lang/logs_insights.md, section 4.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a function takes.

    Attributes:
        least: Arguments at the least.
        most: Arguments at the most.
        periods: Places of arguments that are durations.
        literals: Places of arguments that must be string literals.
        numbers: Places of arguments that must be number literals.
        star: Whether `*` may stand for the argument.
        aggregate: Whether it computes over the rows of a group.
    """

    least: int = 1
    most: int = 1
    periods: tuple[int, ...] = ()
    literals: tuple[int, ...] = ()
    numbers: tuple[int, ...] = ()
    star: bool = False
    aggregate: bool = False


MOST_BRANCHES = 10
"""Of `case` [doc]."""

_MANY = 100
_NONE = Signature(least=0, most=0)
_ONE = Signature()
_TWO = Signature(least=2, most=2)
_ONE_OR_TWO = Signature(most=2)
_MANY_OF_ANY = Signature(most=_MANY)
_OF_ROWS = Signature(aggregate=True)

FUNCTIONS: dict[str, Signature] = {
    # numbers
    "abs": _ONE, "ceil": _ONE, "floor": _ONE, "log": _ONE, "sqrt": _ONE,
    "round": _ONE_OR_TWO,
    "greatest": _MANY_OF_ANY, "least": _MANY_OF_ANY,
    "haversine": Signature(least=4, most=4),
    "tonumber": _ONE, "toint": _ONE, "tolong": _ONE, "todouble": _ONE, "isnumeric": _ONE,
    # times
    "bin": Signature(periods=(0,)),
    "datefloor": Signature(least=2, most=2, periods=(1,)),
    "dateceil": Signature(least=2, most=2, periods=(1,)),
    "frommillis": _ONE, "tomillis": _ONE, "now": _NONE,
    "parsedate": Signature(most=2, literals=(1,)),
    "formatdate": Signature(least=2, most=2, literals=(1,)),
    "strftime": Signature(least=2, most=2, literals=(1,)),
    "querystarttime": _NONE, "queryendtime": _NONE, "querytimerange": _NONE,
    # general
    "ispresent": _ONE, "coalesce": _MANY_OF_ANY,
    "case": Signature(least=2, most=2 * MOST_BRANCHES + 1),
    "if": Signature(least=2, most=3),
    "messagesize": Signature(least=0, most=1), "unmask": _ONE,
    "histogram": _TWO,
    # JSON
    "jsonparse": _ONE, "jsonstringify": _ONE, "jsonarraysize": _ONE, "jsonarraycontains": _TWO,
    # addresses
    "isvalidip": _ONE, "isvalidipv4": _ONE, "isvalidipv6": _ONE,
    "isipinsubnet": _TWO, "isipv4insubnet": _TWO, "isipv6insubnet": _TWO,
    "ipv4tonumber": _ONE, "isprivateip": _ONE, "ispublicip": _ONE, "isreservedip": _ONE,
    # texts
    "isempty": _ONE, "isblank": _ONE, "concat": _MANY_OF_ANY,
    "ltrim": _ONE_OR_TWO, "rtrim": _ONE_OR_TWO, "trim": _ONE_OR_TWO,
    "strlen": _ONE, "toupper": _ONE, "tolower": _ONE,
    "substr": Signature(least=2, most=3),
    "replace": Signature(least=3, most=3),
    "regexreplace": Signature(least=3, most=3, literals=(1, 2)),
    "strcontains": Signature(least=2, most=3),
    "startswith": _TWO, "endswith": _TWO,
    "urlencode": _ONE, "urldecode": _ONE, "base64encode": _ONE, "base64decode": _ONE,
    "split": _TWO, "hextoascii": _ONE, "hextodec": _ONE, "dectohex": _ONE,
    "md5": _ONE, "sha256": _ONE,
    # over the rows of a group
    "avg": _OF_ROWS, "sum": _OF_ROWS, "max": _OF_ROWS, "min": _OF_ROWS,
    "count": Signature(least=0, star=True, aggregate=True),
    "countdistinct": _OF_ROWS,
    "pct": Signature(least=2, most=2, numbers=(1,), aggregate=True),
    "stddev": _OF_ROWS, "variance": _OF_ROWS, "values": _OF_ROWS,
    "topk": Signature(least=2, most=2, numbers=(1,), aggregate=True),
    "earliest": _OF_ROWS, "latest": _OF_ROWS, "sortsfirst": _OF_ROWS, "sortslast": _OF_ROWS,
    "rate": Signature(least=2, most=2, periods=(1,), aggregate=True),
    "countovertime": Signature(least=0, star=True, aggregate=True),
    "sumovertime": _OF_ROWS,
}  # fmt: skip

DEFERRED = frozenset({"countfrequent", "anomalydetection"})
"""Known, and not supported yet."""


def key_of(name: str) -> str:
    """The key of a function's name in FUNCTIONS."""
    return name.lower().replace("_", "")
