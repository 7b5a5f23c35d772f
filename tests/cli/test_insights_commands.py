import json
import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from insight_series import series
from opentrail.adapters.call_counts import FILE_NAME, SqliteCallCounts
from opentrail.cli.main import commands
from opentrail.insights.alert import Alert, Kind
from opentrail.insights.record import shared_event_id
from opentrail.ports.insights.call_counts import Changes, CountPlace

NOW = int(datetime.now(UTC).timestamp()) // 60
BURST = NOW - 180


@pytest.fixture
def alert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Alert:
    """A directory with four weeks of counts, a burst, and what was told of it."""
    monkeypatch.setenv("OPENTRAIL_DATA", str(tmp_path))
    random = np.random.default_rng(1)
    minutes = np.arange(NOW - 30 * 1440, NOW)
    counts = random.poisson(0.2, len(minutes))
    counts[(minutes >= BURST) & (minutes < BURST + 10)] += 40
    store = SqliteCallCounts(tmp_path / FILE_NAME)
    told = Alert(
        series(), Kind.HIGH, BURST, BURST, 1, 41, 0.2, 6, ended=BURST + 10, is_over=True
    )  # fmt: skip
    changes = {
        (series(), int(minute)): int(count)
        for minute, count in zip(minutes, counts, strict=True)
        if count
    }
    store.commit(Changes(changes, alerts=[told]), CountPlace(1, NOW))
    store.close()
    return told


def run(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(commands, ["insights", *arguments])
    assert done.exit_code == code, done.output
    return done.output


def test_what_was_found_is_listed_and_explained(alert: Alert) -> None:
    found = json.loads(run("list", "--format", "json"))["insights"]

    assert [one["id"] for one in found] == [shared_event_id(alert)]
    assert "41 calls in 1 minute" in run("list")
    assert "6 or more are unusual" in run("explain", shared_event_id(alert))
    assert (
        json.loads(run("list", "--account", "999999999999", "--format", "json"))["insights"] == []
    )


def test_it_is_plotted(alert: Alert, tmp_path: Path) -> None:
    file = tmp_path / "plot.svg"

    shown = run("show", alert.id, "--svg", str(file))

    assert "█" in shown
    assert "▲" in shown
    assert re.search("<svg .*</svg>\n", file.read_text(), re.DOTALL)
    plot = json.loads(run("show", alert.id, "--format", "json"))["plot"]
    assert len(plot["counts"]) == len(plot["expected"]) == len(plot["upper"])
    assert max(plot["counts"]) > 10 * max(plot["upper"])


@pytest.mark.parametrize("sensitivity", ["low", "normal", "high"])
def test_the_past_is_replayed(alert: Alert, sensitivity: str) -> None:
    found = json.loads(
        run("replay", "--since", "1d", "--sensitivity", sensitivity, "--format", "json")
    )["insights"]

    assert alert.since in [
        int(datetime.fromisoformat(one["since"]).timestamp()) // 60 for one in found
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "none"),
        ("explain", "none"),
        ("replay", "--sensitivity", "x"),
        ("list", "--format", "x"),
    ],
)
def test_mistakes_are_told(alert: Alert, arguments: tuple[str, ...]) -> None:
    run(*arguments, code=2)


def test_without_a_server_there_is_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENTRAIL_DATA", str(tmp_path))

    run("list", code=3)
