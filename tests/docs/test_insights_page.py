"""The examples of docs/reference/logs-insights.md are true, and nothing of the language is left out."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from insights_world import ACCOUNT, InsightsWorld
from opentrail.logs.query.errors import MalformedQuery
from opentrail.logs.query.functions import DEFERRED as DEFERRED_FUNCTIONS
from opentrail.logs.query.functions import FUNCTIONS, key_of
from opentrail.logs.query.parser import DEFERRED, parse
from opentrail.logs.query.plan.fields import Holds
from opentrail.logs.query.plan.planning import plan
from opentrail.logs.query.plan.scope import Moments

PAGE = (Path(__file__).parents[2] / "docs/reference/logs-insights.md").read_text()
MOMENTS = Moments(now=0, start=0, end=1)


def _rows(heading: str) -> list[list[str]]:
    """Cells of the table's rows under a heading."""
    section = PAGE.split(f"\n{heading}\n", 1)[1]
    section = re.split(r"\n##", section, maxsplit=1)[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines]
    return [[one.strip().replace("\\|", "|") for one in row] for row in cells]


def _code(cell: str) -> str:
    found = re.fullmatch(r"`(.*)`", cell)
    assert found is not None, cell
    return found[1]


EXPRESSIONS = [
    row
    for heading in (
        "## Operators", "### Numbers", "### Times", "### Texts",
        "### JSON, addresses, and what is chosen",
    )
    for row in _rows(heading)
]  # fmt: skip


def _record(minute: int, **values: Any) -> bytes:
    usual = {
        "eventVersion": "1.11", "userIdentity": {"type": "Root", "accountId": ACCOUNT},
        "eventTime": f"2026-11-20T09:{minute:02}:00Z", "eventSource": "s3.amazonaws.com",
        "eventName": "PutObject", "awsRegion": "us-east-1", "sourceIPAddress": "203.0.113.7",
        "requestParameters": {"size": 1024}, "readOnly": False, "recipientAccountId": ACCOUNT,
        "eventID": f"0000000{minute}-0000-4000-8000-000000000000", "eventType": "AwsApiCall",
        "eventCategory": "Management",
    }  # fmt: skip
    return json.dumps(usual | values).encode()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InsightsWorld]:
    found = InsightsWorld(tmp_path_factory.mktemp("page"))
    found.store.append(
        [
            _record(30),
            _record(31, requestParameters={"size": 2048}),
            _record(32, requestParameters={"size": 3072}),
            _record(33, eventName="GetObject", requestParameters=None, errorCode="AccessDenied"),
        ]
    )
    yield found
    found.close()


@pytest.mark.parametrize("row", EXPRESSIONS, ids=lambda row: row[0])
def test_an_expression_has_the_value_of_the_page(world: InsightsWorld, row: list[str]) -> None:
    [found] = world.ask(f"fields {_code(row[0])} as x | sort @timestamp | limit 1")

    assert found.get("x", "") == row[1]


@pytest.mark.parametrize("row", _rows("### Over the rows of a group"), ids=lambda row: row[0])
def test_an_aggregate_has_the_value_of_the_page(world: InsightsWorld, row: list[str]) -> None:
    [found] = world.ask(f"stats {_code(row[0])} as x")

    assert found.get("x", "") == row[1]


@pytest.mark.parametrize("row", _rows("## Errors"), ids=lambda row: row[0])
def test_an_error_is_told_as_on_the_page(row: list[str]) -> None:
    with pytest.raises(MalformedQuery) as told:
        plan(parse(_code(row[0])), Holds.EVENTS, MOMENTS)

    assert f"{told.value.start}-{told.value.end}" == row[1]
    assert str(told.value).startswith(row[2])


def test_every_command_of_the_page_is_one() -> None:
    for cell, *_ in _rows("## Commands"):
        query = re.findall(r"`([^`]+)`", cell)[0]
        before = "" if not query.startswith("diff") else "pattern @message | "
        plan(parse(before + query), Holds.EVENTS, MOMENTS)


def test_the_query_of_the_page_is_answered(world: InsightsWorld) -> None:
    [query] = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)

    [found] = world.ask(query)

    assert (found["errorCode"], found["failed"]) == ("AccessDenied", "1")


def test_every_function_is_on_the_page() -> None:
    words = {key_of(word) for word in re.findall(r"[A-Za-z_0-9]+", PAGE)}

    assert (FUNCTIONS.keys() | DEFERRED_FUNCTIONS) - words == set()
    assert DEFERRED - words - {"subquery"} == set()
