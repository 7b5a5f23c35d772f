"""Importing: `opentrail import` beside DuckDB reading the same files, in turn, in one run."""

import json
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from event_store_measures import timed
from event_store_trees import Tree, cache, environment, repacked, tree
from loads import ROOT

PEER = str(Path(__file__).with_name("event_store_peer.py"))
PEER_PYTHON = os.environ.get("OPENTRAIL_BENCH_PYTHON", str(ROOT / ".venv-bench/bin/python"))
"""Has DuckDB; `make bench` makes it."""

ROUNDS = int(os.environ.get("OPENTRAIL_BENCH_ROUNDS", "3"))


def run() -> dict[str, dict[str, object]]:
    """By tree: records/s of both, their ratio, disk, memory."""
    found = tree("1M")
    if isinstance(found, str):
        return {"1M": {"": found}}
    return {one.name: _measured(one) for one in (found, repacked(found))}


def _measured(source: Tree) -> dict[str, object]:
    ours, theirs = [], []
    with tempfile.TemporaryDirectory(dir=cache()) as name:
        for _ in range(ROUNDS):
            ours.append(_import(source, Path(name) / "data"))
            theirs.append(_read(source, Path(name) / "peer.parquet"))
        disk = sum(
            path.stat().st_size
            for path in (Path(name) / "data/events").rglob("*")
            if path.is_file()
        )
    records = theirs[0]["records"]
    assert ours[0]["records"] == records, (ours[0]["records"], records)
    rate = statistics.median(records / one["s"] for one in ours)
    peer_rate = statistics.median(records / one["s"] for one in theirs)
    gzip_bytes = source.gzip_bytes()
    return {
        "records/s / DuckDB's (aim >= 0.6)": round(rate / peer_rate, 2),
        "disk / gzip (aim <= 2.2)": round(disk / gzip_bytes, 2),
        "records/s": round(rate),
        "DuckDB records/s": round(peer_rate),
        "cpu µs a record": _micros(ours, records),
        "DuckDB cpu µs": _micros(theirs, records),
        "bytes an event": round(disk / records),
        "records": records,
        "files": len(source.files()),
        "memory MB: anonymous, resident": _memory(ours),
        "DuckDB memory MB": _memory(theirs),
    }


def _micros(rounds: list[dict[str, float]], records: float) -> float:
    return round(statistics.median(one["cpu s"] for one in rounds) / records * 1e6, 1)


def _memory(rounds: list[dict[str, float]]) -> str:
    anonymous, total = (max(one[name] for one in rounds) for name in ("anonymous", "total"))
    return f"{anonymous:.0f}, {total:.0f}"


def _import(source: Tree, data: Path) -> dict[str, float]:
    shutil.rmtree(data, ignore_errors=True)
    command = [sys.executable, "-m", "opentrail", "import", str(source.path), "--format", "json"]
    took, output, memory = timed(command, environment(data))
    report = json.loads(output)
    assert report["records"]["quarantined"] == 0
    assert report["records"]["added"] == report["records"]["found"]
    return took | {
        "records": report["records"]["added"],
        "anonymous": memory.anonymous,
        "total": memory.total,
    }


def _read(source: Tree, out: Path) -> dict[str, float]:
    command = [PEER_PYTHON, PEER, "import", str(source.path), str(out)]
    took, output, memory = timed(command, dict(os.environ))
    found = json.loads(output)
    out.unlink()
    return took | {
        "records": found["records"],
        "anonymous": memory.anonymous,
        "total": memory.total,
    }
