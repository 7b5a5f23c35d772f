"""Texts that JSON can spell and Parquet cannot."""

from pathlib import Path

import duckdb
import pytest

from insights_world import InsightsWorld, record
from opentrail.adapters.events.segments import parquet
from opentrail.adapters.events.segments.columns import make_columns

_HALF = "\ud800"


def _records() -> list[bytes]:
    return [
        record(n, userAgent=f"agent {_HALF}" if n == 3 else "agent", errorMessage="no")
        for n in range(20)
    ]


def test_open_files_hold_no_half_characters(tmp_path: Path) -> None:
    raws = _records()
    path = tmp_path / "open.parquet"

    parquet.write_parquet(path, make_columns(raws, arrived=0, seed=1), raws)

    found = duckdb.sql(f"SELECT user_agent FROM '{path}' ORDER BY event_time").fetchall()
    assert [agent for (agent,) in found].count("agent") == 19
    assert "agent ?" in {agent for (agent,) in found}


def test_files_that_hold_them_from_before_are_read_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "_is_utf8", lambda _: True)
    world = InsightsWorld(tmp_path)
    for raw in _records():
        world.store.append([raw])
    world.store.compact()
    monkeypatch.undo()

    rows = world.ask("filter userAgent like 'agent' | stats count(*) as n by userAgent")

    assert sorted(row["n"] for row in rows) == ["1", "19"]
    world.close()
