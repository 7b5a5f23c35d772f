"""A plot of counts over their baseline as a picture, drawn by matplotlib."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from opentrail.cli.insights.band import Band

NO_MATPLOTLIB = (
    "pictures are drawn by matplotlib, which is not here: pip install 'opentrail[plots]'"
)

_INCHES = (9.0, 3.5)
_LONGEST = 110


class CannotDrawError(Exception):
    """The extra is not installed, or the file cannot be written; the text says which."""


def draw(band: Band, title: str, file: Path, form: str) -> None:
    """Write the band of what is expected, the counts over it, and the alert shaded.

    Args:
        title: Text of records; none of it is markup.
        form: "png" or "svg".

    Raises:
        CannotDrawError: If there is no matplotlib, or no such place for the file.
    """
    figure = _figure()(figsize=_INCHES, layout="constrained")
    axes = figure.add_subplot()
    times = [_time(band.start + at * band.width) for at in range(len(band.counts) + 1)]
    shaded = (_time(band.start + at * band.width) for at in (band.first, band.end))
    axes.axvspan(*shaded, color="#fbd5d0", label="Insight")
    upper, expected, counts = (
        [*line, line[-1]] for line in (band.upper, band.expected, band.counts)
    )
    axes.fill_between(times, upper, step="post", color="#d5e3f5", label="usual")
    axes.step(times, expected, where="post", color="#4a76b8", linestyle="--", label="expected")
    axes.step(times, counts, where="post", color="#222222", label="calls")
    axes.set_title(_shown(title), fontsize=9, parse_math=False, wrap=True)
    axes.set_ylabel(f"in {band.width} min")
    axes.set_xlabel("day and time, UTC", fontsize=8)
    axes.set_ylim(bottom=0)
    axes.margins(x=0)
    axes.legend(loc="upper left", fontsize=8)
    figure.autofmt_xdate(rotation=0, ha="center")
    try:
        with warnings.catch_warnings(action="ignore"):  # letters that the font lacks
            figure.savefig(file, format=form, dpi=120, metadata=_metadata(form))
    except OSError as cause:
        raise CannotDrawError(f"{file} cannot be written: {cause.strerror}") from cause


def _figure() -> Callable[..., Any]:
    # Loaded when asked for: it would add a third to the start of every command.
    try:
        settings = import_module("matplotlib")
        module = import_module("matplotlib.figure")
    except ImportError as cause:
        raise CannotDrawError(NO_MATPLOTLIB) from cause
    settings.rcParams["svg.fonttype"] = "none"
    settings.rcParams["svg.hashsalt"] = "opentrail"
    made: Callable[..., Any] = module.Figure
    return made


def _metadata(form: str) -> dict[str, str | None]:
    return {"Date": None} if form == "svg" else {}


def _shown(title: str) -> str:
    """On two lines at most; what fonts do not have is shown as a box."""
    printable = "".join(one if one.isprintable() else " " for one in title)
    return printable if len(printable) <= 2 * _LONGEST else f"{printable[: 2 * _LONGEST - 1]}…"


def _time(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC)
