"""The pack of rules on principals: each finds what its title says, and nothing on a usual day."""

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from opentrail.adapters.findings import MemoryFindings
from opentrail.adapters.rule_files import RuleDirectory
from opentrail.cli.sigma.adding import files_of_pack
from opentrail.clock import iso_seconds
from opentrail.ports.sigma.findings import FindingQuery
from opentrail.sigma.detection import Detection
from opentrail.sigma.rule import Definition
from opentrail.sigma.ruleset import RuleSet

DAY = 86_400
START = int(datetime(2026, 9, 7, tzinfo=UTC).timestamp())  # a Monday
ALICE = {
    "type": "IAMUser",
    "arn": "arn:aws:iam::1:user/alice",
    "userName": "alice",
    "accessKeyId": "AKIA1",
}
DEPLOY = {
    "type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/deploy/run",
    "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::1:role/deploy"}},
}  # fmt: skip


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    directory = RuleDirectory(tmp_path_factory.mktemp("rules"))
    for name, content in files_of_pack("principals").items():
        directory.put(name, content)
    found = directory.read().rules
    assert found.problems == ()
    return found


class Days:
    """Records of an account, and what the rules find in them."""

    def __init__(self, rules: RuleSet, store: MemoryFindings) -> None:
        self.store = store
        self.detection = Detection(rules, store)
        self.number = 0

    def call(self, time: int, name: str, **values: Any) -> None:
        self.number += 1
        record = {
            "eventTime": iso_seconds(datetime.fromtimestamp(START + time, UTC)),
            "eventName": name, "eventSource": "ec2.amazonaws.com", "readOnly": False,
            "eventCategory": "Management", "awsRegion": "eu-west-1", "recipientAccountId": "1",
            "sourceIPAddress": f"203.0.113.{self.number % 200}", "userIdentity": ALICE,
            "userAgent": f"aws-cli/2.{self.number} Python/3.11", "eventID": f"e{self.number}",
            **values,
        }  # fmt: skip
        self.detection.look(record, json.dumps(record).encode(), now=START + 1000 * DAY)

    def work(self, days: range, hours: range = range(8, 18), **values: Any) -> None:
        """Alice and a role at work on the days of the week, the role at night, too."""
        for day in days:
            for hour in range(24):
                values_of_role = {"userIdentity": DEPLOY, "eventSource": "s3.amazonaws.com"}
                self.call(day * DAY + hour * 3600, "PutObject", **values_of_role)
                if hour in hours and day % 7 < 5:
                    self.call(day * DAY + hour * 3600 + 60, "RunInstances", **values)
                    self.call(
                        day * DAY + hour * 3600 + 90, "CreateUser", eventSource="iam.amazonaws.com"
                    )

    def found(self) -> list[str]:
        self.store.commit(self.detection.take_changes())
        page = self.store.page(FindingQuery(limit=1000))
        return [one.rule_title for one in sorted(page, key=lambda one: one.last_time)]


@pytest.fixture(scope="module")
def past(rules: RuleSet) -> MemoryFindings:
    """Ten weeks of usual work, of which nothing is found."""
    days = Days(rules, MemoryFindings())
    days.work(range(70))
    assert days.found() == []
    return days.store


@pytest.fixture
def days(rules: RuleSet, past: MemoryFindings) -> Days:
    """The day after."""
    days = Days(rules, copy.deepcopy(past))
    days.number = 1_000_000
    return days


NOON = 70 * DAY + 12 * 3600


@pytest.mark.parametrize(
    ("values", "title"),
    [
        ({"name": "StopInstances"}, "by an API that it never called"),
        ({"name": "AttachRolePolicy", "eventSource": "iam.amazonaws.com"}, "changes rights, keys, secrets"),
        ({"name": "RunInstances", "awsRegion": "ap-east-1"}, "in a region for the first time"),
        ({"name": "RunInstances", "sourceIPAddress": "198.51.100.9"}, "from a network"),
        ({"name": "RunInstances", "userAgent": "curl/8.1"}, "a program that it never used"),
        ({"name": "StopLogging", "eventSource": "cloudtrail.amazonaws.com"}, "audit trail is weakened"),
        ({"name": "X", "readOnly": True, "userIdentity": {"type": "Root"}}, "root user acts"),
        (
            {"name": "X", "eventCategory": "Insight", "insightDetails": {"state": "Start"}},
            "unusually many or few",
        ),
    ],
)  # fmt: skip
def test_one_call_is_found(days: Days, values: dict[str, Any], title: str) -> None:
    days.call(NOON, **values)

    assert any(title in one for one in days.found())


def test_a_person_at_night_is_found_and_a_role_is_not(days: Days) -> None:
    days.call(NOON + 15 * 3600, "RunInstances")

    assert days.found() == ["A person works at an hour at which they never did"]


def test_who_worked_at_few_hours_only_is_still_learned(rules: RuleSet) -> None:
    days = Days(rules, MemoryFindings())
    days.work(range(70), hours=range(9, 10))
    days.call(NOON, "RunInstances")

    assert days.found() == []


def test_a_key_that_slept_is_found(days: Days) -> None:
    days.call(NOON, "RunInstances", userIdentity=ALICE | {"accessKeyId": "AKIA2"})

    assert "A long-lived access key is used that was not for 60 days" in days.found()


@pytest.mark.parametrize(
    ("calls", "title"),
    [
        ([("Describe%d", {"errorCode": "AccessDenied", "readOnly": True})] * 10, "is denied ten"),
        (
            [
                ("GetSecretValue", {
                    "eventSource": "secretsmanager.amazonaws.com", "readOnly": True,
                    "requestParameters": {"secretId": f"secret-{number}"},
                })
                for number in range(20)
            ],
            "reads twenty different secrets",
        ),
        ([("ConsoleLogin", {"errorMessage": "Failed authentication"})] * 10, "Ten sign-ins"),
    ],
)  # fmt: skip
def test_many_calls_are_found_and_fewer_are_not(
    days: Days, calls: list[tuple[str, dict[str, Any]]], title: str
) -> None:
    for number, (name, values) in enumerate(calls[:-1]):
        days.call(NOON + number, name % number if "%" in name else name, **values)
    assert not any(title in one for one in days.found())

    name, values = calls[-1]
    days.call(NOON + 30, name % 99 if "%" in name else name, **values)
    assert sum(title in one for one in days.found()) == 1


def test_every_rule_says_what_it_is(rules: RuleSet) -> None:
    def told(one: Definition) -> tuple[bool, bool]:
        return bool(one.about.title), bool(one.about.name)

    assert {told(one) for one in rules.definitions()} == {(True, True)}


def test_a_pack_lies_in_a_directory_of_its_own() -> None:
    assert all(Path(name).parent.name == "principals" for name in files_of_pack("principals"))
