"""Insights: how many unusual rates are found, how many alarms are false, and what a minute costs.

The sets are made by `insights_bench/gen.py` in the folder OPENTRAIL_BENCH_DATA and judged by its
`score.py`: labelled anomalies in 12 accounts of six profiles, 28 days to learn from and 14 days that
count. Everything was tuned on seed 1; SEEDS are others. Intervals are of 1,000 draws of accounts.
The peers (`insights_peers`) run on the same sets, each with its best threshold in hindsight.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from loads import ROOT
from opentrail.adapters.call_counts import SqliteCallCounts
from opentrail.insights.alert import Alert
from opentrail.insights.baseline import DAY, NORMAL, SENSITIVITIES, Sensitivity, learn
from opentrail.insights.counts import CALL_RATE, ERROR_RATE, SeriesKey
from opentrail.insights.detect import Detection
from opentrail.insights.replay import replay
from opentrail.ports.insights.call_counts import Changes, CountPlace
from opentrail.workers.insights.counting import Tally
from opentrail.workers.insights.worker import BATCH_EVENTS

SEEDS = range(2, 10)
OTHER_SEEDS = range(2, 4)
"""For the settings beside the normal one."""

FIRST_DAY = 18_267
"""A Monday: minute 0 of a set is one."""

BEFORE = 480
"""Minutes that fill the windows."""

Found = tuple[int, int, int]
"""Series, first and end minute."""


def run() -> dict[str, object]:
    """All figures; a set at a time, since one takes 80 MB."""
    folder = os.environ.get("OPENTRAIL_BENCH_DATA", "")
    bench = Path(folder) / "insights_bench"
    if not (bench / "gen.py").is_file():
        return {"skipped": "OPENTRAIL_BENCH_DATA is no folder with insights_bench/gen.py"}
    sys.path.insert(0, str(bench))
    with tempfile.TemporaryDirectory(dir=ROOT) as name:
        sets = [_made(seed, Path(name)) for seed in SEEDS]
        ours = [_judged(one, NORMAL) for one in sets]
        others = {
            setting: _pooled(
                [_judged(one, SENSITIVITIES[setting]) for one in sets[: len(OTHER_SEEDS)]]
            )
            for setting in ("low", "high")
        }
        return {
            "seeds": list(SEEDS),
            "insights": _pooled(ours) | {"seeds apart": [one["told"] for one in ours]},
            "by type": _by(ours, "types"),
            "by kind of series (found, of, false)": _by(ours, "kinds"),
            f"sensitivity on seeds {list(OTHER_SEEDS)}": others,
            "peers": _peers(sets),
            "tick": {f"{rows} series": tick_costs(rows) for rows in (10_000, 40_000)},
            "refit ms a series": {f"{days} days": refit_cost(days) for days in (7, 28)},
            "counting us an event": counting_cost(),
            "KB a series": {
                "that may be low": memory_cost(low=True),
                "that may not": memory_cost(low=False),
            },
        }


def _made(seed: int, directory: Path) -> Path:
    path = directory / f"set{seed}.npz"
    np.savez(path, **import_module("gen").generate(seed))
    return path


def _judged(path: Path, sensitivity: Sensitivity) -> dict[str, Any]:
    data = dict(np.load(path))
    counts, meta = data["counts"], json.loads(str(data["meta"]))
    began = time.process_time()
    found = detected(counts, meta, int(data["train_days"]) * DAY, sensitivity)
    spent = time.process_time() - began
    data["counts"] = np.zeros((1, 1))
    score = import_module("score").score(data, found)
    labels = json.loads(str(data["labels"]))
    scored = counts.shape[1] - int(data["train_days"]) * DAY
    return {
        "told": {
            name: round(score[name], 3)
            for name in ("f1", "precision", "recall", "fp_per_1000_api_days", "delay_median")
        },
        "api days": len(meta) * scored / DAY,
        "us": 1e6 * spent / (len(meta) * scored),
        "delays": [delay for delay, _ in score["found"].values()],
        "repeats": score["repeats"],
        "found": Counter(meta[labels[at]["series"]]["account"] for at in score["found"]),
        "labels": Counter(meta[one["series"]]["account"] for one in labels),
        "false": Counter(meta[series]["account"] for series, _, _ in score["false"]),
        "accounts": len({one["account"] for one in meta}),
        "types": {name: list(map(int, one.split("/"))) for name, one in score["by_type"].items()},
        "kinds": {name: list(one.values()) for name, one in score["by_kind"].items()},
    }


def detected(
    counts: np.ndarray, meta: list[dict[str, Any]], start: int, sensitivity: Sensitivity
) -> list[Found]:
    """The alerts of a set: what `opentrail insights replay` finds, with arrays for the store."""
    offset = FIRST_DAY * DAY
    past = Generated(counts, meta)
    end = offset + counts.shape[1]
    found = replay(past, past.first(), start=offset + start, end=end, sensitivity=sensitivity)
    return [
        (past.index[one.series], one.seen - offset, (one.ended or end) - offset) for one in found
    ]


class Generated:
    """A set as a past."""

    def __init__(self, counts: np.ndarray, meta: list[dict[str, Any]]) -> None:
        self.index = {_key(one): at for at, one in enumerate(meta)}
        self._counts = counts

    def first(self) -> dict[SeriesKey, int]:
        """The first call of each series that has any."""
        return {
            key: FIRST_DAY * DAY + int(np.argmax(self._counts[at] > 0))
            for key, at in self.index.items()
            if self._counts[at].any()
        }

    def counts(self, key: SeriesKey, start: int, end: int) -> list[tuple[int, int]]:
        """As a store of counts."""
        offset = FIRST_DAY * DAY
        those = self._counts[self.index[key], max(0, start - offset) : end - offset]
        minutes = np.flatnonzero(those)
        first = max(start, offset)
        return list(zip((minutes + first).tolist(), those[minutes].tolist(), strict=True))

    def alerts(self, *, since: int, key: SeriesKey, limit: int = 1000) -> list[Alert]:  # noqa: ARG002 - none
        """Nothing was told before."""
        return []


def _key(meta: dict[str, Any]) -> SeriesKey:
    kind = CALL_RATE if meta["measure"] == "calls" else ERROR_RATE
    source, _, name = meta["api"].partition(":")
    code = "" if kind == CALL_RATE else "AccessDenied"
    return SeriesKey(str(meta["account"]), "us-east-1", "Management", source, name, kind, code)


def _pooled(sets: list[dict[str, Any]]) -> dict[str, object]:
    """Figures over all sets, with 95 % intervals: accounts are drawn, with all that is theirs."""
    accounts = np.array(
        [
            [one[name][account] for name in ("found", "labels", "false")]
            for one in sets
            for account in range(one["accounts"])
        ]
    )
    random = np.random.default_rng(0)
    drawn = accounts[random.integers(0, len(accounts), (1000, len(accounts)))].sum(1)
    days = sum(one["api days"] for one in sets)
    delays = np.concatenate([one["delays"] for one in sets])
    figures = _figures(accounts.sum(0)[None], days)
    spread = _figures(drawn, days)
    return {
        **{
            name: {
                "value": round(float(value[0]), 3),
                "95 %": [round(float(one), 3) for one in np.percentile(spread[name], (2.5, 97.5))],
            }
            for name, value in figures.items()
        },
        "found, of, false": [int(one) for one in accounts.sum(0)],
        "API-days": round(days),
        "delay median, p90 (minutes)": [
            float(np.median(delays)),
            round(float(np.percentile(delays, 90))),
        ],
        "repeats": sum(one["repeats"] for one in sets),
        "CPU us a series and minute": round(float(np.mean([one["us"] for one in sets])), 2),
    }


def _figures(sums: np.ndarray, days: float) -> dict[str, np.ndarray]:
    found, labels, false = sums.T.astype(float)
    precision, recall = found / np.maximum(found + false, 1), found / labels
    return {
        "F1": 2 * precision * recall / np.maximum(precision + recall, 1e-9),
        "precision": precision,
        "recall": recall,
        "false alarms per 1,000 API-days": 1000 * false / days,
    }


def _by(sets: list[dict[str, Any]], name: str) -> dict[str, list[int]]:
    found: dict[str, np.ndarray] = {}
    for one in sets:
        for kind, figures in one[name].items():
            found[kind] = found.get(kind, 0) + np.array(figures)
    return {kind: [int(one) for one in figures] for kind, figures in sorted(found.items())}


def _peers(sets: list[Path]) -> object:
    python = ROOT / ".venv-bench" / "bin" / "python"
    if not python.exists():
        return "skipped: no .venv-bench"
    folder = os.environ["OPENTRAIL_BENCH_DATA"]
    command = [
        python,
        Path(__file__).with_name("insights_peers.py"),
        Path(folder) / "insights_bench",
    ]
    done = subprocess.run([*command, *sets], capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr[-2000:]


def tick_costs(rows: int) -> dict[str, float]:
    """Milliseconds (CPU) of a minute of many series that call as they always did."""
    random = np.random.default_rng(1)
    detection = Detection(FIRST_DAY * DAY - 1)
    kinds = 10 ** random.uniform(-3, 0.5, 40)
    baselines = [learn(random.poisson(rate, 28 * DAY), 0, NORMAL) for rate in kinds]
    keys = [
        SeriesKey("1", "us-east-1", "Management", "ec2.amazonaws.com", f"Api{at}", CALL_RATE, "")
        for at in range(rows)
    ]
    kind = random.integers(0, len(kinds), rows)
    pasts = random.poisson(kinds[kind][:, None], (rows, BEFORE))
    for key, of, past in zip(keys, kind, pasts, strict=True):
        detection.add(
            key,
            list(zip(range(FIRST_DAY * DAY - BEFORE, FIRST_DAY * DAY), past.tolist(), strict=True)),
        )
        detection.learn(key, baselines[of], FIRST_DAY)
    spent = []
    for _ in range(60):
        counts = random.poisson(kinds[kind])
        now = {keys[at]: int(counts[at]) for at in np.flatnonzero(counts)}
        began = time.process_time()
        detection.tick(now)
        spent.append(1e3 * (time.process_time() - began))
    return {"median ms": round(float(np.median(spent)), 2), "max ms": round(max(spent), 2)}


def counting_cost(events: int = 50_000) -> float:
    """Microseconds, CPU: reading records and writing their counts, in the worker's batches."""
    raws = [
        json.dumps({
            "eventVersion": "1.11", "eventID": f"e{at}", "eventTime": f"2026-11-24T10:{at % 60:02}:00Z",
            "awsRegion": "eu-west-1", "eventCategory": "Management", "readOnly": False,
            "eventSource": "ec2.amazonaws.com", "eventName": f"Api{at % 200}", "userAgent": "boto3",
            "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::111122223333:user/u{at % 40}"},
            "requestParameters": {"instanceId": f"i-{at:017x}"}, "recipientAccountId": "111122223333",
        }).encode()
        for at in range(events)
    ]  # fmt: skip
    with tempfile.TemporaryDirectory(dir=ROOT) as name:
        store = SqliteCallCounts(Path(name) / "counts.sqlite")
        began = time.process_time()
        for first in range(0, events, BATCH_EVENTS):
            tally = Tally(0)
            tally.add(raws[first : first + BATCH_EVENTS])
            store.commit(Changes(tally.counts, tally.values), CountPlace(first, 0))
        spent = time.process_time() - began
        store.close()
    return round(1e6 * spent / events, 1)


def memory_cost(*, low: bool, rows: int = 16_384) -> float:
    """Of series that are watched and learnt; a power of two, so that no row is spare."""
    random = np.random.default_rng(1)
    baseline = learn(random.poisson(0.01 if low else 3.0, 28 * DAY), 0, NORMAL)
    tracemalloc.start()
    detection = Detection(FIRST_DAY * DAY - 1)
    for at in range(rows):
        key = SeriesKey(
            "1", "us-east-1", "Management", "ec2.amazonaws.com", f"Api{at}", CALL_RATE, ""
        )
        detection.add(key)
        detection.learn(key, baseline, FIRST_DAY)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return round(taken / rows / 1000, 1)


def refit_cost(days: int) -> float:
    """Milliseconds, CPU; the mean of series of several rates."""
    random = np.random.default_rng(1)
    pasts = [random.poisson(10 ** random.uniform(-3, 2), days * DAY) for _ in range(30)]
    began = time.process_time()
    for past in pasts:
        learn(past, 0, NORMAL)
    return round(1e3 * (time.process_time() - began) / len(pasts), 2)
