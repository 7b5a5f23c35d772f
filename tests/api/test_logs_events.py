"""Events of log groups by boto3: those that were put, and those that a trail delivers."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from api_world import ACCOUNT, OTHER, record
from logs_world import STREAM, LogsWorld, made, now, refused

from opentrail.api.logs import events

START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


@pytest.fixture
def logs(tmp_path: Path) -> LogsWorld:
    world = made(tmp_path)
    client = world.client()
    client.create_log_group(logGroupName="g")
    client.create_log_stream(logGroupName="g", logStreamName="s")
    return world


def put(logs: LogsWorld, *messages: str, stream: str = "s", when: int | None = None) -> None:
    first = now() - 60_000 if when is None else when
    logs.client().put_log_events(
        logGroupName="g", logStreamName=stream,
        logEvents=[{"timestamp": first + place, "message": one}
                   for place, one in enumerate(messages)],
    )  # fmt: skip


def recorded(logs: LogsWorld, *numbers: int, **values: Any) -> None:
    raws = [
        json.dumps(record(one, START + timedelta(seconds=one), **values)).encode()
        for one in numbers
    ]
    logs.world.events.append(raws)


def found(logs: LogsWorld, **values: Any) -> list[str]:
    pages = logs.client().get_paginator("filter_log_events").paginate(logGroupName="g", **values)
    return [one["message"] for page in pages for one in page["events"]]


def names(logs: LogsWorld, **values: Any) -> list[str]:
    return [json.loads(one)["eventName"] for one in found(logs, **values)]


# What was put


def test_events_are_read_back_as_they_were_put(logs: LogsWorld) -> None:
    put(logs, "a", "é\n\x01", '{"x": 1}')

    answer = logs.client().get_log_events(logGroupName="g", logStreamName="s")

    assert [one["message"] for one in answer["events"]] == ["a", "é\n\x01", '{"x": 1}']
    times = [one["timestamp"] for one in answer["events"]]
    assert times == [times[0], times[0] + 1, times[0] + 2]
    assert all(abs(one["ingestionTime"] - now()) < 60_000 for one in answer["events"])


def test_a_stream_is_paged_both_ways_and_followed(logs: LogsWorld) -> None:
    put(logs, *"abcdefg")
    client = logs.client()

    def page(**values: Any) -> tuple[str, str, str]:
        answer = client.get_log_events(logGroupName="g", logStreamName="s", limit=3, **values)
        told = "".join(one["message"] for one in answer["events"])
        return told, answer["nextForwardToken"], answer["nextBackwardToken"]

    last, forward, backward = page()
    assert last == "efg"
    middle, back_again, backward = page(nextToken=backward)
    assert middle == "bcd"
    assert page(nextToken=back_again)[0] == "efg"
    assert page(nextToken=backward)[0] == "a"
    head, onward, _ = page(startFromHead=True)
    assert head == "abc"
    assert page(nextToken=onward)[0] == "def"
    nothing, same, _ = page(nextToken=forward)
    assert (nothing, same) == ("", forward)
    put(logs, "h", when=now())
    assert page(nextToken=forward)[0] == "h"


def test_an_empty_stream_has_tokens_that_find_what_comes(logs: LogsWorld) -> None:
    client = logs.client()
    empty = client.get_log_events(logGroupName="g", logStreamName="s", startFromHead=True)

    put(logs, "a")

    assert empty["events"] == []
    later = client.get_log_events(
        logGroupName="g", logStreamName="s", nextToken=empty["nextForwardToken"]
    )
    assert [one["message"] for one in later["events"]] == ["a"]


def test_what_is_too_old_too_new_or_expired_is_left_out_and_told(logs: LogsWorld) -> None:
    client = logs.client()
    day, hour = 86_400_000, 3_600_000
    start = now()

    def rejected(*times: int) -> dict[str, int]:
        answer = client.put_log_events(
            logGroupName="g", logStreamName="s",
            logEvents=[{"timestamp": start + one, "message": "x"} for one in times],
        )  # fmt: skip
        return dict(answer.get("rejectedLogEventsInfo", {}))

    assert rejected(0) == {}
    assert rejected(-15 * day, -15 * day + 1) == {"tooOldLogEventEndIndex": 2}
    assert rejected(0, hour, 3 * hour) == {"tooNewLogEventStartIndex": 2}
    client.put_retention_policy(logGroupName="g", retentionInDays=1)
    assert rejected(-day - hour, -day + hour) == {"expiredLogEventEndIndex": 1}
    assert len(found(logs)) == 4
    with pytest.raises(client.exceptions.InvalidParameterException, match="24 hours"):
        rejected(-2 * day, 0)


def test_a_megabyte_at_once_is_taken_and_no_more(logs: LogsWorld) -> None:
    quoted = '"' * 1000
    put(logs, *[quoted] * 1000)
    assert len(found(logs)) == 1000

    many = [{"timestamp": now(), "message": "x" * 1000}] * 1030
    code, message = refused(
        logs.client().put_log_events, logGroupName="g", logStreamName="s", logEvents=many
    )
    assert (code, message[:16]) == ("InvalidParameterException", "Upload too large")


def test_pages_hold_a_megabyte(logs: LogsWorld) -> None:
    for number in range(3):
        put(logs, *["x" * 100_000] * 5, when=now() - 1000 + number)

    sizes = [
        len(page["events"])
        for page in logs.client().get_paginator("filter_log_events").paginate(logGroupName="g")
    ]

    assert sizes == [10, 5]


def test_patterns_streams_and_times_choose_events(logs: LogsWorld) -> None:
    client = logs.client()
    client.create_log_stream(logGroupName="g", logStreamName="t/1")
    start = now() - 10_000
    put(logs, "ERROR one", "INFO two", '{"level": "ERROR", "n": 7}', when=start)
    put(logs, "ERROR three", stream="t/1", when=start + 1)

    assert found(logs, filterPattern="ERROR") == [
        "ERROR one", "ERROR three", '{"level": "ERROR", "n": 7}',
    ]  # fmt: skip
    assert found(logs, filterPattern="{ $.n > 5 }") == ['{"level": "ERROR", "n": 7}']
    assert found(logs, filterPattern="[level = INFO, ...]") == ["INFO two"]
    assert found(logs, logStreamNames=["t/1"]) == ["ERROR three"]
    assert found(logs, logStreamNamePrefix="t/") == ["ERROR three"]
    assert found(logs, startTime=start + 1, endTime=start + 1) == ["INFO two", "ERROR three"]
    assert found(logs, startFromHead=False)[0] == '{"level": "ERROR", "n": 7}'
    first = client.filter_log_events(logGroupName="g", limit=1)
    assert first["events"][0]["logStreamName"] == "s"
    assert len(first["events"][0]["eventId"]) == 56
    assert first["searchedLogStreams"] == []
    invalid = "InvalidParameterException"
    call = client.filter_log_events
    assert refused(call, logGroupName="g", filterPattern="{")[0] == invalid
    assert (
        refused(call, logGroupName="g", logStreamNames=["s"], logStreamNamePrefix="s")[0] == invalid
    )
    assert refused(call, logGroupName="g", logStreamNames=["no"])[0] == "ResourceNotFoundException"


def test_pages_go_on_where_the_last_one_ended_while_others_come_in(logs: LogsWorld) -> None:
    put(logs, *"abcd", when=now() - 10_000)
    client = logs.client()

    first = client.filter_log_events(logGroupName="g", limit=2)
    put(logs, "0", when=now() - 20_000)
    put(logs, "e", when=now())
    second = client.filter_log_events(logGroupName="g", nextToken=first["nextToken"])

    assert [one["message"] for one in first["events"]] == ["a", "b"]
    assert [one["message"] for one in second["events"]] == ["c", "d", "e"]
    assert "nextToken" not in second


def test_a_page_that_looks_long_comes_empty_and_goes_on(
    logs: LogsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MOST_LOOKED_AT", 3)
    put(logs, *"abcdefg", "found", *"ij")
    client = logs.client()

    pages = list(
        client.get_paginator("filter_log_events").paginate(logGroupName="g", filterPattern="found")
    )

    assert [len(page["events"]) for page in pages] == [0, 0, 1, 0]


def test_numbers_beyond_all_events_are_told_or_find_nothing(logs: LogsWorld) -> None:
    put(logs, "a")
    recorded(logs, 1)
    logs.feed()
    client = logs.client(parameter_validation=False)

    def both(**values: Any) -> list[int]:
        shown = client.filter_log_events(logGroupName="g", **values)["events"]
        read = client.get_log_events(logGroupName="g", logStreamName="s", **values)["events"]
        return [len(shown), len(read)]

    assert both(startTime=2**63 - 1) == [0, 0]
    assert both(startTime=0, endTime=2**63 - 1) == [2, 1]
    for call in (
        lambda: client.filter_log_events(logGroupName="g", startTime=2**63),
        lambda: client.filter_log_events(logGroupName="g", limit=2**31),
        lambda: client.filter_log_events(logGroupName="g", nextToken="9" * 56),
        lambda: client.get_log_events(
            logGroupName="g", logStreamName="s", nextToken=f"f/{'9' * 56}/s"
        ),
        lambda: client.describe_log_groups(nextToken="WyJhIl0"),
        lambda: client.describe_log_groups(nextToken="WzFd"),
        lambda: client.describe_log_groups(nextToken="eHg="),
    ):
        assert refused(call)[0] in ("InvalidParameterException", "SerializationException")


def test_retention_hides_what_is_older(logs: LogsWorld) -> None:
    client = logs.client()
    put(logs, "old", when=now() - 2 * 86_400_000)
    put(logs, "new")
    assert found(logs) == ["old", "new"]

    client.put_retention_policy(logGroupName="g", retentionInDays=1)

    assert found(logs) == ["new"]
    answer = client.get_log_events(logGroupName="g", logStreamName="s", startFromHead=True)
    assert [one["message"] for one in answer["events"]] == ["new"]


# What a trail delivers


def test_a_fed_group_shows_the_records_as_they_are(logs: LogsWorld) -> None:
    recorded(logs, 1, 2)
    logs.feed(1)
    recorded(logs, 3)
    recorded(logs, 4, recipientAccountId=OTHER)

    assert names(logs) == ["Call2", "Call3"]
    answer = logs.client().get_log_events(logGroupName="g", logStreamName=STREAM)
    raws = [one["message"] for one in answer["events"]]
    assert raws == [json.dumps(record(one, START + timedelta(seconds=one))) for one in (2, 3)]
    assert answer["events"][0]["timestamp"] == int(START.timestamp() + 2) * 1000
    shown = logs.client().filter_log_events(logGroupName="g", limit=1)["events"][0]
    assert shown["logStreamName"] == STREAM


def test_patterns_streams_and_times_choose_records(logs: LogsWorld) -> None:
    logs.feed()
    recorded(logs, 1, 2, 3)
    recorded(logs, 4, awsRegion="eu-west-1", errorCode="AccessDenied")
    start = int(START.timestamp() * 1000)

    assert names(logs, filterPattern='{ ($.eventName = "Call1") || ($.eventName = Call3) }') == [
        "Call1", "Call3",
    ]  # fmt: skip
    assert names(logs, filterPattern="AccessDenied") == ["Call4"]
    assert names(logs, filterPattern="{ $.errorCode NOT EXISTS }") == ["Call1", "Call2", "Call3"]
    assert names(logs, logStreamNames=[f"{ACCOUNT}_CloudTrail_eu-west-1"]) == ["Call4"]
    assert names(logs, logStreamNamePrefix=f"{ACCOUNT}_CloudTrail_us") == [
        "Call1",
        "Call2",
        "Call3",
    ]
    assert names(logs, startTime=start + 1001, endTime=start + 3000) == ["Call2", "Call3"]
    assert names(logs, startFromHead=False) == ["Call4", "Call3", "Call2", "Call1"]


def test_records_and_put_events_are_in_one_order_whatever_the_pages(logs: LogsWorld) -> None:
    logs.feed()
    recorded(logs, 1, 2, 3)
    start = int(START.timestamp() * 1000)
    put(logs, "own 1.0", "own 1.001", when=start + 1000)
    put(logs, "own 2.999", "own 3.0", "own 3.001", when=start + 2999)
    expected = [
        "Call1",
        "own 1.0",
        "own 1.001",
        "Call2",
        "own 2.999",
        "Call3",
        "own 3.0",
        "own 3.001",
    ]

    for limit in range(1, 9):
        for head in (True, False):
            config = {"PageSize": limit}
            shown = found(logs, PaginationConfig=config, startFromHead=head)
            told = [one if one.startswith("own") else json.loads(one)["eventName"] for one in shown]
            assert told == (expected if head else expected[::-1])


def test_a_fed_stream_is_paged_both_ways(logs: LogsWorld) -> None:
    logs.feed()
    recorded(logs, *range(7))
    client = logs.client()

    def page(**values: Any) -> tuple[list[str], str, str]:
        answer = client.get_log_events(logGroupName="g", logStreamName=STREAM, limit=3, **values)
        told = [json.loads(one["message"])["eventName"][4:] for one in answer["events"]]
        return told, answer["nextForwardToken"], answer["nextBackwardToken"]

    last, forward, backward = page()
    assert last == ["4", "5", "6"]
    assert page(nextToken=backward)[0] == ["1", "2", "3"]
    recorded(logs, 9)
    assert page(nextToken=forward)[0] == ["9"]


def test_a_stream_that_no_trail_has_is_not_there(logs: LogsWorld) -> None:
    logs.feed()
    call = logs.client().get_log_events

    assert refused(call, logGroupName="g", logStreamName="no")[0] == "ResourceNotFoundException"
    other = f"{OTHER}_CloudTrail_us-east-1"
    assert call(logGroupName="g", logStreamName=other)["events"] == []


def test_what_was_put_stays_out_of_the_records_of_a_stream(logs: LogsWorld) -> None:
    logs.feed()
    recorded(logs, 1)
    put(logs, "own")

    assert names(logs, logStreamNames=[STREAM]) == ["Call1"]
    assert found(logs, logStreamNames=["s"]) == ["own"]
    assert names(logs, endTime=int(START.timestamp() * 1000) + 1000) == ["Call1"]
