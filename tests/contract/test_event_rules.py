"""Event rules with the AWS CLI and boto3, at a server that may be killed at any time."""

import json
import re
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from running import ACCOUNT, BIN, Running, make, running, wait_for

from opentrail.adapters.outbox import FILE_NAME, SqliteOutbox
from opentrail.ports.targets.outbox import Delivery, DeliveryQuery

pytestmark = [pytest.mark.contract, pytest.mark.timeout(300)]

QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:nowhere"
BY_IAM = json.dumps(
    {
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {"eventSource": ["iam.amazonaws.com"], "requestParameters": {"userName": [{"prefix": "u"}]}},
    }
)  # fmt: skip


def told(server: Running) -> list[Delivery]:
    """What is or was on its way, the oldest first."""
    outbox = SqliteOutbox(server.data / FILE_NAME)
    try:
        kept = outbox.list(DeliveryQuery(limit=10_000))
        return [one.delivery for one in reversed(kept)]
    finally:
        outbox.close()


def put(events: Any, name: str, **values: Any) -> str:
    arn = events.put_rule(Name=name, **values)["RuleArn"]
    answer = events.put_targets(Rule=name, Targets=[{"Id": "t", "Arn": QUEUE}])
    assert answer["FailedEntryCount"] == 0
    return str(arn)


def test_a_call_through_the_gateway_comes_to_the_target_of_its_rule(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        events, iam = server.client("events"), server.client("iam")
        iam.create_user(UserName="u-before")
        arn = put(events, "users", EventPattern=BY_IAM)
        put(
            events, "all", EventPattern='{"source":["aws.iam"]}',
            State="ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
        )  # fmt: skip

        iam.create_user(UserName="u-1")
        start = time.monotonic()
        iam.create_user(UserName="other")
        iam.list_users()
        found = wait_for(lambda: (some := told(server)) and len(some) >= 4 and some)

        # Machines of tests are busy; it takes some tenths of a second.
        assert time.monotonic() - start < 20
        names = [
            (one.cause.rpartition("/")[2], json.loads(one.payload)["detail"]["eventName"])
            for one in found
        ]
        assert sorted(names) == [
            ("all", "CreateUser"), ("all", "CreateUser"), ("all", "ListUsers"), ("users", "CreateUser"),
        ]  # fmt: skip
        (mine,) = [one for one in found if one.cause == arn]
        record = server.records(name="CreateUser")
        (same,) = [one for one in record if one["eventID"] == mine.event_ids[0]]
        event = json.loads(mine.payload)
        assert event["detail"] == same
        assert (event["source"], event["account"], event["region"]) == (
            "aws.iam",
            ACCOUNT,
            "us-east-1",
        )
        assert (mine.target, mine.access_key_id) == (QUEUE, server.exports["AWS_ACCESS_KEY_ID"])
        calls = [
            one["eventName"]
            for one in server.records()
            if one["eventSource"] == "events.amazonaws.com"
        ]
        assert calls.count("PutRule") == calls.count("PutTargets") == 2


def test_the_aws_cli_makes_lists_and_removes_rules(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:

        def events(*words: str, **options: Any) -> Any:
            done = server.run("aws", "events", *words, "--output", "json", **options)
            return json.loads(done.stdout) if done.stdout else None

        arn = events("put-rule", "--name", "r", "--event-pattern", BY_IAM)["RuleArn"]
        answer = events("put-targets", "--rule", "r", "--targets", f"Id=q,Arn={QUEUE}")
        assert answer == {"FailedEntryCount": 0, "FailedEntries": []}
        assert events("list-rules")["Rules"][0]["Arn"] == arn
        assert events("list-targets-by-rule", "--rule", "r")["Targets"] == [
            {"Id": "q", "Arn": QUEUE}
        ]
        assert events("list-rule-names-by-target", "--target-arn", QUEUE)["RuleNames"] == ["r"]
        event = {"id": "1", "account": "1", "source": "aws.iam", "time": "2026-07-01T09:00:00Z", "region": "r", "resources": [], "detail-type": "x"}  # fmt: skip
        tested = events(
            "test-event-pattern",
            "--event-pattern",
            '{"source":["aws.iam"]}',
            "--event",
            json.dumps(event),
        )
        assert tested == {"Result": True}
        bad = server.run(
            "aws", "events", "put-rule", "--name", "x", "--event-pattern", '{"a":[]}', check=False
        )
        assert "(InvalidEventPatternException)" in bad.stderr
        assert "Reason: Empty arrays are not allowed" in bad.stderr
        events("create-event-bus", "--name", "orders")
        sent = events(
            "put-events", "--entries",
            json.dumps([{"Source": "my", "DetailType": "d", "Detail": "{}", "EventBusName": "orders"}]),
        )  # fmt: skip
        assert sent["FailedEntryCount"] == 0
        events("delete-event-bus", "--name", "orders")
        events("remove-targets", "--rule", "r", "--ids", "q")
        events("delete-rule", "--name", "r")
        assert events("list-rules")["Rules"] == []


def test_rules_for_everything_end(tmp_path: Path) -> None:
    """Two rules that take each other's answers: calls of the sender, and records of deliveries."""
    with running(tmp_path / "data") as server:
        events, sqs = server.client("events"), server.client("sqs")
        everything = '{"source":[{"prefix":""}]}'
        for name in ("one", "other"):
            sqs.create_queue(QueueName=name)
            events.put_rule(
                Name=name,
                EventPattern=everything,
                State="ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
            )
            target = {"Id": "t", "Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"}
            events.put_targets(Rule=name, Targets=[target])
        server.client("iam").create_user(UserName="alice")

        def states() -> Counter[str]:
            outbox = SqliteOutbox(server.data / FILE_NAME)
            try:
                return Counter(str(one.state) for one in outbox.list(DeliveryQuery(limit=10_000)))
            finally:
                outbox.close()

        def ended() -> Any:
            before, records = states(), len(server.records())
            time.sleep(3)
            after = states()
            is_still = before == after and records == len(server.records())
            return is_still and "delivered" in after and "waiting" not in after and after

        found = wait_for(ended, seconds=150)

    assert found["loop"] > 0
    assert sum(found.values()) < 400, found


PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "event-rules.md"


def test_the_commands_of_the_page_run(tmp_path: Path) -> None:
    commands = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(commands) == 2

    with running(tmp_path / "data") as server:
        environment = server.environment()
        environment["PATH"] = f"{BIN}:{environment['PATH']}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "\n".join(commands)], env=environment,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        server.client("iam").create_user(UserName="alice")
        (found,) = wait_for(lambda: told(server))

    assert done.returncode == 0, done.stdout + done.stderr
    assert '"FailedEntryCount": 0' in done.stdout
    assert '"Result": true' in done.stdout
    assert found.target == "https://chat.example/hooks/audit"
    assert json.loads(found.payload)["text"].endswith(" made the user alice")


def test_nothing_is_lost_or_told_twice_over_kills(tmp_path: Path) -> None:
    server = make(tmp_path / "data")
    server.start()
    try:
        events = server.client("events")
        put(events, "users", EventPattern=BY_IAM)
        put(events, "mine", EventPattern='{"source":["my.app"]}')
        put(events, "ticks", ScheduleExpression="rate(1 minute)")
        recorded, custom = set(), set()
        for round_ in range(4):
            iam, events = server.client("iam"), server.client("events")
            for number in range(15):
                iam.create_user(UserName=f"u-{round_}-{number}")
                entry = {"Source": "my.app", "DetailType": "d", "Detail": "{}"}
                custom.add(events.put_events(Entries=[entry])["Entries"][0]["EventId"])
            server.kill()
            server.start()
        recorded = {one["eventID"] for one in server.records(name="CreateUser")}
        wait_for(lambda: len([one for one in told(server) if one.event_ids]) >= len(recorded))

        found = told(server)

        by_record = [one.event_ids[0] for one in found if one.event_ids]
        assert sorted(by_record) == sorted(recorded)
        assert len(recorded) == 60
        put_ids = [json.loads(one.payload)["id"] for one in found if one.cause.endswith("/mine")]
        assert sorted(put_ids) == sorted(custom)
    finally:
        server.stop()
