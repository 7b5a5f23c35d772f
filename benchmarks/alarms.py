"""(k) What alarms cost and how soon they tell.

The cost is that of the worker over SQLite files, for n and 4 n alarms on a metric each: all due at
once, as at the end of each minute; as new datapoints of 14 of them ask for them; and when nothing
is new. The delays are those of a running server: 200 records a second come in, some of them meet a
metric filter whose alarms post to a webhook, and an event rule that posts to it, too.
"""

import json
import logging
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import structlog
from running import ACCOUNT, Running, running, wait_for

from opentrail.adapters.alarm_history import SqliteAlarmHistory
from opentrail.adapters.metrics import SqliteMetricStore
from opentrail.adapters.outbox import SqliteOutbox
from opentrail.adapters.state import SqliteStateStore
from opentrail.alarms.alarm import ALARM_KIND, Comparison, MetricAlarm, MetricStat, Treatment
from opentrail.clock import ManualClock
from opentrail.ports.metrics import Datapoint
from opentrail.ports.state import Change
from opentrail.recorder.sinks import ServerSink
from opentrail.workers.alarms import AlarmsWorker

ALARMS = 1000
FILTERS = 14
RATE = 200
SECONDS = 60
EVERY = 0.5
"""Seconds between two events that set an alarm off."""
REGION, GROUP = "us-east-1", "trail"


def run() -> dict[str, object]:
    """Milliseconds of a step, and of delays."""
    few, many = cost(ALARMS), cost(4 * ALARMS)
    return {
        f"{ALARMS} alarms, ms": few,
        f"{4 * ALARMS} alarms, ms": many,
        "growth, all due": round(many["all due"] / few["all due"], 2),
        f"event to action at {RATE} events/s, ms": delays(),
    }


def cost(count: int) -> dict[str, float]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        clock = ManualClock(datetime(2026, 7, 1, 9, 0, 7, tzinfo=UTC))
        metrics = SqliteMetricStore(place / "metrics.sqlite")
        state = SqliteStateStore(place / "state.sqlite")
        state.apply([_put(_alarm(one)) for one in range(count)])
        for minute in range(30):
            metrics.put([_point(one, clock, minutes=minute) for one in range(count)])
        worker = AlarmsWorker(
            state=state, metrics=metrics, history=SqliteAlarmHistory(place / "history.sqlite"),
            outbox=SqliteOutbox(place / "outbox.sqlite"), publish=lambda *_: None, clock=clock,
        )  # fmt: skip
        first = _milliseconds(worker.step)
        due, asked, idle = [], [], []
        for _ in range(5):
            clock.advance(timedelta(seconds=60))
            metrics.put([_point(one, clock) for one in range(count)])
            due.append(_milliseconds(worker.step))
            clock.advance(timedelta(seconds=2))
            metrics.put([_point(one, clock) for one in range(FILTERS)])
            asked.append(_milliseconds(worker.step))
            idle.append(_milliseconds(worker.step))
        return {
            "read and all into OK": first,
            "all due": min(due),
            f"{FILTERS} asked for": min(asked),
            "nothing new": min(idle),
        }


def _alarm(number: int) -> MetricAlarm:
    metric = MetricStat(
        namespace="Trail", name="Calls", dimensions=(("Event", f"e{number}"),), period=300, stat="Sum"
    )  # fmt: skip
    return MetricAlarm(
        account_id=ACCOUNT, region=REGION, name=f"alarm-{number}", metric=metric, periods=1, threshold=1e9,
        comparison=Comparison.GREATER_OR_EQUAL, treatment=Treatment.NOT_BREACHING, updated=1.0, created=1.0,
        alarm_actions=(f"arn:aws:sns:{REGION}:{ACCOUNT}:told",),
    )  # fmt: skip


def _put(alarm: MetricAlarm) -> Change:
    return Change(ALARM_KIND, alarm.key, msgspec.json.encode(alarm))


def _point(number: int, clock: ManualClock, *, minutes: int = 0) -> Datapoint:
    return Datapoint(
        account_id=ACCOUNT, region=REGION, namespace="Trail", name="Calls", dimensions=(("Event", f"e{number}"),),
        time=int(clock.now().timestamp()) - 60 * minutes, unit="Count", count=1.0, sum=1.0, minimum=1.0, maximum=1.0,
        values=((1.0, 1.0),),
    )  # fmt: skip


def _milliseconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return round(1e3 * (time.perf_counter() - began), 1)


def delays() -> dict[str, object]:
    wanted = int(SECONDS / EVERY)
    with (
        tempfile.TemporaryDirectory() as directory,
        _hook() as (url, came),
        running(Path(directory) / "data", OPENTRAIL_TARGET_NETWORKS="127.0.0.0/8") as server,
    ):
        _set_up(server, url, wanted)
        sink = ServerSink(
            f"http://127.0.0.1:{server.port}",
            access_key_id=server.exports["AWS_ACCESS_KEY_ID"],
            secret_access_key=server.exports["AWS_SECRET_ACCESS_KEY"],
        )
        sent = _send(sink, wanted)
        wait_for(lambda: len(came) >= 2 * wanted, seconds=60)
        sink.close()
    told = {}
    for path in ("/alarm", "/rule"):
        found = [1e3 * (came[path, user] - sent[user]) for user in sent]
        told[path[1:]] = {
            "actions": len(found),
            "p50": round(statistics.median(found)),
            "p99": round(statistics.quantiles(found, n=100)[98]),
            "most": round(max(found)),
        }
    return told


@contextmanager
def _hook() -> Iterator[tuple[str, dict[tuple[str, str], float]]]:
    """A webhook's URL, and when each (path, user) came first."""
    came: dict[tuple[str, str], float] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            now = time.time()
            got = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            rule = "detail" in got
            user = got["detail"]["requestParameters"]["userName"] if rule else got["AlarmName"]
            came.setdefault((self.path, user), now)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", came
    finally:
        server.shutdown()
        server.server_close()


def _set_up(server: Running, url: str, users: int) -> None:
    """A trail into a log group, a filter with an alarm for each user, and a rule."""
    server.client("s3").create_bucket(Bucket="audit")
    logs, trails = server.client("logs"), server.client("cloudtrail")
    logs.create_log_group(logGroupName=GROUP)
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{GROUP}"
    trails.create_trail(
        Name="main", S3BucketName="audit", CloudWatchLogsLogGroupArn=f"{group}:*",
        CloudWatchLogsRoleArn=_role(server, group),
    )  # fmt: skip
    trails.start_logging(Name="main")
    logs.put_metric_filter(
        logGroupName=GROUP, filterName="users", filterPattern='{ $.eventName = "CreateUser" }',
        metricTransformations=[{
            "metricName": "Made", "metricNamespace": "Users", "metricValue": "1",
            "dimensions": {"User": "$.requestParameters.userName"},
        }],
    )  # fmt: skip
    events = server.client("events")
    events.put_rule(Name="users", EventPattern='{"detail":{"eventName":["CreateUser"]}}')
    events.put_targets(Rule="users", Targets=[{"Id": "hook", "Arn": f"{url}/rule"}])
    client = server.client("cloudwatch")
    for number in range(users):
        client.put_metric_alarm(
            AlarmName=f"user-{number}", Namespace="Users", MetricName="Made", Statistic="Sum", Period=300,
            Dimensions=[{"Name": "User", "Value": f"user-{number}"}], EvaluationPeriods=1, Threshold=1,
            ComparisonOperator="GreaterThanOrEqualToThreshold", TreatMissingData="notBreaching",
            AlarmActions=[f"{url}/alarm"],
        )  # fmt: skip
    pages = client.get_paginator("describe_alarms")
    wait_for(
        lambda: sum(len(page["MetricAlarms"]) for page in pages.paginate(StateValue="OK")) == users
    )


def _role(server: Running, group: str) -> str:
    iam = server.client("iam")
    trust = {
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    }
    made = iam.create_role(RoleName="to-logs", AssumeRolePolicyDocument=json.dumps(trust))
    may = {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"{group}:log-stream:*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [may]})
    iam.put_role_policy(RoleName="to-logs", PolicyName="to-logs", PolicyDocument=policy)
    return str(made["Role"]["Arn"])


def _send(sink: ServerSink, wanted: int) -> dict[str, float]:
    """Records at the rate; when each user's was given."""
    sent: dict[str, float] = {}
    began = time.monotonic()
    for number in range(SECONDS * RATE):
        due = began + number / RATE
        if (pause := due - time.monotonic()) > 0:
            time.sleep(pause)
        place = number // int(EVERY * RATE)
        makes = number % int(EVERY * RATE) == 0 and place < wanted
        user = f"user-{place}" if makes else ""
        sink(_record(number, user))
        if user:
            sent[user] = time.time()
    return sent


def _record(number: int, user: str) -> bytes:
    """A CreateUser of a user, or another call."""
    return json.dumps({
        "eventVersion": "1.11", "eventID": f"{number:032x}", "eventTime": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "userIdentity": {"type": "IAMUser", "userName": "alice", "accountId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:user/alice"},
        "eventSource": "iam.amazonaws.com" if user else "ec2.amazonaws.com",
        "eventName": "CreateUser" if user else "DescribeInstances", "awsRegion": REGION, "sourceIPAddress": "203.0.113.7",
        "userAgent": "aws-cli/2", "requestParameters": {"userName": user} if user else {"number": number},
        "responseElements": None, "readOnly": not user, "eventType": "AwsApiCall", "managementEvent": True,
        "recipientAccountId": ACCOUNT, "eventCategory": "Management",
    }).encode()  # fmt: skip
