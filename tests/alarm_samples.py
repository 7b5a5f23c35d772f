"""Alarms for tests."""

import json
from pathlib import Path
from typing import Any

from opentrail.alarms.alarm import (
    AlarmState,
    Comparison,
    CompositeAlarm,
    MetricAlarm,
    MetricStat,
    State,
    Treatment,
    first_state,
)

ACCOUNT, REGION = "123456789012", "us-east-1"
T = 1_795_334_400
"""2026-11-22T08:00:00Z."""
VECTORS = Path(__file__).parent / "vectors" / "alarms"


def rows(name: str) -> list[dict[str, Any]]:
    """The rows of a file of vectors."""
    return [json.loads(line) for line in (VECTORS / f"{name}.jsonl").read_text().splitlines()]


def metric_alarm(**changed: Any) -> MetricAlarm:
    """An alarm on a sum of a minute above 1."""
    metric = {"namespace": "Trail", "name": "Root", "period": 60, "stat": "Sum"}
    metric |= {
        name: changed.pop(name)
        for name in ("period", "stat", "unit", "dimensions")
        if name in changed
    }
    usual: dict[str, Any] = {
        "account_id": ACCOUNT,
        "region": REGION,
        "name": "root-use",
        "metric": MetricStat(**metric),
        "periods": 1,
        "threshold": 1.0,
        "comparison": Comparison.GREATER,
        "updated": float(T),
        "created": float(T),
    }
    changed = {
        name: Treatment(value) if name == "treatment" else value for name, value in changed.items()
    }
    return MetricAlarm(**(usual | changed))


def composite_alarm(**changed: Any) -> CompositeAlarm:
    """An alarm on two others."""
    usual: dict[str, Any] = {
        "account_id": ACCOUNT,
        "region": REGION,
        "name": "both",
        "rule": "ALARM(a) OR ALARM(b)",
        "updated": float(T),
        "created": float(T),
    }
    return CompositeAlarm(**(usual | changed))


def state(value: str = "OK", **changed: Any) -> AlarmState:
    """A state."""
    usual: dict[str, Any] = {
        "value": State(value),
        "reason": "because",
        "updated": float(T),
        "transitioned": float(T),
    }
    return AlarmState(**(usual | changed))


FIRST = first_state(float(T))
