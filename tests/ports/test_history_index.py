"""Every history index finds what its port promises, as the plain one in memory does."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opentrail.adapters.history import MemoryHistoryIndex, SqliteHistoryIndex
from opentrail.history.lookup import LookupQuery, parse_lookup
from opentrail.history.page import After
from opentrail.history.row import HistoryRow
from opentrail.ports.history import HistoryIndex

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
START = int(NOW.timestamp()) - 1000
MAKERS: dict[str, Callable[[Path], HistoryIndex]] = {
    "memory": lambda _path: MemoryHistoryIndex(),
    "sqlite": lambda path: SqliteHistoryIndex(path / "history.sqlite"),
}


@pytest.fixture(params=MAKERS)
def index(request: pytest.FixtureRequest, tmp_path: Path) -> HistoryIndex:
    return MAKERS[request.param](tmp_path)


def row(number: int, **values: Any) -> HistoryRow:
    made = HistoryRow(
        event_id=f"id-{number}", event_time=START + number, account_id="1", region="us-east-1",
        event_name="CreateUser", event_source="iam.amazonaws.com", username="alice",
        access_key_id="AKIA1", read_only="false", offset=number * 100,
        resources=(("AWS::IAM::User", f"user-{number}"),),
    )  # fmt: skip
    return replace(made, **values)


def query(attribute: str = "", value: str = "", **parameters: Any) -> LookupQuery:
    if attribute:
        one = {"AttributeKey": attribute, "AttributeValue": value}
        parameters["LookupAttributes"] = [one]
    return parse_lookup(parameters, account_id="1", region="us-east-1", now=NOW)


def ids(rows: tuple[HistoryRow, ...]) -> list[str]:
    return [one.event_id for one in rows]


def test_the_newest_events_come_first(index: HistoryIndex) -> None:
    index.append([row(1), row(3), row(2)], 7)

    assert ids(index.lookup(query(), None)) == ["id-3", "id-2", "id-1"]
    assert index.place() == 7


def test_of_equal_times_the_later_recorded_comes_first(index: HistoryIndex) -> None:
    index.append([row(1, event_time=START), row(2, event_time=START)], 7)

    assert ids(index.lookup(query(), None)) == ["id-2", "id-1"]


def test_an_event_that_comes_again_is_there_once(index: HistoryIndex) -> None:
    index.append([row(1)], 1)
    index.append([row(1), row(2)], 2)

    assert ids(index.lookup(query(), None)) == ["id-2", "id-1"]


def test_another_account_or_region_is_not_seen(index: HistoryIndex) -> None:
    index.append([row(1), row(2, account_id="2"), row(3, region="eu-west-1")], 1)

    assert ids(index.lookup(query(), None)) == ["id-1"]


ATTRIBUTES = [
    ("EventId", "id-1"), ("EventName", "CreateUser"), ("EventSource", "iam.amazonaws.com"),
    ("Username", "alice"), ("AccessKeyId", "AKIA1"), ("ReadOnly", "false"),
    ("ResourceName", "user-1"), ("ResourceType", "AWS::IAM::User"),
]  # fmt: skip


@pytest.mark.parametrize(("attribute", "value"), ATTRIBUTES)
def test_each_attribute_finds_exactly(index: HistoryIndex, attribute: str, value: str) -> None:
    other = row(2, event_name="X", event_source="x", username="x", access_key_id="x",
                read_only="true", resources=(("X", "x"),))  # fmt: skip
    index.append([row(1), other], 1)

    assert ids(index.lookup(query(attribute, value), None)) == ["id-1"]
    assert index.lookup(query(attribute, f"{value}x"), None) == ()


def test_both_ends_of_a_range_belong_to_it(index: HistoryIndex) -> None:
    index.append([row(number) for number in range(5)], 1)

    found = index.lookup(query(StartTime=START + 1, EndTime=START + 3), None)

    assert ids(found) == ["id-3", "id-2", "id-1"]


def test_pages_stay_in_step_while_events_arrive(index: HistoryIndex) -> None:
    index.append([row(number) for number in range(5)], 1)
    first = index.lookup(query(MaxResults=2), None)
    last = first[1]
    index.append([row(9)], 2)

    after = After(last.event_time, last.offset, START, START + 100)
    second = index.lookup(query(MaxResults=2), after)

    assert ids(first) == ["id-4", "id-3", "id-2"]  # one more than asked tells of a next page
    assert ids(second) == ["id-2", "id-1", "id-0"]


def test_old_events_are_forgotten(index: HistoryIndex) -> None:
    index.append([row(number) for number in range(5)], 1)

    assert index.expire(START + 3) == 3
    assert ids(index.lookup(query(), None)) == ["id-4", "id-3"]
    assert ids(index.lookup(query("ResourceName", "user-1"), None)) == []


def test_sqlite_keeps_rows_and_place_over_a_reopening(tmp_path: Path) -> None:
    SqliteHistoryIndex(tmp_path / "h").append([row(1)], 42)

    again = SqliteHistoryIndex(tmp_path / "h")

    assert again.place() == 42
    assert again.lookup(query(), None) == (row(1),)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9), st.sampled_from("ab")), max_size=25),
    st.sampled_from(["", "Username", "ResourceName"]),
    st.sampled_from("ab"),
)
def test_sqlite_finds_what_memory_finds(
    tmp_path_factory: pytest.TempPathFactory,
    some: list[tuple[int, int, str]],
    attribute: str,
    value: str,
) -> None:
    rows = [
        row(number, event_time=START + second, username=name, resources=(("T", name), ("T", "z")))
        for number, second, name in some
    ]
    plain, sqlite = MemoryHistoryIndex(), SqliteHistoryIndex(tmp_path_factory.mktemp("h") / "h")
    plain.append(rows, 1)
    sqlite.append(rows, 1)
    asked = query(attribute, value, MaxResults=5)

    assert sqlite.lookup(asked, None) == plain.lookup(asked, None)
