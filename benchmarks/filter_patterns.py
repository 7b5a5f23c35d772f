"""What filter patterns cost for a record that is decoded already.

Asked: the CIS patterns of metric filters, one by one and as a set, once and several times over.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from opentrail.alarms.filter_pattern import FilterPattern, LogMessage
from opentrail.alarms.filter_set import FilterSet

VECTORS = Path(__file__).parents[1] / "tests/vectors/filter_patterns/filter_patterns.jsonl"
ROUNDS = 60
TIMES = (1, 2, 4, 8)


def run() -> dict[str, object]:
    rows = [json.loads(line) for line in VECTORS.read_text().splitlines()]
    cis = [one for one in rows if "CIS" in one["source"]]
    patterns = [FilterPattern(text) for text in dict.fromkeys(one["pattern"] for one in cis)]
    messages = [LogMessage(one["message"]) for one in cis]
    for message in messages:
        assert message.record is not None

    def one_by_one(message: LogMessage) -> object:
        return [pattern.matches(message) for pattern in patterns]

    return {
        "patterns": len(patterns),
        "records": len(messages),
        "one_by_one_microseconds": _cost(messages, one_by_one),
        "set_microseconds": {
            str(len(patterns) * times): _cost(messages, _set(patterns, times).matching)
            for times in TIMES
        },
    }


def _set(patterns: list[FilterPattern], times: int) -> FilterSet[tuple[int, int]]:
    return FilterSet({(n, k): one for n, one in enumerate(patterns) for k in range(times)})


def _cost(messages: list[LogMessage], ask: Callable[[LogMessage], object]) -> float:
    best = float("inf")
    for _ in range(5):
        begun = time.perf_counter()
        for _ in range(ROUNDS):
            for message in messages:
                ask(message)
        best = min(best, time.perf_counter() - begun)
    return round(best / ROUNDS / len(messages) * 1e6, 2)
