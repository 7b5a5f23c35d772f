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
ROUNDS = 300


def main() -> None:
    rows = [json.loads(line) for line in VECTORS.read_text().splitlines()]
    cis = [one for one in rows if "CIS" in one["source"]]
    patterns = [FilterPattern(text) for text in dict.fromkeys(one["pattern"] for one in cis)]
    messages = [LogMessage(one["message"]) for one in cis]
    for message in messages:
        assert message.record is not None
    print(f"{len(patterns)} patterns, {len(messages)} records, microseconds a record")
    print(
        f"one by one        {_cost(messages, lambda one: [p.matches(one) for p in patterns]):6.2f}"
    )
    for times in (1, 2, 4, 8):
        named = {(n, k): p for n, p in enumerate(patterns) for k in range(times)}
        print(f"a set of {len(named):4}     {_cost(messages, FilterSet(named).matching):6.2f}")


def _cost(messages: list[LogMessage], ask: Callable[[LogMessage], object]) -> float:
    best = float("inf")
    for _ in range(5):
        begun = time.perf_counter()
        for _ in range(ROUNDS // 5):
            for message in messages:
                ask(message)
        best = min(best, time.perf_counter() - begun)
    return best / (ROUNDS // 5) / len(messages) * 1e6


if __name__ == "__main__":
    main()
