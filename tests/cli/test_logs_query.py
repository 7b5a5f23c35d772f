"""`opentrail logs query` on a data directory, without a server."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from click.testing import Result
from typer.testing import CliRunner

from insights_world import record
from opentrail.adapters.events import SegmentEventStore
from opentrail.adapters.log_events import FILE_NAME, SqliteLogEventStore
from opentrail.adapters.state import SqliteStateStore
from opentrail.cli.main import commands
from opentrail.clock import SystemClock
from opentrail.errors import InvalidInput
from opentrail.logs.group import LOG_GROUP_KIND, LogGroup
from opentrail.ports.log_events import LogEvent
from opentrail.ports.state import Change

ACCOUNT = "123456789012"
ALL = "2026-07-01..2026-07-03"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("OPENTRAIL_DATA", str(tmp_path))
    store = SegmentEventStore(tmp_path / "events", SystemClock())
    store.append(
        [record(n, eventName=f"Name{n % 2}", userAgent="=1+1\x1b[31m") for n in range(10)]
        + [record(99, recipientAccountId="999988887777")]
    )
    store.close()
    yield tmp_path
    assert not list((tmp_path / "queries").glob("*"))


def _run(*words: str) -> Result:
    result = CliRunner().invoke(commands, ["logs", "query", *words])
    if result.exception is not None and not isinstance(result.exception, SystemExit | InvalidInput):
        raise result.exception
    return result


def test_a_table_is_shown(data: Path) -> None:
    result = _run("stats count(*) as n by eventName | sort eventName", "--between", ALL)

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "eventName  n", "Name0      5", "Name1      5", "PutObject  1",
    ]  # fmt: skip
    assert "3 rows; 11 of 11 events matched" in result.stderr


def test_attackers_text_moves_no_cursor(data: Path) -> None:
    result = _run("filter eventName = 'Name1' | fields userAgent | limit 1", "--between", ALL)

    assert "\x1b" not in result.stdout
    assert "=1+1\\x1b[31m" in result.stdout


def test_json_has_a_shape(data: Path) -> None:
    result = _run("fields eventName | sort @timestamp | limit 1", "--between", ALL,
                  "--format", "json", "--account", "999988887777")  # fmt: skip

    found = json.loads(result.stdout)
    assert found["version"] == 1
    assert found["statistics"]["recordsScanned"] == 1
    assert found["results"][0]["eventName"] == "PutObject"
    assert found["results"][0]["@ptr"]


def test_csv_runs_in_no_spreadsheet(data: Path) -> None:
    query = "filter eventName = 'Name1' | fields userAgent, missing | limit 2"
    result = _run(query, "--between", ALL, "--format", "csv")

    rows = list(csv.reader(io.StringIO(result.stdout)))
    assert rows[0] == ["userAgent", "missing"]
    assert rows[1] == ["'=1+1\x1b[31m", ""]


def test_csv_names_columns_as_the_query_does(data: Path) -> None:
    query = "filter eventName = 'Name1' | fields @timestamp, strlen(userAgent) as `=n` | limit 1"
    result = _run(query, "--between", ALL, "--format", "csv")

    assert result.stdout.splitlines()[0] == "@timestamp,'=n"


def test_groups_are_named_or_told_to_be_missing(data: Path) -> None:
    state = SqliteStateStore(data / "state.sqlite")
    group = LogGroup(account_id=ACCOUNT, region="us-east-1", name="app", created=0)
    body = msgspec.json.encode(group)
    state.apply([Change(LOG_GROUP_KIND, group.key.state_key, body, expected=0)])
    events = SqliteLogEventStore(data / FILE_NAME)
    events.create_stream(group.key, "s", 0)
    events.put(group.key, "s", [LogEvent(1_783_000_000_000, '{"a": 5}')], 0)

    found = _run("stats sum(a) as s by @log", "--group", group.key.arn, "--between", ALL)
    missing = _run("limit 1", "--group", "none")

    assert found.stdout.split() == ["@log", "s", f"{ACCOUNT}:app", "5"]
    assert isinstance(missing.exception, InvalidInput)
    assert "there is no log group none" in str(missing.exception)


def test_a_mistake_is_pointed_at(data: Path) -> None:
    result = _run("fields eventName | count()")

    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert lines[0].startswith("opentrail: mismatched input 'count' expecting {K_PARSE")
    assert lines[-2] == "  fields eventName | count()"
    assert lines[-1] == "  " + " " * 19 + "^"


def test_the_last_hour_is_asked_unless_said_otherwise(data: Path) -> None:
    assert _run("stats count(*) as n").stdout.split() == ["n", "0"]
    assert _run("stats count(*) as n", "--since", "2026-07-01").stdout.split() == ["n", "11"]
    assert _run("fields x", "--format", "yaml").exit_code == 2
    assert _run("fields x", "--group", "g", "--account", "1").exit_code == 2
