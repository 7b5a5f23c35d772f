"""Records as events of EventBridge, and which rules take them."""

import json
from typing import Any
from uuid import UUID

import msgspec
import pytest

from opentrail.predicate.reading import decoded
from opentrail.rules.book import RuleBook
from opentrail.rules.envelope import Event, of_record, of_schedule
from opentrail.rules.rule import Rule, RuleHistory, RuleState, RuleTurn

RECORD = {
    "eventVersion": "1.11",
    "eventID": "7d3ee6a1-5b3c-4b07-9d4c-8a1f5e0c8d11",
    "eventTime": "2026-07-01T09:00:00Z",
    "eventType": "AwsApiCall",
    "eventSource": "iam.amazonaws.com",
    "eventName": "CreateUser",
    "awsRegion": "us-east-1",
    "recipientAccountId": "123456789012",
    "eventCategory": "Management",
    "managementEvent": True,
    "readOnly": False,
}


def event_of(**values: Any) -> Event:
    raw = json.dumps(RECORD | values, indent=1).encode()
    record = decoded(raw)
    assert record is not None
    return of_record(record, raw)


def test_the_record_is_the_detail_as_it_is() -> None:
    event = event_of()

    assert json.loads(event.text) == {
        "version": "0",
        "id": event.id,
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.iam",
        "account": "123456789012",
        "time": "2026-07-01T09:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": RECORD,
    }
    assert json.dumps(RECORD, indent=1) in event.text
    assert UUID(event.id).version == 5
    assert event_of(eventName="Other").id == event.id
    assert event_of(eventID="x").id != event.id


@pytest.mark.parametrize(
    ("values", "detail_type", "source"),
    [
        ({"eventType": "AwsServiceEvent", "eventSource": "kms.amazonaws.com"}, "AWS Service Event via CloudTrail", "aws.kms"),
        ({"eventType": "AwsConsoleSignIn", "eventSource": "signin.amazonaws.com"}, "AWS Console Sign In via CloudTrail", "aws.signin"),
        ({"eventType": "AwsConsoleAction"}, "AWS Console Action via CloudTrail", "aws.iam"),
        ({"eventType": "AwsCloudTrailInsight", "eventSource": None}, "AWS Insight via CloudTrail", "aws.cloudtrail"),
        ({"eventType": "AwsVpceEvent"}, "AWS Network Activity Event via CloudTrail", "aws.iam"),
        ({"eventType": None, "eventSource": "mine.example"}, "AWS API Call via CloudTrail", "mine.example"),
    ],
)  # fmt: skip
def test_detail_types(values: Any, detail_type: str, source: str) -> None:
    event = event_of(**values)

    assert (event.values["detail-type"], event.values["source"]) == (detail_type, source)


@pytest.mark.parametrize(
    ("values", "reads"),
    [
        ({}, False),
        ({"readOnly": True}, True),
        ({"readOnly": True, "eventCategory": "Data", "managementEvent": False}, False),
        ({"readOnly": True, "managementEvent": False}, False),
        ({"readOnly": None, "eventName": "ListUsers"}, True),
        ({"readOnly": None, "eventName": "DeleteUser"}, False),
        ({"readOnly": False, "eventName": "GetSessionToken"}, False),
        ({"readOnly": True, "eventCategory": "Insight"}, False),
    ],
)
def test_read_only_management_events_are_told_apart(values: Any, reads: bool) -> None:
    assert event_of(**values).reads_only is reads


def rule(name: str, pattern: Any, **values: Any) -> Rule:
    return Rule(
        name=name,
        account_id="123456789012",
        region="us-east-1",
        pattern=json.dumps(pattern),
        **values,
    )


def book(*rules: Rule) -> RuleBook:
    made = RuleBook()
    made.read((one.key, 1, msgspec.json.encode(RuleHistory((RuleTurn(0, one),)))) for one in rules)
    return made


BUS = ("123456789012", "us-east-1", "default")


def takers(some: RuleBook, event: Event) -> list[str]:
    found = some.now().takers(BUS, event, may_have_dots=False)
    return sorted(one.rule.name for one in found)


def test_reads_come_to_rules_that_are_enabled_with_all_management_events() -> None:
    pattern = {"source": ["aws.iam"]}
    some = book(
        rule("plain", pattern),
        rule("all", pattern, state=RuleState.WITH_READS),
        rule("off", pattern, state=RuleState.DISABLED),
    )

    assert takers(some, event_of()) == ["all", "plain"]
    assert takers(some, event_of(readOnly=True)) == ["all"]
    assert takers(some, event_of(readOnly=True, eventCategory="Data")) == ["all", "plain"]


def test_sign_ins_come_to_rules_in_both_spellings_once() -> None:
    some = book(
        rule("one", {"detail-type": ["AWS Console Sign In via CloudTrail"]}),
        rule("other", {"detail-type": ["AWS Console Signin via CloudTrail"]}),
        rule("both", {"detail-type": [{"prefix": "AWS Console"}]}),
    )

    assert takers(some, event_of(eventType="AwsConsoleSignIn")) == ["both", "one", "other"]
    assert takers(some, event_of()) == []


def test_a_rule_is_as_it_was_at_each_place() -> None:
    first, second = rule("r", {"source": ["a"]}), rule("r", {"source": ["b"]})
    history = RuleHistory((RuleTurn(10, first),)).turned(20, second).turned(30, None)
    some = RuleBook()
    some.read([(first.key, 1, msgspec.json.encode(history))])

    assert [bool(some.at(place).by_key) for place in (9, 10, 20, 29, 30)] == [
        False,
        True,
        True,
        True,
        False,
    ]
    assert some.at(15).by_key[first.key].rule == first
    assert some.at(20).by_key[first.key].rule == second
    assert [some.next_turn(place) for place in (0, 10, 25, 30)] == [10, 20, 30, None]
    assert some.ended(29) == []
    assert some.ended(30) == [(first.key, 1)]
    assert history.since(25).turns == (RuleTurn(20, second), RuleTurn(30, None))


def test_a_scheduled_event() -> None:
    event = of_schedule(
        "arn:aws:events:us-east-1:1:rule/r", "1", "us-east-1", "2026-07-01T09:00:00Z"
    )

    assert json.loads(event.text)["detail-type"] == "Scheduled Event"
    assert json.loads(event.text)["resources"] == ["arn:aws:events:us-east-1:1:rule/r"]
