"""Queries of log groups by boto3: what is accepted and told; that they run is tested elsewhere."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from api_world import ACCOUNT, OTHER, ApiWorld
from logs_world import GROUP, LogsWorld, now, refused

from opentrail.adapters.queries.book import SqliteQueryBook
from opentrail.api.logs import queries, saved_queries
from opentrail.logs.event import EventPlace, Keeper
from opentrail.logs.names import GroupKey
from opentrail.logs.query.parser import DEFERRED
from opentrail.logs.query.pointers import Pointer
from opentrail.ports.queries import QueryEntry, QueryStatistics, QueryStatus

HOUR = 3600


@dataclass
class Asked:
    """The service, and the book in which its queries are."""

    logs: LogsWorld
    book: SqliteQueryBook
    client: Any

    def start(self, text: str = "fields @message", **values: Any) -> str:
        seconds = now() // 1000
        usual = {"startTime": seconds - HOUR, "endTime": seconds, "queryString": text}
        named = {} if any(key.startswith("logGroup") for key in values) else {"logGroupName": "g"}
        return str(self.client.start_query(**usual | named | values)["queryId"])

    def refused(self, text: str = "fields @message", **values: Any) -> tuple[str, str]:
        return refused(lambda: self.start(text, **values))

    def entry(self, query_id: str) -> QueryEntry:
        found = self.book.find(ACCOUNT, query_id)
        assert found is not None
        return found

    def end(self, query_id: str, *rows: list[tuple[str, str]]) -> None:
        """As whoever runs queries does it; it is the oldest that waits."""
        claimed = self.book.claim()
        assert claimed is not None
        assert claimed.query_id == query_id
        self.book.add_rows(query_id, rows)
        read = QueryStatistics(records_matched=2, records_scanned=9, bytes_scanned=900)
        self.book.end(query_id, QueryStatus.COMPLETE, statistics=read, took=5)


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    logs = LogsWorld(ApiWorld(tmp_path))
    client = logs.client()
    client.create_log_group(logGroupName="g")
    client.create_log_stream(logGroupName="g", logStreamName="s")
    return Asked(logs, logs.book, client)


# StartQuery


def test_a_query_is_scheduled_with_what_it_reads(asked: Asked) -> None:
    asked.logs.feed()

    request = asked.entry(asked.start("stats count(*)", limit=7)).request

    assert (request.text, request.limit) == ("stats count(*)", 7)
    assert request.end - request.start == HOUR * 1000 + 1000  # the end's second is included
    [group] = request.groups or ()
    assert (group.account_id, group.region, group.name) == GROUP
    assert [span.trail.name for span in group.spans] == ["t"]


def test_a_group_does_not_show_what_is_older_than_it_keeps(asked: Asked) -> None:
    asked.client.put_retention_policy(logGroupName="g", retentionInDays=1)

    [group] = asked.entry(asked.start()).request.groups or ()

    assert abs(group.shown_from - (now() - 24 * HOUR * 1000)) < 60_000


@pytest.mark.parametrize(
    "named",
    [
        {"logGroupName": "g"},
        {"logGroupNames": ["g", "g"]},
        {"logGroupIdentifiers": ["g", GROUP.arn]},
    ],
)
def test_groups_are_named_in_three_ways(asked: Asked, named: dict[str, Any]) -> None:
    assert asked.entry(asked.start(**named)).groups == ("g",)


def test_groups_are_named_in_one_way_and_exist(asked: Asked) -> None:
    assert asked.refused(logGroupName="g", logGroupNames=["g"])[0] == "InvalidParameterException"
    assert asked.refused(logGroupNames=[])[0] == "InvalidParameterException"
    code, message = asked.refused(logGroupName="none")
    assert code == "ResourceNotFoundException"
    assert message.startswith(f"Log group 'none' does not exist for account ID '{ACCOUNT}'")
    many = [f"g{n}" for n in range(queries.MOST_GROUPS + 1)]
    assert asked.refused(logGroupNames=many)[0] == "InvalidParameterException"


def test_source_chooses_groups_and_times(asked: Asked) -> None:
    asked.client.create_log_group(logGroupName="gather")
    asked.client.create_log_group(logGroupName="other")
    moment = now()
    text = "SOURCE logGroups(namePrefix: ['g']) START=-2h END=-1h | stats count(*)"

    seconds = moment // 1000
    query_id = asked.client.start_query(
        startTime=seconds - 60, endTime=seconds, queryString=text
    )["queryId"]  # fmt: skip

    entry = asked.entry(query_id)
    assert sorted(entry.groups) == ["g", "gather"]
    assert abs(entry.request.start - (moment - 2 * HOUR * 1000)) < 60_000
    assert entry.request.end - entry.request.start == HOUR * 1000
    assert asked.refused(text, logGroupName="g")[0] == "InvalidParameterException"


def test_a_start_after_the_end_is_refused(asked: Asked) -> None:
    """li/47."""
    code, message = asked.refused(startTime=2000, endTime=1000)

    assert (code, message) == (
        "InvalidParameterException", "End time should not be before start time."
    )  # fmt: skip


def test_a_query_that_does_not_compile_is_told_with_its_place(asked: Asked) -> None:
    text = "fields @message | filter a ="
    code, message = asked.refused(text)
    assert code == "MalformedQueryException"
    assert "expecting" in message

    try:
        asked.start(text)
    except asked.client.exceptions.MalformedQueryException as error:
        told = error.response["queryCompileError"]
    assert told["message"] == message
    assert told["location"]["startCharOffset"] == len(text)


def test_what_is_not_built_says_so(asked: Asked) -> None:
    for language in ("PPL", "SQL"):
        code, message = asked.refused(queryLanguage=language)
        assert code == "InvalidParameterException"
        assert "not supported" in message


@pytest.mark.parametrize("command", sorted(DEFERRED))
def test_a_command_that_is_not_built_says_so(asked: Asked, command: str) -> None:
    code, message = asked.refused(f"fields @message | {command} a by b")

    assert code == "MalformedQueryException"
    assert f"the command '{command}' is not supported yet by OpenTrail" in message


def test_an_account_has_a_hundred_queries_at_once(asked: Asked) -> None:
    first, *_ = [asked.start() for _ in range(queries.MOST_UNFINISHED)]

    assert asked.refused()[0] == "LimitExceededException"
    asked.client.stop_query(queryId=first)
    asked.start()


# GetQueryResults, StopQuery, DescribeQueries


def test_results_are_there_when_the_query_is_complete(asked: Asked) -> None:
    query_id = asked.start()
    waiting = asked.client.get_query_results(queryId=query_id)
    assert (waiting["status"], waiting["results"]) == ("Scheduled", [])

    asked.end(query_id, [("@message", "a"), ("@ptr", "p")], [("@message", "b")])

    found = asked.client.get_query_results(queryId=query_id)
    assert (found["status"], found["queryLanguage"]) == ("Complete", "CWLI")
    assert found["results"] == [
        [{"field": "@message", "value": "a"}, {"field": "@ptr", "value": "p"}],
        [{"field": "@message", "value": "b"}],
    ]
    statistics = found["statistics"]
    assert [statistics[f"{one}Scanned"] for one in ("records", "bytes")] == [9, 900]
    assert statistics["recordsMatched"] == 2


def test_results_are_paged(asked: Asked) -> None:
    query_id, other = asked.start(), asked.start()
    asked.end(query_id, *([("n", str(n))] for n in range(5)))

    def page(**values: Any) -> tuple[str, str | None]:
        found = asked.client.get_query_results(queryId=query_id, maxItems=2, **values)
        return "".join(row[0]["value"] for row in found["results"]), found.get("nextToken")

    first, token = page()
    second, later = page(nextToken=token)
    third, none = page(nextToken=later)
    assert (first, second, third, none) == ("01", "23", "4", None)
    asked.end(other, [("n", "0")])
    for wrong in (token, "x", "!"):
        call = asked.client.get_query_results
        assert refused(call, queryId=other, nextToken=wrong)[0] == "InvalidParameterException"


def test_a_query_is_stopped_once(asked: Asked) -> None:
    """li/48."""
    query_id, complete = asked.start(), asked.start()
    assert asked.client.stop_query(queryId=query_id)["success"]
    assert asked.client.get_query_results(queryId=query_id)["status"] == "Cancelled"
    asked.end(complete)

    for ended in (query_id, complete):
        call = asked.client.stop_query
        assert refused(call, queryId=ended)[0] == "InvalidParameterException"


@pytest.mark.parametrize("whose", [{"account": OTHER}, {"region": "eu-west-1"}])
def test_queries_are_of_an_account_and_region(asked: Asked, whose: dict[str, str]) -> None:
    query_id = asked.start()
    definition = asked.client.put_query_definition(name="q", queryString="limit 1")
    pointer = Pointer(GROUP, EventPlace(now(), Keeper.OWN, 1)).text
    stranger = asked.logs.client(**whose)

    for call, values in (
        (stranger.get_query_results, {"queryId": query_id}),
        (stranger.stop_query, {"queryId": query_id}),
        (stranger.delete_query_definition,
         {"queryDefinitionId": definition["queryDefinitionId"]}),
        (stranger.put_query_definition,
         {"queryDefinitionId": definition["queryDefinitionId"], "name": "x", "queryString": "y"}),
        (stranger.get_log_record, {"logRecordPointer": pointer}),
        (stranger.start_query,
         {"logGroupName": "g", "queryString": "limit 1", "startTime": 1, "endTime": 2}),
    ):  # fmt: skip
        assert refused(call, **values)[0] == "ResourceNotFoundException"
    assert stranger.describe_queries()["queries"] == []
    assert stranger.describe_query_definitions()["queryDefinitions"] == []


def test_queries_are_told_newest_first(asked: Asked) -> None:
    asked.client.create_log_group(logGroupName="h")
    made = [asked.start(f"limit {n}", logGroupName="h" if n == 1 else "g") for n in (1, 2, 3)]
    asked.end(made[0])

    def told(**values: Any) -> list[str]:
        return [one["queryId"] for one in asked.client.describe_queries(**values)["queries"]]

    assert sorted(told()) == sorted(made)
    assert told(status="Complete") == [made[0]]
    assert told(logGroupName="h") == [made[0]]
    assert told(status="Unknown") == []
    first = asked.client.describe_queries(maxResults=2)
    assert len(first["queries"]) == 2
    rest = told(maxResults=2, nextToken=first["nextToken"])
    assert sorted([*(one["queryId"] for one in first["queries"]), *rest]) == sorted(made)
    [one] = asked.client.describe_queries(status="Complete")["queries"]
    assert one["queryString"].startswith('SOURCE "h" START=')
    assert one["queryString"].endswith("| limit 1")
    assert (one["queryDuration"], one["bytesScanned"], one["logGroupName"]) == (5, 900, "h")


# GetLogRecord, GetLogGroupFields


def _put(asked: Asked, *messages: str) -> list[EventPlace]:
    first = now() - 60_000
    asked.client.put_log_events(
        logGroupName="g", logStreamName="s",
        logEvents=[{"timestamp": first + n, "message": one} for n, one in enumerate(messages)],
    )  # fmt: skip
    return [EventPlace(first + n, Keeper.OWN, n + 1) for n in range(len(messages))]


def test_a_record_is_told_with_all_its_fields(asked: Asked) -> None:
    message = json.dumps({"a": {"b": [1, {"c": True}]}, "@x": None, "t": "é"})
    [place] = _put(asked, message)
    pointer = Pointer(GROUP, place).text

    found = asked.client.get_log_record(logRecordPointer=pointer)["logRecord"]

    assert found["a.b.0"] == "1"
    assert found["a.b.1.c"] == "1"
    assert found["t"] == "é"
    assert found["@message"] == message
    assert found["@timestamp"] == str(place.milliseconds)
    assert (found["@logStream"], found["@log"]) == ("s", f"{ACCOUNT}:g")
    assert found["@ptr"] == pointer


@pytest.mark.parametrize("pointer", ["x", "", "AAAA", "é" * 10, "A" * 5000])
def test_what_is_no_pointer_is_refused(asked: Asked, pointer: str) -> None:
    code, _ = refused(asked.client.get_log_record, logRecordPointer=pointer)

    assert code == "InvalidParameterException"


def test_a_pointer_leads_to_what_is_still_shown(asked: Asked) -> None:
    [place] = _put(asked, "m")
    gone = Pointer(GROUP, EventPlace(place.milliseconds, Keeper.OWN, place.number + 9)).text
    other = Pointer(GroupKey(ACCOUNT, "us-east-1", "none"), place).text

    for pointer in (gone, other):
        code, _ = refused(asked.client.get_log_record, logRecordPointer=pointer)
        assert code == "ResourceNotFoundException"


def test_the_fields_of_a_group_are_told_by_how_many_events_have_them(asked: Asked) -> None:
    _put(asked, '{"a": 1, "b": {"c": 2}}', '{"a": 2}', "no fields", '{"a": "x"}')

    def told(**values: Any) -> dict[str, int]:
        found = asked.client.get_log_group_fields(**values)["logGroupFields"]
        return {one["name"]: one["percent"] for one in found}

    shares = told(logGroupName="g")
    assert (shares["@message"], shares["a"], shares["b.c"]) == (100, 75, 25)
    assert told(logGroupIdentifier=GROUP.arn, time=now() // 1000) == shares
    assert told(logGroupName="g", time=1_000_000_000) == {}


# Saved queries


def test_queries_are_saved_changed_and_deleted(asked: Asked) -> None:
    client = asked.client
    made = client.put_query_definition(
        name="b", queryString="filter a = {{x}}", logGroupNames=["g"],
        parameters=[{"name": "x", "defaultValue": "1", "description": "what"}],
    )["queryDefinitionId"]  # fmt: skip
    client.put_query_definition(name="a", queryString="limit 1")

    first, second = client.describe_query_definitions()["queryDefinitions"]

    assert [first["name"], second["name"]] == ["a", "b"]
    assert second["parameters"] == [{"name": "x", "defaultValue": "1", "description": "what"}]
    assert (second["queryString"], second["logGroupNames"]) == ("filter a = {{x}}", ["g"])
    client.put_query_definition(queryDefinitionId=made, name="c/d", queryString="limit 2")
    [changed] = client.describe_query_definitions(queryDefinitionNamePrefix="c/")[
        "queryDefinitions"
    ]
    assert (changed["queryDefinitionId"], changed["queryString"]) == (made, "limit 2")
    assert client.delete_query_definition(queryDefinitionId=made)["success"]
    assert refused(client.delete_query_definition, queryDefinitionId=made)[0] == (
        "ResourceNotFoundException"
    )


def test_saved_queries_are_paged(asked: Asked) -> None:
    for n in range(5):
        asked.client.put_query_definition(name=f"q{n}", queryString="limit 1")

    names: list[str] = []
    token: dict[str, str] = {}
    while True:
        found = asked.client.describe_query_definitions(maxResults=2, **token)
        names += [one["name"] for one in found["queryDefinitions"]]
        if "nextToken" not in found:
            break
        token = {"nextToken": found["nextToken"]}

    assert names == ["q0", "q1", "q2", "q3", "q4"]


def test_the_same_call_again_saves_no_second_query(asked: Asked) -> None:
    values = {"name": "q", "queryString": "limit 1", "clientToken": "once" * 9}

    first, again = (asked.client.put_query_definition(**values) for _ in range(2))

    assert first["queryDefinitionId"] == again["queryDefinitionId"]
    assert len(asked.client.describe_query_definitions()["queryDefinitions"]) == 1


def test_saved_queries_have_a_limit_and_parameters_names_of_their_own(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_queries, "MOST_DEFINITIONS", 1)
    twice = [{"name": "x"}, {"name": "x"}]
    call = asked.client.put_query_definition
    assert refused(call, name="q", queryString="limit 1", parameters=twice)[0] == (
        "InvalidParameterException"
    )
    call(name="q", queryString="limit 1")

    assert refused(call, name="r", queryString="limit 1")[0] == "LimitExceededException"
