"""The commands of docs/how-to/query-logs.md work."""

import re
import shlex
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from insights_world import record
from opentrail.adapters.events import SegmentEventStore
from opentrail.adapters.log_events import FILE_NAME, SqliteLogEventStore
from opentrail.adapters.state import SqliteStateStore
from opentrail.cli.main import commands
from opentrail.clock import SystemClock
from opentrail.logs.group import LOG_GROUP_KIND, LogGroup
from opentrail.logs.query.parser import parse
from opentrail.ports.state import Change

PAGE = (Path(__file__).parents[2] / "docs/how-to/query-logs.md").read_text()
BLOCKS = "".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
COMMANDS = [
    shlex.split(f"opentrail{one}")
    for one in re.split(r"^opentrail", BLOCKS.partition("id=$(")[0], flags=re.MULTILINE)[1:]
]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OPENTRAIL_DATA", str(tmp_path))
    store = SegmentEventStore(tmp_path / "events", SystemClock())
    store.append([record(n) for n in range(3)])
    store.close()
    group = LogGroup(account_id="123456789012", region="us-east-1", name="app", created=0)
    body = msgspec.json.encode(group)
    change = Change(LOG_GROUP_KIND, group.key.state_key, body, expected=0)
    SqliteStateStore(tmp_path / "state.sqlite").apply([change])
    SqliteLogEventStore(tmp_path / FILE_NAME).create_stream(group.key, "s", 0)
    return tmp_path


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[3][:40])
def test_a_command_of_the_page_is_answered(data: Path, words: list[str]) -> None:
    result = CliRunner().invoke(commands, words[1:])

    assert result.exit_code == 0, result.output


def test_the_query_of_the_call_can_be_read() -> None:
    found = re.findall(r"--query-string '([^']+)'", PAGE)

    assert len(found) == 1
    assert parse(found[0]).stages
