"""(l) Weeks of generated traffic, imported: what Insights and the pack `principals` say of it.

The records are those of `gen_events.py` in the folder OPENTRAIL_BENCH_DATA: six weeks of three
accounts, whose last three hold labelled attacks and harmless deployments (decoys). They are imported
by `opentrail import` at a running server, and told of by `opentrail insights replay` and `opentrail
rules test`. Each seed is made twice: with ten deployments in the first three weeks, and without.

An alert belongs to a label if it is of an API of its calls, and seen from a minute before its
start to ten minutes behind its end; other alerts are false. Alerts behind the last record are left out.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from loads import ROOT
from opentrail.adapters.call_counts import FILE_NAME, SqliteCallCounts

sys.path.insert(0, str(ROOT / "tests" / "contract"))
from running import Running, running, wait_for

SEEDS = (11, 12)
DAYS = 42
RECORDS = 400_000
DEPLOYMENTS_BEFORE = 10
RATE_KINDS = ("rate_burst", "error_burst", "s3_exfil", "login_bruteforce", "rate_drop")
DECOY = "decoy_deploy"
RULES = (
    "first_api", "first_sensitive_api", "first_region", "first_network", "first_program",
    "off_hours", "sleeper", "denied_often", "secrets_read", "guessing", "tampering", "root",
)  # fmt: skip
_LATEST = timedelta(minutes=10)


@dataclass(frozen=True)
class Label:
    """What the generator did."""

    id: str
    kind: str
    account: str
    begin: datetime
    end: datetime
    names: frozenset[str]
    event_ids: frozenset[str]

    @property
    def is_silence(self) -> bool:
        """Whether calls are missing: those of a monitor, which are reads. Rates are of writes."""
        return not self.names

    def has(self, alert: dict[str, Any]) -> bool:
        """Whether an alert is of it."""
        seen = datetime.fromisoformat(alert["seen"]) - timedelta(minutes=1)
        return (
            alert["account_id"] == self.account
            and (alert["event_name"] in self.names or (self.is_silence and alert["rule"] == "drop"))
            and self.begin - timedelta(minutes=1) <= seen <= self.end + _LATEST
        )


def run() -> dict[str, object]:
    """Of each set: found by kind, false alarms, decoys that raise any, seconds."""
    folder = os.environ.get("OPENTRAIL_BENCH_DATA", "")
    generator = Path(folder) / "gen_events.py"
    if not generator.is_file():
        return {"skipped": "OPENTRAIL_BENCH_DATA is no folder with gen_events.py"}
    return {
        f"seed {seed}, {before} deployments before": _told(generator, seed, before)
        for seed in SEEDS
        for before in (0, DEPLOYMENTS_BEFORE)
    }


def _told(generator: Path, seed: int, before: int) -> dict[str, object]:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    half = today - timedelta(days=DAYS / 2)
    with tempfile.TemporaryDirectory(dir=ROOT) as name:
        made = Path(name) / "made"
        _make(generator, made, seed, before, today - timedelta(days=DAYS))
        labels = [_label(line) for line in (made / "labels.jsonl").read_text().splitlines()]
        labels = [one for one in labels if one.begin >= half]
        with running(Path(name) / "data") as server:
            began = time.monotonic()
            opentrail(server, "import", str(made))
            imported = time.monotonic() - began
            series = _wait_until_counted(server.data)
            counted = time.monotonic() - began - imported
            alerts = _lines(server, "insights", "replay", "--since", f"{half:%Y-%m-%d}")
            replayed = time.monotonic() - began - imported - counted
            found = _findings(server, today - timedelta(days=DAYS))
    alerts = [one for one in alerts if datetime.fromisoformat(one["seen"]) <= today]
    return {
        "series": series,
        "insights": _scored(labels, alerts, series),
        "principals": _found(labels, found, half),
        "seconds": {
            "importing": round(imported), "counting": round(counted), "replaying": round(replayed)
        },
    }  # fmt: skip


def _make(generator: Path, out: Path, seed: int, before: int, begin: datetime) -> None:
    hours = DAYS * 24 // 2
    kinds = ["all", "all", "all", "rate_burst:count=60", "error_burst:count=60"]
    kinds += [f"{DECOY}:hour={14 + at * hours // before}" for at in range(before)]
    subprocess.run(
        [
            sys.executable, str(generator), "run", "--mode", "tree", "--records", str(RECORDS),
            "--days", str(DAYS), "--start", f"{begin:%Y-%m-%d}", "--accounts", "3",
            "--seed", str(seed), "--gzip-level", "1", "--decoys", "6", "--out", str(out),
            *(part for kind in kinds for part in ("--anomaly", kind)),
        ],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def _label(line: str) -> Label:
    read = json.loads(line)
    return Label(
        read["id"], read["kind"], read["account"],
        datetime.fromisoformat(read["start"]), datetime.fromisoformat(read["end"]),
        frozenset(name.partition(":")[2] for name in read["event_names"]),
        frozenset(read["event_ids"]),
    )  # fmt: skip


def opentrail(server: Running, *arguments: str) -> str:
    """What a command printed; it may take minutes."""
    command = [sys.executable, "-m", "opentrail", *arguments]
    done = subprocess.run(
        command, env=server.environment(), capture_output=True, text=True, check=False
    )
    if done.returncode > 1:
        raise RuntimeError(done.stderr)
    return done.stdout


def _lines(server: Running, *arguments: str) -> list[dict[str, Any]]:
    printed = opentrail(server, *arguments, "--format", "jsonl")
    return [json.loads(line) for line in printed.splitlines()]


def _wait_until_counted(data: Path) -> int:
    """How many series there are, once counting has come to rest."""
    counts = SqliteCallCounts(data / FILE_NAME)
    seen = 0

    def rests() -> bool:
        nonlocal seen
        before = seen
        time.sleep(3)
        place = counts.place()
        seen = place.sequence if place else 0
        return seen == before > 0

    wait_for(rests, seconds=1800)
    found = len(list(counts.series()))
    counts.close()
    return found


def _scored(labels: list[Label], alerts: list[dict[str, Any]], series: int) -> dict[str, object]:
    decoys = [one for one in labels if one.kind == DECOY]
    anomalies = [one for one in labels if one.kind != DECOY]
    right = [one for one in alerts if any(label.has(one) for label in anomalies)]
    rest = [one for one in alerts if one not in right]
    of_decoys = [one for one in rest if any(label.has(one) for label in decoys)]
    false = [one for one in rest if one not in of_decoys]
    return {
        "found of": {kind: _told_of(labels, kind, alerts) for kind in (*RATE_KINDS, DECOY)},
        "alerts in anomalies": len(right),
        "alerts in decoys": len(of_decoys),
        "false alarms": len(false),
        "false alarms per 1,000 API-days": round(1000 * len(false) / (series * DAYS / 2), 2),
        "false by rule": dict(Counter(one["rule"] for one in false)),
    }


def _told_of(labels: list[Label], kind: str, alerts: list[dict[str, Any]]) -> str:
    those = [one for one in labels if one.kind == kind]
    return f"{sum(any(map(one.has, alerts)) for one in those)} of {len(those)}"


def _findings(server: Running, since: datetime) -> dict[str, list[dict[str, Any]]]:
    opentrail(server, "rules", "add", "--pack", "principals")
    span = ("--since", f"{since:%Y-%m-%d}..", "--limit", "100000")
    return {rule: _lines(server, "rules", "test", rule, *span) for rule in RULES}


def _found(
    labels: list[Label], found: dict[str, list[dict[str, Any]]], half: datetime
) -> dict[str, object]:
    """Of the second half: labels found by kind, and by rule what was found, and of it labelled."""
    late = {
        rule: [one for one in those if datetime.fromisoformat(one["first_time"]) >= half]
        for rule, those in found.items()
    }
    seen = {event for those in late.values() for one in those for event in one["event_ids"]}
    marked = {event for label in labels for event in label.event_ids}
    kinds = Counter(one.kind for one in labels)
    hit = Counter(one.kind for one in labels if one.event_ids & seen)
    return {
        "found of": {kind: f"{hit[kind]} of {count}" for kind, count in sorted(kinds.items())},
        "findings, of labels": {
            rule: f"{len(those)}, {sum(bool(marked & set(one['event_ids'])) for one in those)}"
            for rule, those in late.items()
        },
    }
