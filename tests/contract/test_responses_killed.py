"""SIGKILL while deliveries are made: each reaches its target at least once, under one key."""

import json
import random
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from running import ACCOUNT, Running, make, wait_for
from test_responses import deliveries, records
from webhooks import receiver

pytestmark = [pytest.mark.contract, pytest.mark.timeout(300)]

KILLS = 4


def kill_now_and_then(server: Running, publish: threading.Event) -> None:
    for number in range(KILLS):
        time.sleep(0.5 + random.Random(number).random())
        server.kill()
        server.start()
    publish.set()


def test_every_event_reaches_the_webhook_under_one_key(tmp_path: Path) -> None:
    server = make(tmp_path / "data", OPENTRAIL_TARGET_NETWORKS="127.0.0.0/8")
    server.start()
    with receiver() as hook:
        hook.answers = [200, 500, 200, 200, 503] * 40
        events, sns = server.client("events"), server.client("sns")
        # Of OpenTrail's own API: moto takes long to come back after each kill.
        pattern = {"detail": {"eventName": ["CreateTopic"]}}
        events.put_rule(Name="killed", EventPattern=json.dumps(pattern))
        events.put_targets(Rule="killed", Targets=[{"Id": "1", "Arn": hook.url()}])
        ended = threading.Event()
        killer = threading.Thread(target=kill_now_and_then, args=(server, ended))
        killer.start()
        called = 0
        while not ended.is_set():
            try:
                sns.create_topic(Name=f"k-{called}")
            except Exception:  # noqa: BLE001 - a server that is being killed
                time.sleep(0.02)
            called += 1
        killer.join()

        expected = {one["eventID"] for one in records(server, "CreateTopic")}
        wait_for(
            lambda: expected <= {one.json["detail"]["eventID"] for one in hook.got}, seconds=60
        )
        wait_for(lambda: not deliveries(server, "rule/killed", "waiting"))
    server.stop()

    keys: dict[str, set[str]] = {}
    for one in hook.got:
        keys.setdefault(one.json["detail"]["eventID"], set()).add(one.headers["webhook-id"])
    assert set(keys) == expected
    assert len(expected) > 20
    assert all(len(one) == 1 for one in keys.values())


def test_every_published_message_reaches_the_subscriber(tmp_path: Path) -> None:
    server = make(tmp_path / "data", OPENTRAIL_TARGET_NETWORKS="127.0.0.0/8")
    server.start()
    with receiver() as hook:
        hook.answers = [200] * 5 + [500, 200, 200] * 60
        sns = server.client("sns")
        topic = sns.create_topic(Name="killed")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=hook.url())
        (question,) = hook.wait(1)
        sns.confirm_subscription(TopicArn=topic, Token=question.json["Token"])
        ended = threading.Event()
        killer = threading.Thread(target=kill_now_and_then, args=(server, ended))
        killer.start()
        acknowledged = set()
        while not ended.is_set() or len(acknowledged) < 100:
            try:
                answer = sns.publish(TopicArn=topic, Message=f"m{len(acknowledged)}")
                acknowledged.add(answer["MessageId"])
            except Exception:  # noqa: BLE001 - a server that is being killed
                time.sleep(0.02)
        killer.join()

        def arrived() -> set[str]:
            return {one.json["MessageId"] for one in hook.got}

        wait_for(lambda: acknowledged <= arrived(), seconds=60)
        # No message has two keys, and what came twice came after a failure or a kill.
        keys = Counter((one.json["MessageId"], one.headers["webhook-id"]) for one in hook.got)
        assert len({message for message, _ in keys}) == len(keys)
    server.stop()


def test_every_response_is_recorded_once(tmp_path: Path) -> None:
    server = make(tmp_path / "data")
    server.start()
    server.run("opentrail", "functions", "add", "f", "--command", "cat")
    sns = server.client("sns")
    events = server.client("events")
    sns.create_topic(Name="t")
    events.put_rule(Name="all", EventPattern='{"detail": {"eventName": ["CreateTopic"]}}')
    target = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
    events.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": target}])
    for number in range(40):
        sns.create_topic(Name=f"t{number}")
        if number % 10 == 5:
            server.kill()
            server.start()
            sns = server.client("sns")
    wait_for(lambda: len(deliveries(server, "rule/all", "delivered")) >= 40, seconds=60)
    wait_for(lambda: len(records(server, "FunctionRun")) >= 40)
    time.sleep(1)
    server.stop()

    runs = records(server, "FunctionRun")
    by_delivery = Counter(one["additionalEventData"]["deliveryId"] for one in runs)
    ids = {one.delivery.id for one in deliveries(server, "rule/all", "delivered")}
    assert set(by_delivery) == ids
    # A record that a kill leaves half done is appended again, with the same eventID.
    assert len({one["eventID"] for one in runs}) == len(ids)
