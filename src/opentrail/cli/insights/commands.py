"""`opentrail insights`: what was unusual, why, and what would be with another sensitivity."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from opentrail.adapters.call_counts import FILE_NAME, SqliteCallCounts
from opentrail.cli.events.opening import interruptible, now, one_of, settings_here
from opentrail.cli.insights.band import Band, band_around
from opentrail.cli.insights.picture import CannotDrawError, draw
from opentrail.cli.insights.plot import lines
from opentrail.cli.terminal import EXIT_UNKNOWN, EXIT_USAGE, fail, messages, output, safe
from opentrail.clock import iso_seconds
from opentrail.insights.alert import Alert
from opentrail.insights.baseline import SENSITIVITIES
from opentrail.insights.record import explanation, shared_event_id
from opentrail.insights.replay import replay
from opentrail.search.times import parse_time

insights = typer.Typer(
    help="Unusual call and error rates (CloudTrail Insights).", no_args_is_help=True
)

_VERSION = 1


@insights.command("list")
def list_insights(
    account: Annotated[str, typer.Option(help="Only of this account.")] = "",
    since: Annotated[str, typer.Option(help="Seen since: 30m, 7d, 2026-07-01.")] = "7d",
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 50,
    format: Annotated[str, typer.Option(help="table, json or jsonl.")] = "table",  # noqa: A002 - the option's name
) -> None:
    """List unusual rates, the latest first.

    Exit codes: 0 listed (also none), 2 a wrong option, 3 nothing ran here.
    """
    one_of("format", format, ("table", "json", "jsonl"))
    found = _counts().alerts(since=_minute(since), account_id=account, limit=limit)
    _print(list(found), format)


@insights.command("show")
def show_insight(
    insight: Annotated[str, typer.Argument(metavar="ID", help="Its id, or sharedEventID.")],
    svg: Annotated[Path | None, typer.Option(help="Write the plot to this SVG file.")] = None,
    png: Annotated[Path | None, typer.Option(help="Write the plot to this PNG file.")] = None,
    format: Annotated[str, typer.Option(help="table or json.")] = "table",  # noqa: A002 - the option's name
) -> None:
    """Show an unusual rate with a plot: counts, what is expected, and the Insight.

    Exit codes: 0 shown, 2 no such Insight or no place for a picture, 3 nothing ran here.
    """
    one_of("format", format, ("table", "json"))
    counts = _counts()
    alert = _find(counts, insight)
    band = band_around(alert, counts, int(now().timestamp()) // 60)
    for form, file in (("svg", svg), ("png", png)):
        if file is not None:
            _draw(band, explanation(alert), file, form)
    if format == "json":
        output.print_json(data={"version": _VERSION, "insight": _told(alert)} | _band(band))
        return
    for line in (safe(explanation(alert)), "", *lines(band)):
        output.print(line)


@insights.command("explain")
def explain_insight(
    insight: Annotated[str, typer.Argument(metavar="ID", help="Its id, or sharedEventID.")],
) -> None:
    """Say in a sentence, and in figures, why a rate is unusual.

    Exit codes: 0 explained, 2 no such Insight, 3 nothing ran here.
    """
    alert = _find(_counts(), insight)
    output.print(safe(explanation(alert)))
    for name, value in _told(alert).items():
        output.print(f"  {name:<12} {safe(str(value))}")


@insights.command("replay")
def replay_counts(
    since: Annotated[str, typer.Option(help="From: 2d, 2026-07-01.")] = "7d",
    sensitivity: Annotated[str, typer.Option(help="low, normal or high.")] = "normal",
    account: Annotated[str, typer.Option(help="Only of this account.")] = "",
    format: Annotated[str, typer.Option(help="table, json or jsonl.")] = "table",  # noqa: A002 - the option's name
) -> None:
    """Say what would have been told of the counted past; nothing is kept or recorded.

    Exit codes: 0 replayed, 2 a wrong option, 3 nothing ran here.
    """
    one_of("format", format, ("table", "json", "jsonl"))
    chosen = SENSITIVITIES[one_of("sensitivity", sensitivity, tuple(SENSITIVITIES))]
    bar = Progress(
        TextColumn("replaying"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(), console=messages, transient=True,
    )  # fmt: skip
    counts = _counts()
    first = {one.key: one.first for one in counts.series() if account in ("", one.key.account_id)}
    with interruptible(), bar:
        task = bar.add_task("", total=1.0)
        found = replay(
            counts,
            first,
            start=_minute(since),
            end=int(now().timestamp()) // 60,
            sensitivity=chosen,
            behind=lambda part: bar.update(task, completed=part),
        )
    _print(found[::-1], format)


def _draw(band: Band, title: str, file: Path, form: str) -> None:
    try:
        draw(band, title, file, form)
    except CannotDrawError as problem:
        fail(str(problem), EXIT_USAGE)


def _counts() -> SqliteCallCounts:
    path = settings_here().data / FILE_NAME
    if not path.exists():
        fail(f"{path} is not there: no server ran on this directory yet", EXIT_UNKNOWN)
    return SqliteCallCounts(path)


def _find(counts: SqliteCallCounts, wanted: str) -> Alert:
    found = counts.alerts(since=0, limit=1_000_000)
    alert = next((one for one in found if wanted in {one.id, shared_event_id(one)}), None)
    if alert is None:
        fail(f"there is no Insight {wanted[:80]!r}", EXIT_USAGE)
    return alert


def _print(found: list[Alert], form: str) -> None:
    if form == "json":
        output.print_json(data={"version": _VERSION, "insights": [_told(one) for one in found]})
        return
    for alert in found:
        if form == "jsonl":
            output.print(msgspec.json.encode(_told(alert)).decode())
        else:
            lasts = "lasts" if alert.ended is None else f"to {_iso(alert.ended)[11:16]}"
            head = f"{_iso(alert.since)} {lasts:<8} {alert.kind:<10} {alert.series.account_id}"
            output.print(safe(f"{head} {alert.series.region} {explanation(alert)}"))
            output.print(f"    {shared_event_id(alert)}")
    if form == "table":
        messages.print(f"{len(found)} unusual rates")


def _told(alert: Alert) -> dict[str, Any]:
    return {
        **alert.series._asdict(),
        "id": shared_event_id(alert),
        "rule": str(alert.kind),
        "since": _iso(alert.since),
        "seen": _iso(alert.seen + 1),
        "ended": None if alert.ended is None else _iso(alert.ended),
        "window_minutes": alert.window,
        "observed": alert.observed,
        "expected": round(alert.expected, 3),
        "threshold": alert.limit,
        "explanation": explanation(alert),
    }


def _band(band: Band) -> dict[str, Any]:
    return {
        "plot": {
            "start": _iso(band.start),
            "minutes": band.width,
            "counts": list(band.counts),
            "expected": [round(one, 3) for one in band.expected],
            "upper": [round(one, 3) for one in band.upper],
        }
    }


def _minute(text: str) -> int:
    return int(parse_time(text, now())) // 60


def _iso(minute: int) -> str:
    return iso_seconds(datetime.fromtimestamp(minute * 60, UTC))
