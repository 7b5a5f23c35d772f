"""A plot of counts over their baseline: in the terminal, and as SVG."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from opentrail.cli.insights.band import Band

_BLOCKS = " ▁▂▃▄▅▆▇█"
_ROWS = 8
_WIDTH, _HEIGHT, _MARGIN = 900, 300, 40


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


def svg(band: Band, title: str) -> str:
    """The band of what is expected, the counts over it, the alert shaded."""
    top = max(*band.counts, *band.upper, 1)
    columns = len(band.counts)

    def place(at: float, value: float) -> str:
        x = _MARGIN + at / max(1, columns) * (_WIDTH - 2 * _MARGIN)
        y = _HEIGHT - _MARGIN - value / top * (_HEIGHT - 2 * _MARGIN)
        return f"{x:.1f},{y:.1f}"

    def line(values: tuple[float, ...] | tuple[int, ...]) -> str:
        return " ".join(place(at + 0.5, value) for at, value in enumerate(values))

    band_points = f"{place(0.5, 0)} {line(band.upper)} {place(columns - 0.5, 0)}"
    left, right = (place(at, top).split(",")[0] for at in (band.first, band.end))
    height = _HEIGHT - 2 * _MARGIN
    first, last = _time(band.start), _time(band.start + band.width * columns)
    right_edge, bottom = _WIDTH - _MARGIN, _HEIGHT - _MARGIN
    shade = f'x="{left}" y="{_MARGIN}" width="{float(right) - float(left):.1f}" height="{height}"'
    dashed = 'fill="none" stroke="#4a76b8" stroke-dasharray="4 3"'
    box = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12"'
    parts = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {box}>',
        f'<text x="{_MARGIN}" y="20">{escape(title)}</text>',
        f'<rect {shade} fill="#fbd5d0"/>',
        f'<polygon points="{band_points}" fill="#d5e3f5"/>',
        f'<polyline points="{line(band.expected)}" {dashed}/>',
        f'<polyline points="{line(band.counts)}" fill="none" stroke="#222" stroke-width="1.5"/>',
        f'<text x="5" y="{_MARGIN + 4}">{top:.0f}</text>',
        f'<text x="5" y="{bottom}">0</text>',
        f'<text x="{_MARGIN}" y="{bottom + 25}">{first}</text>',
        f'<text x="{right_edge}" y="{bottom + 25}" text-anchor="end">{last}</text>',
        "</svg>\n",
    )
    return "\n".join(parts)


def _block(height: float) -> str:
    return _BLOCKS[max(0, min(8, round(height * 8)))]


def _time(minute: int) -> str:
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%d %H:%MZ")
