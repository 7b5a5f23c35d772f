"""Four weeks of an account's calls, made up by a seed: anomalies with labels, and harmless decoys."""

import gzip
import json
import math
import random
import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from opentrail.clock import iso_seconds

DAYS = 28
JUDGED = 8
"""Anomalies lie in the last days only; those before are to learn from."""


@dataclass(frozen=True)
class Call:
    """One of the account's calls."""

    when: datetime
    source: str
    name: str
    error: str = ""


@dataclass(frozen=True)
class Label:
    """An anomaly: where, from when to when, and the rule that tells of it."""

    name: str
    begin: datetime
    end: datetime
    rule: str
    error: str = ""


class Weeks:
    """All calls before `end`.

    Attributes:
        calls: In no order.
        labels: A spike, a burst on a rare API, a burst of errors, a job that did not run.
    """

    def __init__(self, end: datetime, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self.end = end
        self.calls: list[Call] = []
        self.labels: list[Label] = []
        midnight = end.replace(hour=0, minute=0, second=0, microsecond=0)
        for back in range(DAYS, -1, -1):
            self._ordinary(midnight - timedelta(days=back))
            self._decoys(midnight - timedelta(days=back), DAYS - back)
        self._anomalies(midnight)
        self.calls = [one for one in self.calls if one.when < end]

    def write(self, folder: Path, account: str) -> None:
        """As CloudTrail's log files, one a day."""
        days: dict[str, list[Call]] = defaultdict(list)
        for one in self.calls:
            days[f"{one.when:%Y/%m/%d}"].append(one)
        for day, those in days.items():
            path = folder / "AWSLogs" / account / "CloudTrail" / "us-east-1" / day
            path.mkdir(parents=True)
            time = f"{those[0].when:%Y%m%d}T2355Z"
            name = (
                f"{account}_CloudTrail_us-east-1_{time}_{self._random.getrandbits(64):016x}.json.gz"
            )
            records = [self._record(one, account) for one in those]
            (path / name).write_bytes(gzip.compress(json.dumps({"Records": records}).encode(), 1))

    def _ordinary(self, day: datetime) -> None:
        for minute in range(1440):
            when = day + timedelta(minutes=minute)
            wave = 1 + 0.5 * math.sin(2 * math.pi * (minute - 540) / 1440)
            works = day.weekday() < 5 and 8 * 60 <= minute < 18 * 60
            for source, name, error, rate in (
                ("ec2", "CreateTags", "", 0.08 * wave),
                ("ec2", "RunInstances", "", 0.03 * works),
                ("kms", "Decrypt", "AccessDenied", 0.015),
                ("iam", "CreateUser", "", 0.0004),
            ):
                if self._random.random() < rate:
                    self._call(when, source, name, error)
            if minute % 15 == 0:
                self._burst(when, 1, 3, "ssm", "PutParameter")
            if minute % 360 == 50:
                self._call(when, "sns", "CreateTopic")

    def _decoys(self, day: datetime, number: int) -> None:
        """What is loud and ordinary: nightly and weekly jobs, deployments, growth."""
        jitter = timedelta(minutes=self._random.randrange(20))
        at = day + jitter
        night = self._random.randint(110, 130)
        self._burst(at + timedelta(hours=2), 10, night, "athena", "StartQueryExecution")
        if day.weekday() == 6:
            self._burst(at + timedelta(hours=4), 20, 200, "backup", "StartBackupJob")
        if day.weekday() in {1, 3}:
            calls = self._random.randint(35, 45)
            self._burst(
                at + timedelta(hours=10), 10, calls, "lambda", "UpdateFunctionCode20150331v2"
            )
        self._burst(day, 1440, int(50 * 1.015**number), "dynamodb", "UpdateTable")

    def _anomalies(self, midnight: datetime) -> None:
        def after(days: int, hours: int) -> datetime:
            return midnight - timedelta(days=days) + timedelta(hours=hours)

        for begin, minutes, count, source, name, error in (
            (after(6, 12), 4, 150, "ec2", "CreateTags", ""),
            (after(5, 3), 8, 40, "iam", "CreateUser", ""),
            (after(4, 15), 10, 90, "kms", "Decrypt", "AccessDenied"),
        ):
            self._burst(begin, minutes, count, source, name, error)
            self.labels.append(
                Label(name, begin, begin + timedelta(minutes=minutes), "high", error)
            )
        begin, end = after(3, 10), after(3, 13)
        self.calls = [
            one for one in self.calls
            if one.name != "PutParameter" or not begin <= one.when < end
        ]  # fmt: skip
        self.labels.append(Label("PutParameter", begin, end, "drop"))

    def _burst(
        self, begin: datetime, minutes: int, count: int, source: str, name: str, error: str = ""
    ) -> None:
        for _ in range(count):
            self._call(
                begin + timedelta(seconds=self._random.random() * 60 * minutes), source, name, error
            )

    def _call(self, when: datetime, source: str, name: str, error: str = "") -> None:
        self.calls.append(Call(when, f"{source}.amazonaws.com", name, error))

    def _record(self, call: Call, account: str) -> dict[str, Any]:
        told = {"errorCode": call.error, "errorMessage": "no"} if call.error else {}
        return {
            "eventVersion": "1.11", "eventID": str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            "eventTime": iso_seconds(call.when), "awsRegion": "us-east-1", "eventType": "AwsApiCall",
            "eventCategory": "Management", "managementEvent": True, "readOnly": bool(call.error),
            "eventSource": call.source, "eventName": call.name,
            "sourceIPAddress": "198.51.100.7", "userAgent": "boto3",
            "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::{account}:user/ops",
                             "accountId": account, "principalId": "AIDA", "userName": "ops"},
            "recipientAccountId": account, "requestParameters": None, "responseElements": None,
        } | told  # fmt: skip


def of_label(alerts: list[dict[str, Any]], label: Label) -> Iterator[dict[str, Any]]:
    """The alerts, as `opentrail insights` tells them, that begin in an anomaly or just behind it."""
    for one in alerts:
        seen = datetime.fromisoformat(one["seen"])
        if (
            (one["event_name"], one["error_code"]) == (label.name, label.error)
            and one["rule"] == label.rule
            and label.begin <= seen <= label.end + timedelta(minutes=10)
        ):
            yield one
