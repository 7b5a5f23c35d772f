"""Every store of alarm histories keeps what its port promises."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from opentrail.adapters.alarm_history import MemoryAlarmHistory, SqliteAlarmHistory
from opentrail.alarms.telling.changes import HistoryItem, ItemKind
from opentrail.ports.metrics.alarm_history import AlarmHistory, HistoryQuery

ACCOUNT, REGION, T = "123456789012", "us-east-1", 1_800_000_000.0

MAKERS: dict[str, Callable[[Path], AlarmHistory]] = {
    "memory": lambda _path: MemoryAlarmHistory(),
    "sqlite": lambda path: SqliteAlarmHistory(path / "alarm-history.sqlite"),
}


@pytest.fixture(params=MAKERS)
def history(request: pytest.FixtureRequest, tmp_path: Path) -> AlarmHistory:
    return MAKERS[request.param](tmp_path)


def item(number: int, **values: Any) -> HistoryItem:
    usual: dict[str, Any] = {
        "id": f"id-{number:04d}", "account_id": ACCOUNT, "region": REGION, "name": "alarm", "alarm_type": "MetricAlarm",
        "time": T + number // 2, "kind": ItemKind.STATE, "summary": f"é {number}", "data": "{}",
    }  # fmt: skip
    return HistoryItem(**(usual | values))


def found(history: AlarmHistory, **wanted: Any) -> list[str]:
    query = HistoryQuery(account_id=ACCOUNT, region=REGION, **wanted)
    return [one.id[-1] for one in history.find(query)]


def test_lines_are_found_by_time_and_only_ones_own(history: AlarmHistory) -> None:
    history.add([item(2), item(0), item(1)])
    history.add([item(7, account_id="999999999999"), item(8, region="eu-west-1")])

    assert found(history) == ["2", "1", "0"]
    assert found(history, newest_first=False) == ["0", "1", "2"]
    assert history.find(HistoryQuery(account_id=ACCOUNT, region=REGION, limit=1)) == (item(2),)


def test_a_line_added_twice_is_one(history: AlarmHistory) -> None:
    for _ in range(2):
        history.add([item(0), item(1)])

    assert found(history) == ["1", "0"]


def test_lines_are_found_by_what_they_have(history: AlarmHistory) -> None:
    history.add([
        item(0), item(2, name="other"), item(4, kind=ItemKind.ACTION), item(6, alarm_type="CompositeAlarm"),
    ])  # fmt: skip

    assert found(history, name="other") == ["2"]
    assert found(history, kind=ItemKind.ACTION) == ["4"]
    assert found(history, alarm_types=("CompositeAlarm",)) == ["6"]
    assert found(history, alarm_types=("CompositeAlarm", "MetricAlarm")) == ["6", "4", "2", "0"]
    assert found(history, start=T + 1, end=T + 2) == ["4", "2"]


@pytest.mark.parametrize("newest_first", [True, False])
def test_pages_follow_one_another(history: AlarmHistory, newest_first: bool) -> None:
    history.add([item(number) for number in range(10)])
    query = HistoryQuery(account_id=ACCOUNT, region=REGION, newest_first=newest_first, limit=3)

    ids: list[str] = []
    while page := history.find(query):
        ids += [one.id for one in page]
        query = replace(query, after=(page[-1].time, page[-1].id))

    assert ids == sorted(ids, reverse=newest_first)
    assert len(ids) == 10


def test_the_old_is_forgotten(history: AlarmHistory) -> None:
    history.add([item(number) for number in range(10)])

    assert history.expire(T + 3) == 6
    assert found(history) == ["9", "8", "7", "6"]
    assert history.expire(T + 3) == 0
