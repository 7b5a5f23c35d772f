"""Sigma rules at a real server: found at once, found once over kills, the same as in the past."""

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from running import Running, running, wait_for
from webhooks import receiver

from opentrail.adapters.findings import FILE_NAME, SqliteFindings
from opentrail.ports.sigma.findings import FindingQuery
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


@pytest.mark.alone
def test_a_rule_that_is_added_finds_the_next_call(tmp_path: Path) -> None:
    (tmp_path / "called.yml").write_text(CALLED)
    with running(tmp_path / "data") as server:
        server.run("opentrail", "rules", "add", str(tmp_path / "called.yml"))
        time.sleep(1)

        store = SqliteFindings(server.data / FILE_NAME)
        server.client("sqs").list_queues()
        called = time.monotonic()
        wait_for(lambda: store.page(FindingQuery()))
        took = time.monotonic() - called
        store.close()

        (found,) = findings(server)
        shown = server.run("opentrail", "findings", "show", found["id"]).stdout
    assert took < 3
    assert found["rule_title"] == "Called"
    assert "ListQueues" in shown


@pytest.mark.alone
def test_a_finding_reaches_a_webhook_within_seconds(tmp_path: Path) -> None:
    (tmp_path / "called.yml").write_text(CALLED)
    with (
        receiver() as hook,
        running(tmp_path / "data", OPENTRAIL_TARGET_NETWORKS="127.0.0.0/8") as server,
    ):
        rules = server.data / "rules"
        rules.mkdir()
        (rules / "rules.toml").write_text(f'[[targets]]\ntarget = "{hook.url()}"\n')
        server.run("opentrail", "rules", "add", str(tmp_path / "called.yml"))
        time.sleep(1)
        sqs, took = server.client("sqs"), []
        for number in range(20):
            began = time.monotonic()
            sqs.list_queues(QueueNamePrefix=f"mark-{number}")
            hook.wait(number + 1)
            took.append(time.monotonic() - began)
        found = findings(server)

    told = [one.json for one in hook.got]
    assert max(took) < 3
    assert {one["id"] for one in told} == {one["id"] for one in found}
    assert len({one.headers["webhook-id"] for one in hook.got}) == 20
    assert told[0]["detail"]["rule_title"] == "Called"


def test_every_finding_reaches_its_target_over_kills(tmp_path: Path) -> None:
    (tmp_path / "called.yml").write_text(CALLED)
    with (
        receiver() as hook,
        running(tmp_path / "data", OPENTRAIL_TARGET_NETWORKS="127.0.0.0/8") as server,
    ):
        rules = server.data / "rules"
        rules.mkdir()
        (rules / "rules.toml").write_text(f'[[targets]]\ntarget = "{hook.url()}"\n')
        server.run("opentrail", "rules", "add", str(tmp_path / "called.yml"))
        for kill in range(3):
            sqs = server.client("sqs")
            until = time.monotonic() + 0.8 + 0.3 * kill
            while time.monotonic() < until:
                with suppress(ClientError, BotoCoreError):
                    sqs.list_queues()
            server.kill()
            server.start()
        ids = {one["eventID"] for one in server.records(name="ListQueues")}
        wait_for(lambda: {one.json["detail"]["event_ids"][0] for one in list(hook.got)} >= ids)

    keys: dict[str, set[str]] = {}
    for one in hook.got:
        keys.setdefault(one.json["id"], set()).add(one.headers["webhook-id"])
    assert len(keys) == len(ids)
    assert all(len(some) == 1 for some in keys.values())


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
