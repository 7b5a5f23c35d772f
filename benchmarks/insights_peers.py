"""Other detectors on the benchmark of Insights, each with its best threshold in hindsight.

    python insights_peers.py FOLDER_OF_SCORE SET…      prints JSON; runs in the peers' environment

Of all sets, minutes: mean + k sigma of the last seven days (what the service's documents suggest)
and DSPOT (60 minutes' moving average, tails of 28 days by the method of moments, refitted daily),
both written here. Of some series of the first set, 5-minute counts: ECOD and an isolation forest
(pyod), half-space trees (river), the matrix profile (stumpy, left to right).
An alert ends after ten minutes below the threshold. The threshold is the one of those tried with the
best F1 on the very sets that are scored: better than anybody could choose it beforehand.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np

DAY = 1440
SOME_SERIES = 60
HEAVY_SERIES = 12
QUIET = 10


def main() -> None:
    sys.path.insert(0, sys.argv[1])
    from score import score  # noqa: PLC0415 - where it is, is an argument

    sets = [dict(np.load(path)) for path in sys.argv[2:]]
    results: dict[str, object] = {}
    for name, judge in (("mean + k sigma, 7 days", sigma), ("DSPOT", dspot)):
        results[name] = best(sets, score, judge, 1)
    first = [part(sets[0], SOME_SERIES)]
    few = [part(sets[0], HEAVY_SERIES)]
    for name, judge, those in (
        ("pyod ECOD", ecod, first), ("pyod IForest", forest, first),
        ("river HalfSpaceTrees", trees, few), ("stumpy matrix profile", profile, few),
    ):  # fmt: skip
        try:
            results[name] = best(those, score, judge, 5)
        except ImportError as problem:
            results[name] = f"skipped: {problem}"
    print(json.dumps(results))


def part(data: dict, series: int) -> dict:
    """The first series of a set, with their labels."""
    meta = json.loads(str(data["meta"]))[:series]
    kept = {one["id"] for one in meta}
    labels = [one for one in json.loads(str(data["labels"])) if one["series"] in kept]
    ignore = [one for one in json.loads(str(data["ignore"])) if one[0] in kept]
    return data | {
        "counts": data["counts"][:series], "meta": json.dumps(meta), "labels": json.dumps(labels),
        "ignore": json.dumps(ignore),
    }  # fmt: skip


def best(sets: list[dict], score: Callable, judge: Callable, width: int) -> dict:
    """Scores of all series once; then every threshold of a row of quantiles."""
    began = time.process_time()
    strange = [[judge(series, width) for series in data["counts"]] for data in sets]
    minutes = sum(data["counts"].size for data in sets) / 3
    spent = time.process_time() - began
    everything = np.concatenate([one for those in strange for one in those])
    everything = everything[np.isfinite(everything)]
    found = []
    for level in np.unique(np.quantile(everything, 1 - np.logspace(-2.5, -5.8, 16))):
        told = [
            score(data, list(alerts(those, level, width)))
            for data, those in zip(sets, strange, strict=True)
        ]
        tp, fp = sum(one["tp"] for one in told), sum(one["fp"] for one in told)
        labels = sum(one["anomalies"] for one in told)
        days = sum(len(json.loads(str(data["meta"]))) * int(data["test_days"]) for data in sets)
        precision, recall = tp / max(1, tp + fp), tp / max(1, labels)
        found.append({
            "F1": round(2 * precision * recall / max(1e-9, precision + recall), 3),
            "precision": round(precision, 3), "recall": round(recall, 3),
            "false alarms per 1,000 API-days": round(1000 * fp / days, 2),
            "series": sum(len(data["counts"]) for data in sets), "anomalies": labels,
            "threshold": float(level),
            "CPU us a series and minute": round(1e6 * spent / minutes, 2),
        })  # fmt: skip
    return max(found, key=lambda one: one["F1"])


def alerts(strange: list, level: float, width: int) -> Iterator[tuple[int, int, int]]:
    """Series, start and end minute; scores are of the scored days alone."""
    start = 28 * DAY
    for series, scores in enumerate(strange):
        over = np.flatnonzero(scores >= level)
        if not len(over):
            continue
        breaks = np.flatnonzero(np.diff(over) * width > QUIET)
        firsts = over[np.concatenate(([0], breaks + 1))]
        lasts = over[np.concatenate((breaks, [len(over) - 1]))]
        for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
            yield series, start + (first + 1) * width - 1, start + (last + 1) * width


def sigma(series: np.ndarray, _: int) -> np.ndarray:
    sums = np.concatenate(([0.0], np.cumsum(series, dtype=float)))
    squares = np.concatenate(([0.0], np.cumsum(np.square(series, dtype=float))))
    at, week = np.arange(28 * DAY, len(series)), 7 * DAY
    mean = (sums[at] - sums[at - week]) / week
    deviation = np.sqrt(np.maximum((squares[at] - squares[at - week]) / week - mean**2, 1e-4))
    return np.where(series[at] >= 5, (series[at] - mean) / np.maximum(deviation, 0.1), -np.inf)


def dspot(series: np.ndarray, _: int, depth: int = 60) -> np.ndarray:
    """How many times rarer than the 98th percentile's excess: -log10 of the tail's probability."""
    sums = np.concatenate(([0.0], np.cumsum(series, dtype=float)))
    at = np.arange(depth, len(series))
    rest = np.concatenate((np.zeros(depth), series[at] - (sums[at] - sums[at - depth]) / depth))
    found = []
    for day in range(28, len(series) // DAY):
        past = rest[(day - 28) * DAY : day * DAY]
        level = np.quantile(past, 0.98)
        excess = past[past > level] - level
        now = rest[day * DAY : (day + 1) * DAY]
        if len(excess) < 20 or excess.var() <= 0:
            found.append(np.full(DAY, -np.inf))
            continue
        mean, variance = excess.mean(), excess.var()
        shape = np.clip((1 - mean**2 / variance) / 2, -0.4, 0.49)
        scale = mean * (1 - shape)
        over = np.maximum(now - level, 0)
        inner = np.maximum(1 + shape * over / scale, 1e-12)
        tail = np.log10(inner) / shape if abs(shape) > 1e-3 else over / scale / np.log(10)
        tail = np.where((inner <= 1e-12) & (over > 0), 300.0, tail)
        found.append(
            np.where((now > level) & (series[day * DAY : (day + 1) * DAY] >= 5), tail, -np.inf)
        )
    return np.concatenate(found)


def _features(series: np.ndarray, width: int) -> np.ndarray:
    """Counts of 5 and 60 minutes, their differences to an hour and a day before, and the time."""
    counts = series[: len(series) // width * width].reshape(-1, width).sum(1).astype(float)
    hour = np.convolve(counts, np.ones(12))[: len(counts)]
    place = np.arange(len(counts)) % (DAY // width) / (DAY // width) * 2 * np.pi
    return np.column_stack((
        np.log1p(counts), np.log1p(hour), np.log1p(counts) - np.log1p(np.roll(counts, 12)),
        np.log1p(counts) - np.log1p(np.roll(counts, DAY // width)), np.sin(place), np.cos(place),
    ))  # fmt: skip


def _outliers(series: np.ndarray, width: int, model: object) -> np.ndarray:
    features, start = _features(series, width), 28 * DAY // width
    model.fit(features[:start])
    return np.asarray(model.decision_function(features[start:]))


def ecod(series: np.ndarray, width: int) -> np.ndarray:
    from pyod.models.ecod import ECOD  # noqa: PLC0415 - may be missing

    return _outliers(series, width, ECOD())


def forest(series: np.ndarray, width: int) -> np.ndarray:
    from pyod.models.iforest import IForest  # noqa: PLC0415 - may be missing

    return _outliers(series, width, IForest(n_estimators=50, random_state=1))


def trees(series: np.ndarray, width: int) -> np.ndarray:
    from river.anomaly import HalfSpaceTrees  # noqa: PLC0415 - may be missing
    from river.preprocessing import MinMaxScaler  # noqa: PLC0415 - may be missing

    model, start = MinMaxScaler() | HalfSpaceTrees(seed=1, window_size=288), 28 * DAY // width
    found = []
    for at, row in enumerate(_features(series, width)[:, :4]):
        values = dict(enumerate(row.tolist()))
        if at >= start:
            found.append(model.score_one(values))
        model.learn_one(values)
    return np.array(found)


def profile(series: np.ndarray, width: int, length: int = 12) -> np.ndarray:
    from stumpy import stump  # noqa: PLC0415 - may be missing

    counts = series[: len(series) // width * width].reshape(-1, width).sum(1).astype(float)
    noise = np.random.default_rng(1).uniform(0, 1e-3, len(counts))
    left = stump(counts + noise, m=length)[:, 0].astype(float)
    found = np.concatenate((np.zeros(length - 1), left))
    return found[28 * DAY // width :]


if __name__ == "__main__":
    main()
