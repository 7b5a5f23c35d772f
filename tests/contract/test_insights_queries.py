"""Logs Insights of a running server, by boto3 and the AWS CLI."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from running import ACCOUNT, Running, make, running, wait_for
from test_log_groups import feed

from opentrail.adapters.identities import read_file

pytestmark = pytest.mark.contract

ENDED = ("Complete", "Failed", "Cancelled", "Timeout")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("insights") / "data") as made:
        feed(made, "trailed")
        logs = made.client("logs")
        logs.create_log_group(logGroupName="app")
        logs.create_log_stream(logGroupName="app", logStreamName="one")
        now = int(time.time() * 1000)
        logs.put_log_events(
            logGroupName="app",
            logStreamName="one",
            logEvents=[
                {"timestamp": now + n, "message": json.dumps({"n": n, "ok": n % 2 == 0})}
                for n in range(20)
            ],
        )
        for n in range(5):
            made.client("iam").create_user(UserName=f"user-{n}")
        wait_for(lambda: _asked(made, "filter eventName = 'CreateUser'", "trailed")[1] == 5)
        yield made


def _start(here: Running, query: str, *groups: str, **more: Any) -> str:
    now = int(time.time())
    found = here.client("logs").start_query(
        logGroupNames=list(groups),
        startTime=now - 3600,
        endTime=now + 60,
        queryString=query,
        **more,
    )
    return str(found["queryId"])


def _results(here: Running, query_id: str) -> Any:
    def ended() -> Any:
        found = here.client("logs").get_query_results(queryId=query_id)
        return found if found["status"] in ENDED else None

    return wait_for(ended)


def _asked(here: Running, query: str, *groups: str) -> tuple[list[dict[str, str]], float, Any]:
    found = _results(here, _start(here, query, *groups))
    assert found["status"] == "Complete", found
    rows = [{cell["field"]: cell["value"] for cell in row} for row in found["results"]]
    return rows, found["statistics"]["recordsMatched"], found


def test_a_trails_group_is_queried(here: Running) -> None:
    rows, matched, found = _asked(
        here,
        "filter eventName = 'CreateUser' | sort requestParameters.userName desc "
        "| fields @timestamp, requestParameters.userName as who, @message, @logStream, readOnly "
        "| limit 2",
        "trailed",
    )

    assert [row["who"] for row in rows] == ["user-4", "user-3"]
    assert matched == 5
    assert found["statistics"]["recordsScanned"] >= 5
    assert found["statistics"]["bytesScanned"] > 1000
    assert json.loads(rows[0]["@message"])["eventName"] == "CreateUser"
    assert rows[0]["@logStream"] == f"{ACCOUNT}_CloudTrail_us-east-1"
    assert rows[0]["readOnly"] == "0"
    record = here.client("logs").get_log_record(logRecordPointer=rows[0]["@ptr"])["logRecord"]
    assert record["requestParameters.userName"] == "user-4"
    assert record["@message"] == rows[0]["@message"]
    assert record["@log"] == f"{ACCOUNT}:trailed"


def test_events_of_put_log_events_are_queried(here: Running) -> None:
    rows, matched, _ = _asked(
        here, "filter ok = 1 and n >= 10 | stats count(*) as c, sum(n) as s, max(n) by ok", "app"
    )

    assert rows == [{"ok": "1", "c": "5", "s": "70", "max(n)": "18"}]
    assert matched == 5


def test_groups_of_both_kinds_are_queried_together(here: Running) -> None:
    rows, _, found = _asked(here, "stats count(*) as c by @log | sort c desc", "app", "trailed")
    shown, _, _ = _asked(
        here, "fields @message, @log | filter n = 3 or eventName = 'CreateUser'", "app", "trailed"
    )

    assert {row["@log"] for row in rows} == {f"{ACCOUNT}:app", f"{ACCOUNT}:trailed"}
    assert found["statistics"]["logGroupsScanned"] == 2
    assert sorted("userName" in row["@message"] for row in shown) == [False] + [True] * 5


def test_a_malformed_query_is_told_with_its_place(here: Running) -> None:
    with pytest.raises(ClientError) as told:
        _start(here, "fields @timestamp, custom_field | count()", "app")

    error = told.value.response
    assert error["Error"]["Code"] == "MalformedQueryException"
    assert error["Error"]["Message"].startswith("mismatched input 'count' expecting {K_PARSE,")
    assert error["queryCompileError"]["location"] == {"startCharOffset": 34, "endCharOffset": 39}


def test_other_mistakes_have_the_services_names(here: Running) -> None:
    logs, now = here.client("logs"), int(time.time())
    query = {"queryString": "fields a", "startTime": now - 5, "endTime": now}
    query_id = _start(here, "fields @message", "app")
    _results(here, query_id)

    for call, code in (
        (lambda: logs.start_query(logGroupName="app", **(query | {"endTime": now - 9})), "InvalidParameterException"),
        (lambda: logs.start_query(logGroupName="none", **query), "ResourceNotFoundException"),
        (lambda: logs.start_query(**query), "InvalidParameterException"),
        (lambda: logs.start_query(logGroupName="app", queryLanguage="SQL", **query), "InvalidParameterException"),
        (lambda: logs.stop_query(queryId=query_id), "InvalidParameterException"),
        (lambda: logs.get_query_results(queryId="no"), "ResourceNotFoundException"),
        (lambda: logs.get_log_record(logRecordPointer="no"), "InvalidParameterException"),
    ):  # fmt: skip
        with pytest.raises(ClientError) as told:
            call()
        assert told.value.response["Error"]["Code"] == code


def test_sources_name_groups_themselves(here: Running) -> None:
    now = int(time.time())

    query_id = here.client("logs").start_query(
        startTime=now - 3600, endTime=now + 60,
        queryString="SOURCE logGroups(namePrefix: ['ap', 'none']) | stats count(*) as c",
    )["queryId"]  # fmt: skip

    assert _results(here, query_id)["results"] == [[{"field": "c", "value": "20"}]]


def test_queries_are_described(here: Running) -> None:
    query_id = _start(here, "fields @message | limit 1", "app")
    _results(here, query_id)

    logs = here.client("logs")
    (newest, *_) = logs.describe_queries(logGroupName="app", status="Complete")["queries"]
    first = logs.describe_queries(maxResults=1)
    second = logs.describe_queries(maxResults=1, nextToken=first["nextToken"])

    assert newest["queryId"] == query_id
    assert newest["queryString"].startswith('SOURCE "app" START=')
    assert newest["queryString"].endswith("999 | fields @message | limit 1")
    assert second["queries"][0]["queryId"] != first["queries"][0]["queryId"]


def test_pages_go_on_where_the_last_ended(here: Running) -> None:
    query_id = _start(here, "fields n | sort n", "app")
    _results(here, query_id)
    logs = here.client("logs")

    first = logs.get_query_results(queryId=query_id, maxItems=15)
    second = logs.get_query_results(queryId=query_id, maxItems=15, nextToken=first["nextToken"])

    numbers = [row[0]["value"] for row in first["results"] + second["results"]]
    assert numbers == [str(n) for n in range(20)]
    assert "nextToken" not in second


def test_fields_of_a_group_are_told(here: Running) -> None:
    logs = here.client("logs")

    own = logs.get_log_group_fields(logGroupName="app")["logGroupFields"]
    trailed = logs.get_log_group_fields(logGroupName="trailed")["logGroupFields"]

    assert {"name": "n", "percent": 100} in own
    assert {"name": "@message", "percent": 100} in own
    assert {"name": "eventName", "percent": 100} in trailed


def test_saved_queries_are_kept_changed_and_removed(here: Running) -> None:
    logs = here.client("logs")
    parameters = [{"name": "who", "defaultValue": "root"}]
    saved = {"name": "by/whom", "queryString": "filter userIdentity.type = '{{who}}'"}

    made = logs.put_query_definition(**saved, logGroupNames=["app"], parameters=parameters)
    logs.put_query_definition(
        **saved | {"name": "by/who"}, queryDefinitionId=made["queryDefinitionId"]
    )
    (told,) = logs.describe_query_definitions(queryDefinitionNamePrefix="by/")["queryDefinitions"]
    assert told["name"] == "by/who"
    assert told["queryString"] == saved["queryString"]

    assert logs.delete_query_definition(queryDefinitionId=told["queryDefinitionId"])["success"]
    assert not logs.describe_query_definitions()["queryDefinitions"]
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        logs.delete_query_definition(queryDefinitionId=told["queryDefinitionId"])


def test_the_cli_runs_a_query(here: Running) -> None:
    now = int(time.time())
    started = here.run(
        "aws", "logs", "start-query", "--log-group-name", "trailed", "--start-time",
        str(now - 3600), "--end-time", str(now + 60), "--query-string",
        "filter eventSource = 'iam.amazonaws.com' | stats count(*) as n by eventName",
    )  # fmt: skip
    query_id = json.loads(started.stdout)["queryId"]

    def rows() -> Any:
        done = here.run("aws", "logs", "get-query-results", "--query-id", query_id)
        found = json.loads(done.stdout)
        return found["results"] if found["status"] == "Complete" else None

    told = {row[0]["value"]: row[1]["value"] for row in wait_for(rows)}
    assert told["CreateUser"] == "5"


def test_accounts_see_their_own_queries_alone(here: Running) -> None:
    query_id = _start(here, "fields @message", "app")
    here.run("opentrail", "keys", "create", "--user", "eve", "--account", "999988887777")
    key = next(
        one
        for one in read_file(here.data / "identities.toml").entries
        if one.account == "999988887777"
    )
    other = here.client(
        "logs", aws_access_key_id=key.access_key_id, aws_secret_access_key=key.secret_access_key
    )

    def answer() -> str:
        with pytest.raises(ClientError) as caught:
            other.get_query_results(queryId=query_id)
        return str(caught.value.response["Error"]["Code"])

    # A new key is known after a moment.
    wait_for(lambda: answer() != "UnrecognizedClientException")
    assert answer() == "ResourceNotFoundException"
    assert not other.describe_queries()["queries"]


def test_queries_that_a_crash_ended_are_told_as_failed(tmp_path: Path) -> None:
    server = make(tmp_path / "data")
    server.start()
    try:
        logs = server.client("logs")
        logs.create_log_group(logGroupName="app")
        done = _start(server, "stats count(*)", "app")
        assert _results(server, done)["status"] == "Complete"
        late = _start(server, "stats count(*)", "app")
        server.kill()
        server.start()

        assert _results(server, done)["status"] == "Complete"
        assert _results(server, late)["status"] in ("Complete", "Failed")
    finally:
        server.stop()
