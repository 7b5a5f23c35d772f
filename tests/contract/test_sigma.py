"""Sigma rules at a real server: found at once, found once over kills, the same as in the past."""

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from running import Running, running, wait_for

from sigma_samples import rule_text

pytestmark = [pytest.mark.contract, pytest.mark.timeout(300)]

CALLED = rule_text("s: {eventSource: sqs.amazonaws.com, eventName: ListQueues}\ncondition: s",
                   title="Called", name="called", extra="level: high\n")  # fmt: skip
OFTEN = """
title: Often
correlation: {type: event_count, rules: [called], group-by: [userIdentity.arn], timespan: 10m, condition: {gte: 5}}
"""


def findings(server: Running) -> list[dict[str, Any]]:
    done = server.run("opentrail", "findings", "list", "--limit", "10000", "--format", "json")
    return json.loads(done.stdout)["findings"]  # type: ignore[no-any-return]


def test_a_rule_that_is_added_finds_the_next_call(tmp_path: Path) -> None:
    (tmp_path / "called.yml").write_text(CALLED)
    with running(tmp_path / "data") as server:
        server.run("opentrail", "rules", "add", str(tmp_path / "called.yml"))
        time.sleep(1)

        server.client("sqs").list_queues()
        called = time.monotonic()
        wait_for(lambda: bool(findings(server)))
        took = time.monotonic() - called

        (found,) = findings(server)
        shown = server.run("opentrail", "findings", "show", found["id"]).stdout
    assert took < 4  # a second of it starts the command that asks
    assert found["rule_title"] == "Called"
    assert "ListQueues" in shown


def test_kills_lose_and_double_no_finding(tmp_path: Path) -> None:
    for name, text in (
        ("called.yml", CALLED.replace("name: called", "")),
        ("often.yml", CALLED + "---" + OFTEN),
    ):
        (tmp_path / name).write_text(text)
    acknowledged: list[str] = []
    with running(tmp_path / "data") as server:
        server.run("opentrail", "rules", "add", str(tmp_path / "called.yml"))
        for kill in range(4):
            sqs = server.client("sqs")
            until = time.monotonic() + 1.0 + 0.3 * kill
            while time.monotonic() < until:
                mark = f"mark-{len(acknowledged)}"
                with suppress(ClientError, BotoCoreError):
                    sqs.list_queues(QueueNamePrefix=mark)
                    acknowledged.append(mark)
            server.kill()
            server.start()

        records = server.records(name="ListQueues")
        ids = {one["eventID"] for one in records}
        marks = {one["requestParameters"]["queueNamePrefix"] for one in records}
        wait_for(lambda: len(findings(server)) >= len(ids))
        found = findings(server)
        past = server.run("opentrail", "rules", "test", str(tmp_path / "called.yml"), "--limit",
                          "10000", "--format", "json", check=False)  # fmt: skip
        often = server.run("opentrail", "rules", "test", str(tmp_path / "often.yml"), "--format",
                           "json", check=False)  # fmt: skip

    assert set(acknowledged) <= marks
    assert sorted(one["event_ids"][0] for one in found) == sorted(ids)
    assert {one["id"] for one in json.loads(past.stdout)["findings"]} == {
        one["id"] for one in found
    }
    (many,) = json.loads(often.stdout)["findings"]
    assert many["count"] == len(ids)
