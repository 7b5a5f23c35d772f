"""A plot of counts over their baseline in the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from opentrail.cli.insights.band import Band

_BLOCKS = " ▁▂▃▄▅▆▇█"
_ROWS = 8


def lines(band: Band) -> Iterator[str]:
    """Rows of blocks, the highest first; below, what is expected and where the alert is."""
    top = max(*band.counts, *band.upper, 1)
    for row in reversed(range(_ROWS)):
        bars = "".join(_block(count / top * _ROWS - row) for count in band.counts)
        label = f"{top:.0f}" if row == _ROWS - 1 else "0" if row == 0 else ""
        yield f"{label:>8} │{bars}"
    expected = "".join(_block(one / top * _ROWS) for one in band.expected)
    yield f"expected │{expected}"
    marks = "".join("▲" if band.first <= at < band.end else " " for at in range(len(band.counts)))
    yield f"  Insight│{marks}"
    last = band.start + band.width * len(band.counts)
    yield f"          {_time(band.start)} to {_time(last)}, {band.width} minutes a column"


def _block(height: float) -> str:
    return _BLOCKS[max(0, min(8, round(height * 8)))]


def _time(minute: int) -> str:
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%d %H:%MZ")
