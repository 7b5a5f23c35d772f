"""(k) How long from an event to the webhook of its rule, at 200 events a second.

Records are sent to a running server as programs send them; an event's time begins when its batch
is handed over and ends when the webhook has it. With it, the same while a target of the same
events hangs, and how many deliveries a second one worker makes when many wait.
"""

import json
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from running import ACCOUNT, Running, running
from webhooks import Receiver, raw_server, receiver

from opentrail.adapters.identities import read_file
from opentrail.adapters.ids import SystemIds
from opentrail.adapters.outbox import FILE_NAME, SqliteOutbox
from opentrail.clock import SystemClock, iso_seconds
from opentrail.ports.targets.outbox import Delivery
from opentrail.recorder.sinks import ServerSink

RATE, SECONDS = 200, 20
EVERY_SECONDS = 0.1
BACKLOG = 2000
AIM_SECONDS = 3.0


def run() -> dict[str, object]:
    """Seconds from event to webhook; deliveries a second."""
    with tempfile.TemporaryDirectory() as work, server(Path(work)) as here, receiver() as hook:
        rule(here, "all", hook.url())
        alone = latencies(here, hook)
        with raw_server(hang) as hanging:
            for number in range(8):
                rule(here, f"hanging-{number}", f"http://127.0.0.1:{hanging}/{number}")
            beside = latencies(here, hook)
            for number in range(8):
                here.client("events").remove_targets(Rule=f"hanging-{number}", Ids=["1"])
        made = backlog(here, hook)
    return {
        "events": f"{RATE} a second for {SECONDS} s",
        "event to webhook s": alone,
        "the same beside 8 targets that hang s": beside,
        f"p99 at most {AIM_SECONDS:g} s": max(alone["p99"], beside["p99"]) <= AIM_SECONDS,
        f"deliveries/s, {BACKLOG} waiting": made,
    }


@contextmanager
def server(work: Path) -> Iterator[Running]:
    """A server without services behind it."""
    nothing = "http://127.0.0.1:9"
    with running(
        work / "data",
        *("--upstream", f"s3={nothing}", "--upstream", f"*={nothing}"),
        OPENTRAIL_TARGET_NETWORKS="127.0.0.0/8",
        OPENTRAIL_LOG_LEVEL="warning",
    ) as here:
        yield here


def hang(connection: socket.socket) -> None:
    """Take the request and say nothing."""
    connection.recv(65536)
    time.sleep(3600)


def rule(here: Running, name: str, target: str) -> None:
    """A rule that takes every event of the benchmark."""
    events = here.client("events")
    events.put_rule(Name=name, EventPattern='{"source": ["aws.iam"]}')
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": target}])


def latencies(here: Running, hook: Receiver) -> dict[str, float]:
    """Percentiles of the seconds from each event to the webhook."""
    key = read_file(here.data / "identities.toml").entries[0]
    sink = ServerSink(
        f"http://127.0.0.1:{here.port}",
        access_key_id=key.access_key_id,
        secret_access_key=key.secret_access_key,
    )
    ids, sent, arrived = SystemIds(), {}, {}
    stop = threading.Event()

    def watch() -> None:
        seen = len(hook.got)
        while not stop.is_set():
            with hook.came:
                hook.came.wait(0.1)
                new, now = hook.got[seen:], time.monotonic()
            for one in new:
                arrived.setdefault(json.loads(one.body)["detail"]["eventID"], now)
            seen += len(new)

    watching = threading.Thread(target=watch)
    watching.start()
    began = time.monotonic()
    for number in range(int(SECONDS / EVERY_SECONDS)):
        time.sleep(max(0.0, began + number * EVERY_SECONDS - time.monotonic()))
        for _ in range(int(RATE * EVERY_SECONDS)):
            event_id = ids.event_id()
            sent[event_id] = time.monotonic()
            sink(record(event_id))
    deadline = time.monotonic() + 60
    while arrived.keys() < sent.keys() and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    watching.join()
    sink.close()
    taken = np.array([arrived.get(one, deadline) - at for one, at in sent.items()])
    p50, p99 = np.percentile(taken, [50, 99])
    return {
        "p50": round(float(p50), 2), "p99": round(float(p99), 2), "max": round(float(taken.max()), 2),
        "lost": len(sent.keys() - arrived.keys()),
    }  # fmt: skip


def backlog(here: Running, hook: Receiver) -> int:
    """Deliveries a second of many that wait for one target."""
    outbox = SqliteOutbox(here.data / FILE_NAME)
    before = len(hook.got)
    now = int(time.time())
    began = time.monotonic()
    outbox.put(
        [
            Delivery(
                id=f"backlog-{number}", account_id=ACCOUNT, region="us-east-1",
                target=hook.url("/backlog"), cause="benchmark", payload=b"x" * 2000, created=now,
            )
            for number in range(BACKLOG)
        ]
    )  # fmt: skip
    hook.wait(before + BACKLOG, 120)
    return round(BACKLOG / (time.monotonic() - began))


def record(event_id: str) -> bytes:
    """A call of IAM."""
    values: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "userName": "alice", "accountId": ACCOUNT},
        "eventTime": iso_seconds(SystemClock().now()),
        "eventSource": "iam.amazonaws.com",
        "eventName": "CreateUser",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.1",
        "userAgent": "benchmark",
        "requestParameters": {"userName": event_id},
        "responseElements": None,
        "eventID": event_id,
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    }
    return json.dumps(values).encode()
