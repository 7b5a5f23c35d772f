"""What documented and measured queries give."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from insights_world import InsightsWorld, plain
from opentrail.logs.query.errors import MalformedQuery

VECTORS = Path(__file__).parents[1] / "vectors" / "logs_insights" / "semantics.jsonl"
ROWS = [json.loads(line) for line in VECTORS.read_text().splitlines()]
LIFE_CYCLE = {"li/47", "li/48"}
"""What StartQuery and StopQuery answer: tests/api/test_insights_api.py."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[InsightsWorld]:
    found = InsightsWorld(tmp_path)
    yield found
    found.close()


def _of(*names: str) -> list[dict[str, Any]]:
    return [row for row in ROWS if row["id"] not in LIFE_CYCLE and names[0] in row["expected"]]


def _ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


_ACCESS = '{"srcIp":"127.0.0.1","status":200} GET /'


def _fill(world: InsightsWorld, row: dict[str, Any]) -> None:
    events = row.get("events") or [{"timestamp": 1_700_000_000_000, "message": _ACCESS}]
    world.put(*((one["timestamp"], one["message"]) for one in events))


@pytest.mark.parametrize("row", _of("rows"), ids=_ids(_of("rows")))
def test_rows_are_as_told(world: InsightsWorld, row: dict[str, Any]) -> None:
    _fill(world, row)

    found = plain(world.ask_group(row["query"]))

    names = {name for one in row["expected"]["rows"] for name in one}
    assert [{name: one[name] for name in names & one.keys()} for one in found] == row["expected"][
        "rows"
    ]


@pytest.mark.parametrize("row", _of("rows_contain"), ids=_ids(_of("rows_contain")))
def test_rows_hold_what_is_told(world: InsightsWorld, row: dict[str, Any]) -> None:
    _fill(world, row)

    found = world.ask_group(row["query"])

    assert any(row["expected"]["rows_contain"].items() <= one.items() for one in found)


@pytest.mark.parametrize("row", _of("rows_unordered"), ids=_ids(_of("rows_unordered")))
def test_rows_in_any_order_are_as_told(world: InsightsWorld, row: dict[str, Any]) -> None:
    _fill(world, row)

    found = plain(world.ask_group(row["query"]))

    key = json.dumps
    assert sorted(found, key=key) == sorted(row["expected"]["rows_unordered"], key=key)


@pytest.mark.parametrize("row", _of("error"), ids=_ids(_of("error")))
def test_errors_are_told(world: InsightsWorld, row: dict[str, Any]) -> None:
    with pytest.raises(MalformedQuery) as told:
        world.ask_group(row["query"])

    assert row["expected"].get("message", str(told.value)) == str(told.value)
    assert row["expected"].get("message_contains", "") in str(told.value)


@pytest.mark.parametrize("row", _of("ok") + _of("note"), ids=_ids(_of("ok") + _of("note")))
def test_queries_that_work_there_work(world: InsightsWorld, row: dict[str, Any]) -> None:
    _fill(world, row)

    assert world.ask_group(row["query"])


def test_bins_need_the_time(world: InsightsWorld) -> None:
    (row,) = _of("invalid")

    with pytest.raises(MalformedQuery, match="bin needs @timestamp"):
        world.ask_group(row["query"])


def test_the_order_is_natural(world: InsightsWorld) -> None:
    (row,) = _of("order")
    order = row["expected"]["order"]
    world.put(*(json.dumps({"v": text}) for text in [*order[::2], *order[1::2]]))

    up = world.ask_group("fields v | sort v asc")
    down = world.ask_group("fields v | sort v desc")

    assert [one["v"] for one in up] == order
    assert [one["v"] for one in down] == order[::-1]


def test_messages_are_in_the_order_told(world: InsightsWorld) -> None:
    (row,) = _of("messages_contain_in_order")
    _fill(world, row)

    found = world.ask_group(row["query"])

    for one, word in zip(found, row["expected"]["messages_contain_in_order"], strict=True):
        assert word in one["@message"]
    assert world.statistics.records_scanned == row["expected"]["statistics"]["recordsScanned"]


def test_times_groups_and_pointers_are_spelled_as_told(world: InsightsWorld) -> None:
    (row,) = _of("@timestamp_regex")
    _fill(world, row)

    (found,) = world.ask_group(row["query"])

    assert re.fullmatch(row["expected"]["@timestamp_regex"], found["@timestamp"])
    assert found["@log"] == "111122223333:app"
    assert found["@ptr"]


def test_bins_count_alike(world: InsightsWorld) -> None:
    world.put(*["x"] * 7)

    rows = world.ask_group("stats count_over_time(*) as cot, count(*) as cnt by bin(1h)")

    assert [(one["cot"], one["cnt"]) for one in rows] == [("7", "7")]


def test_the_first_and_last_time_are_milliseconds(world: InsightsWorld) -> None:
    world.put("a", "b", "c")

    (found,) = world.ask_group("stats earliest(@timestamp) as first, latest(@timestamp) as last")

    assert found == {"first": "1700000000000", "last": "1700000002000"}
