import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.image import imread
from typer.testing import CliRunner

from insight_series import series
from opentrail.adapters.call_counts import FILE_NAME, SqliteCallCounts
from opentrail.cli.insights.band import Band
from opentrail.cli.insights.picture import draw
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


def test_it_is_plotted(alert: Alert) -> None:
    shown = run("show", alert.id)

    assert "█" in shown
    assert "▲" in shown
    plot = json.loads(run("show", alert.id, "--format", "json"))["plot"]
    assert len(plot["counts"]) == len(plot["expected"]) == len(plot["upper"])
    assert max(plot["counts"]) > 10 * max(plot["upper"])


def test_pictures_are_drawn(alert: Alert, tmp_path: Path) -> None:
    svg, png = tmp_path / "plot.svg", tmp_path / "plot.png"

    run("show", alert.id, "--svg", str(svg), "--png", str(png))

    tree = ET.parse(svg)
    assert tree.getroot().tag.endswith("svg")
    assert "41 calls in 1 minute" in svg.read_text()
    image = imread(png)
    assert image.shape[0] > 300
    assert image.shape[1] > 900
    assert len({tuple(pixel) for pixel in image[:, image.shape[1] // 2]}) > 3


def test_no_text_of_a_record_is_markup(tmp_path: Path) -> None:
    band = Band(0, 1, (1, 50), (1.0, 1.0), (2.0, 2.0), 1, 2)
    file = tmp_path / "plot.svg"

    for title in ("$x^", "<script>alert(1)</script>", "\x1b[2J\x00", "\\frac{", "很" * 500, ""):
        draw(band, title, file, "svg")
        draw(band, title, tmp_path / "plot.png", "png")

        names = {one.tag.rpartition("}")[2] for one in ET.parse(file).iter()}
        assert "script" not in names
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_a_place_that_is_none_is_told(alert: Alert, tmp_path: Path) -> None:
    said = run("show", alert.id, "--png", str(tmp_path / "none" / "plot.png"), code=2)

    assert "cannot be written: No such file" in " ".join(said.split())


def test_without_matplotlib_the_extra_is_named(
    alert: Alert, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)

    said = run("show", alert.id, "--png", str(tmp_path / "plot.png"), code=2)

    assert "pip install 'opentrail[plots]'" in " ".join(said.split())


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
