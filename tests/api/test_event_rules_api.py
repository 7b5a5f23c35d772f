"""EventBridge's API, asked by boto3."""

import json
from pathlib import Path
from typing import Any

import pytest
from api_world import ACCOUNT, OTHER
from botocore.exceptions import ClientError
from events_api_world import EventsWorld

from eventbridge_vectors import cases, ids
from opentrail.access.policy import parse_policy

PATTERN = '{"source":["my.app"]}'
CALL = "arn:aws:scheduler:::aws-sdk:iam:deleteUser"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:q"


@pytest.fixture
def made(tmp_path: Path) -> EventsWorld:
    return EventsWorld(tmp_path)


@pytest.fixture
def events(made: EventsWorld) -> Any:
    return made.client()


def refused(call: Any, *args: Any, **values: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(*args, **values)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def without_metadata(answer: Any) -> Any:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def test_a_rule_is_put_described_listed_and_deleted(events: Any) -> None:
    arn = events.put_rule(
        Name="r", EventPattern=PATTERN, Description="d", RoleArn="arn:aws:iam::1:role/r",
        Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": ""}],
    )["RuleArn"]  # fmt: skip

    assert arn == f"arn:aws:events:us-east-1:{ACCOUNT}:rule/r"
    shown = {
        "Name": "r",
        "Arn": arn,
        "EventPattern": PATTERN,
        "State": "ENABLED",
        "Description": "d",
        "RoleArn": "arn:aws:iam::1:role/r",
        "EventBusName": "default",
    }
    assert without_metadata(events.describe_rule(Name="r")) == {**shown, "CreatedBy": ACCOUNT}
    assert events.list_rules()["Rules"] == [shown]
    assert events.list_rules(NamePrefix="x")["Rules"] == []
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [
        {"Key": "a", "Value": ""},
        {"Key": "b", "Value": "2"},
    ]

    events.delete_rule(Name="r")

    assert refused(events.describe_rule, Name="r") == (
        "ResourceNotFoundException",
        "Rule r does not exist on EventBus default.",
    )
    assert events.list_rules()["Rules"] == []
    events.delete_rule(Name="r")


def test_putting_a_rule_again_replaces_all_but_tags_and_targets(events: Any) -> None:
    events.put_rule(
        Name="r", EventPattern=PATTERN, Description="d", Tags=[{"Key": "a", "Value": "1"}]
    )
    events.put_targets(Rule="r", Targets=[{"Id": "t", "Arn": QUEUE}])
    events.disable_rule(Name="r")

    arn = events.put_rule(
        Name="r", ScheduleExpression="rate(5 minutes)", Tags=[{"Key": "b", "Value": "1"}]
    )["RuleArn"]

    shown = without_metadata(events.describe_rule(Name="r"))
    assert shown == {
        "Name": "r", "Arn": arn, "ScheduleExpression": "rate(5 minutes)", "State": "ENABLED",
        "EventBusName": "default", "CreatedBy": ACCOUNT,
    }  # fmt: skip
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": "1"}]
    assert events.list_targets_by_rule(Rule="r")["Targets"] == [{"Id": "t", "Arn": QUEUE}]


def test_rules_are_enabled_and_disabled(events: Any) -> None:
    events.put_rule(
        Name="r", EventPattern=PATTERN, State="ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
    )
    assert (
        events.describe_rule(Name="r")["State"] == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
    )
    events.disable_rule(Name="r")
    assert events.describe_rule(Name="r")["State"] == "DISABLED"
    events.enable_rule(Name="r")
    assert events.describe_rule(Name="r")["State"] == "ENABLED"
    assert refused(events.enable_rule, Name="x")[0] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("values", "code", "message"),
    [
        ({}, "ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified."),
        ({"ScheduleExpression": "rate(1 minutes)"}, "ValidationException", "Parameter ScheduleExpression is not valid."),
        ({"EventPattern": '{"a":[]}'}, "InvalidEventPatternException", 'Event pattern is not valid. Reason: Empty arrays are not allowed\n at [Source: (String)"{"a":[]}"; line: 1, column: 8]'),
        ({"EventPattern": PATTERN, "EventBusName": "none"}, "ResourceNotFoundException", "Event bus none does not exist."),
        ({"EventPattern": PATTERN, "EventBusName": f"arn:aws:events:us-east-1:{OTHER}:event-bus/default"}, "ResourceNotFoundException", "Event bus default does not exist."),
        ({"EventPattern": PATTERN, "Tags": [{"Key": "aws:x", "Value": "1"}]}, "ValidationException", "Tag keys must not start with aws:."),
    ],
)  # fmt: skip
def test_rules_that_are_refused(events: Any, values: Any, code: str, message: str) -> None:
    assert refused(events.put_rule, Name="r", **values) == (code, message)


def test_schedules_are_for_the_default_bus(events: Any) -> None:
    events.create_event_bus(Name="b")
    code, message = refused(
        events.put_rule, Name="r", ScheduleExpression="rate(1 minute)", EventBusName="b"
    )
    assert (code, message) == (
        "ValidationException",
        "ScheduleExpression is supported only on the default event bus.",
    )


def test_quotas(tmp_path: Path) -> None:
    events = EventsWorld(tmp_path, rules_per_event_bus=1, targets_per_rule=2).client()
    events.put_rule(Name="r", EventPattern=PATTERN)
    events.put_rule(Name="r", EventPattern=PATTERN)

    said = ("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
    assert refused(events.put_rule, Name="s", EventPattern=PATTERN) == said
    targets = [{"Id": str(number), "Arn": QUEUE} for number in range(3)]
    assert refused(events.put_targets, Rule="r", Targets=targets) == said


def test_targets_are_shown_as_they_were_put(events: Any) -> None:
    targets = [
        {"Id": "a", "Arn": "https://hooks.example/x", "InputPath": "$.detail", "RetryPolicy": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}},
        {"Id": "b", "Arn": QUEUE, "Input": '{"x":1}', "DeadLetterConfig": {"Arn": QUEUE}, "SqsParameters": {"MessageGroupId": "g"}},
        {"Id": "c", "Arn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f", "RoleArn": "arn:aws:iam::1:role/r",
         "InputTransformer": {"InputPathsMap": {"n": "$.detail.n"}, "InputTemplate": '{"n": <n>, "e": <aws.events.event.json>}'}},
        {"Id": "d", "Arn": "mailto:a@b.example", "HttpParameters": {"HeaderParameters": {"h": "v"}}},
    ]  # fmt: skip
    events.put_rule(Name="r", EventPattern=PATTERN)

    answer = events.put_targets(Rule="r", Targets=targets)

    assert (answer["FailedEntryCount"], answer["FailedEntries"]) == (0, [])
    assert events.list_targets_by_rule(Rule="r")["Targets"] == targets
    assert events.list_rule_names_by_target(TargetArn=QUEUE)["RuleNames"] == ["r"]
    assert events.list_rule_names_by_target(TargetArn="x")["RuleNames"] == []
    assert refused(events.delete_rule, Name="r") == (
        "ValidationException",
        "Rule can't be deleted since it has targets.",
    )

    gone = events.remove_targets(Rule="r", Ids=["a", "b", "c", "d", "e"])

    assert gone["FailedEntryCount"] == 1
    assert gone["FailedEntries"][0]["TargetId"] == "e"
    assert gone["FailedEntries"][0]["ErrorCode"] == "ResourceNotFoundException"
    assert events.list_targets_by_rule(Rule="r")["Targets"] == []
    events.delete_rule(Name="r")


REFUSED_INPUTS = [case for case in cases("input_transformers") if case["kind"] == "PutTargets"]


@pytest.mark.parametrize("case", REFUSED_INPUTS, ids=ids(REFUSED_INPUTS))
def test_inputs_are_refused_in_the_words_of_aws(events: Any, case: Any) -> None:
    events.put_rule(Name="r", EventPattern=PATTERN)
    target = {
        "Id": "<target-id>".strip("<>"),
        "Arn": QUEUE,
        "InputTransformer": case["InputTransformer"],
    }
    if "InputPath" in case:
        target["InputPath"] = case["InputPath"]

    code, message = refused(events.put_targets, Rule="r", Targets=[target])

    assert code == case["expected"]["error_code"]
    assert message == case["expected"]["message"].replace("<target-id>", "target-id")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"Arn": "queue"}, "Parameter queue is not valid. Reason: Provided Arn is not in correct format."),
        ({"Arn": "ftp://x"}, "Parameter ftp://x is not valid. Reason: Provided Arn is not in correct format."),
        ({"Arn": "mailto:a@b,c@d"}, "Parameter mailto:a@b,c@d is not valid. Reason: Provided Arn is not in correct format."),
        ({"Arn": "https://"}, "the URL names no host that can be called"),
        ({"Input": "{"}, "JSON syntax error in input for target t."),
        ({"InputPath": "detail"}, "Invalid InputPath for target t."),
        ({"InputTransformer": {"InputPathsMap": {"x": "a"}, "InputTemplate": "x"}}, "Invalid InputPath for target t."),
        ({"DeadLetterConfig": {"Arn": "q"}}, "Parameter q is not valid. Reason: Provided Arn is not in correct format."),
    ],
)  # fmt: skip
def test_targets_that_are_refused(events: Any, values: Any, message: str) -> None:
    events.put_rule(Name="r", EventPattern=PATTERN)

    said = refused(events.put_targets, Rule="r", Targets=[{"Id": "t", "Arn": QUEUE} | values])

    assert said == ("ValidationException", message)
    assert events.list_targets_by_rule(Rule="r")["Targets"] == []


def test_targets_that_nothing_is_delivered_to_fail_one_by_one(events: Any) -> None:
    events.put_rule(Name="r", EventPattern=PATTERN)
    stream = {"Id": "s", "Arn": "arn:aws:kinesis:us-east-1:1:stream/s"}

    answer = events.put_targets(Rule="r", Targets=[stream, {"Id": "q", "Arn": QUEUE}])

    assert answer["FailedEntryCount"] == 1
    assert answer["FailedEntries"][0]["TargetId"] == "s"
    assert "does not deliver to kinesis" in answer["FailedEntries"][0]["ErrorMessage"]
    assert [one["Id"] for one in events.list_targets_by_rule(Rule="r")["Targets"]] == ["q"]
    assert events.put_targets(Rule="r", Targets=[stream])["FailedEntryCount"] == 1


@pytest.mark.parametrize(("target", "why"), [
    ({"Arn": f"arn:aws:sns:us-east-1:{OTHER}:t"}, f"is not of account {ACCOUNT}"),
    ({"Arn": f"arn:aws:lambda:us-east-1:{OTHER}:function:f"}, f"is not of account {ACCOUNT}"),
    ({"Arn": CALL}, "needs a RoleArn"),
    ({"Arn": CALL, "RoleArn": f"arn:aws:iam::{OTHER}:role/r"}, f"is not of account {ACCOUNT}"),
])  # fmt: skip
def test_what_could_never_be_delivered_is_told_at_once(
    events: Any, target: dict[str, str], why: str
) -> None:
    events.put_rule(Name="r", EventPattern=PATTERN)

    answer = events.put_targets(Rule="r", Targets=[{"Id": "1", **target}])

    assert why in answer["FailedEntries"][0]["ErrorMessage"]
    assert events.list_targets_by_rule(Rule="r")["Targets"] == []


def test_targets_need_a_rule(events: Any) -> None:
    for call, values in [
        (events.put_targets, {"Targets": [{"Id": "t", "Arn": QUEUE}]}),
        (events.remove_targets, {"Ids": ["t"]}),
        (events.list_targets_by_rule, {}),
    ]:
        assert refused(call, Rule="r", **values) == (
            "ResourceNotFoundException",
            "Rule r does not exist on EventBus default.",
        )


def test_lists_have_pages(events: Any) -> None:
    for number in range(5):
        events.put_rule(Name=f"r{number}", EventPattern=PATTERN)
        events.put_targets(Rule=f"r{number}", Targets=[{"Id": "t", "Arn": QUEUE}])

    def all_of(call: Any, member: str, **values: Any) -> list[list[Any]]:
        pages, token = [], {}
        while True:
            answer = call(Limit=2, **values, **token)
            pages.append(answer[member])
            if "NextToken" not in answer:
                return pages
            token = {"NextToken": answer["NextToken"]}

    assert [len(page) for page in all_of(events.list_rules, "Rules")] == [2, 2, 1]
    names = all_of(events.list_rule_names_by_target, "RuleNames", TargetArn=QUEUE)
    assert names == [["r0", "r1"], ["r2", "r3"], ["r4"]]
    assert refused(events.list_rules, NextToken="%%%")[0] == "ValidationException"


def test_buses(events: Any) -> None:
    arn = events.create_event_bus(
        Name="orders", Description="d", Tags=[{"Key": "a", "Value": "1"}]
    )["EventBusArn"]

    assert arn == f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/orders"
    assert [bus["Name"] for bus in events.list_event_buses()["EventBuses"]] == ["default", "orders"]
    assert (
        events.describe_event_bus()["Arn"]
        == f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"
    )
    shown = events.describe_event_bus(Name=arn)
    assert (shown["Name"], shown["Description"]) == ("orders", "d")
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": "1"}]
    events.update_event_bus(Name="orders", Description="e")
    assert events.describe_event_bus(Name="orders")["Description"] == "e"
    assert refused(events.create_event_bus, Name="orders") == (
        "ResourceAlreadyExistsException",
        "Event bus orders already exists.",
    )
    assert refused(events.create_event_bus, Name="default")[0] == "ResourceAlreadyExistsException"
    assert refused(events.create_event_bus, Name="a/b")[0] == "ValidationException"
    assert refused(events.delete_event_bus, Name="default") == (
        "ValidationException",
        "Cannot delete event bus default.",
    )

    rule = events.put_rule(Name="r", EventPattern=PATTERN, EventBusName=arn)["RuleArn"]

    assert rule == f"arn:aws:events:us-east-1:{ACCOUNT}:rule/orders/r"
    assert events.list_rules()["Rules"] == []
    assert [one["EventBusName"] for one in events.list_rules(EventBusName="orders")["Rules"]] == [
        "orders"
    ]
    assert refused(events.delete_event_bus, Name="orders")[0] == "ValidationException"
    events.delete_rule(Name="r", EventBusName="orders")
    events.delete_event_bus(Name="orders")
    events.delete_event_bus(Name="orders")
    assert refused(events.describe_event_bus, Name="orders") == (
        "ResourceNotFoundException",
        "Event bus orders does not exist.",
    )


def test_tags(events: Any) -> None:
    events.create_event_bus(Name="b")
    bus = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/b"
    rule = events.put_rule(Name="r", EventPattern=PATTERN, EventBusName="b")["RuleArn"]

    for arn in (bus, rule):
        events.tag_resource(
            ResourceARN=arn, Tags=[{"Key": "b", "Value": "1"}, {"Key": "a", "Value": "1"}]
        )
        events.tag_resource(ResourceARN=arn, Tags=[{"Key": "a", "Value": "2"}])
        events.untag_resource(ResourceARN=arn, TagKeys=["b", "c"])
        assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [
            {"Key": "a", "Value": "2"}
        ]

    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    assert refused(events.tag_resource, ResourceARN=rule, Tags=many)[0] == "ValidationException"
    twice = [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]
    assert refused(events.tag_resource, ResourceARN=rule, Tags=twice)[0] == "ValidationException"
    assert refused(events.list_tags_for_resource, ResourceARN="x")[0] == "ValidationException"
    other = bus.replace(ACCOUNT, OTHER)
    assert (
        refused(events.list_tags_for_resource, ResourceARN=other)[0] == "ResourceNotFoundException"
    )
    assert (
        refused(events.tag_resource, ResourceARN=rule + "x", Tags=[])[0]
        == "ResourceNotFoundException"
    )


def test_nobody_sees_the_rules_of_another_account_or_region(made: EventsWorld, events: Any) -> None:
    events.put_rule(Name="r", EventPattern=PATTERN)

    for client in (made.client(OTHER), made.client(region="eu-west-1")):
        assert client.list_rules()["Rules"] == []
        assert refused(client.describe_rule, Name="r")[0] == "ResourceNotFoundException"
        client.delete_rule(Name="r")
    assert events.describe_rule(Name="r")["Name"] == "r"


def entry(**values: Any) -> Any:
    return {"Source": "my.app", "DetailType": "Done", "Detail": '{"n": 1.50}'} | values


def test_what_is_put_comes_to_the_targets_of_rules(made: EventsWorld, events: Any) -> None:
    events.put_rule(Name="r", EventPattern=PATTERN)
    events.put_rule(Name="off", EventPattern=PATTERN, State="DISABLED")
    for rule in ("r", "off"):
        events.put_targets(Rule=rule, Targets=[{"Id": "t", "Arn": QUEUE}])

    answer = events.put_events(Entries=[entry(Resources=["arn:x"]), entry(Source="other"), entry()])

    assert answer["FailedEntryCount"] == 0
    told = [one.delivery for one in made.deliveries()]
    assert [json.loads(one.payload)["id"] for one in told] == [
        answer["Entries"][0]["EventId"],
        answer["Entries"][2]["EventId"],
    ]
    payload = json.loads(told[0].payload)
    assert payload == {
        "version": "0", "id": answer["Entries"][0]["EventId"], "detail-type": "Done", "source": "my.app",
        "account": ACCOUNT, "time": payload["time"], "region": "us-east-1", "resources": ["arn:x"], "detail": {"n": 1.5},
    }  # fmt: skip
    assert b'"detail":{"n": 1.50}' in told[0].payload
    assert (told[0].target, told[0].cause) == (QUEUE, f"arn:aws:events:us-east-1:{ACCOUNT}:rule/r")
    assert told[0].access_key_id == f"AKIA{ACCOUNT}"


def test_entries_fail_one_by_one(made: EventsWorld, events: Any) -> None:
    events.put_rule(Name="r", EventPattern=PATTERN)
    events.put_targets(Rule="r", Targets=[{"Id": "t", "Arn": QUEUE}])

    answer = events.put_events(
        Entries=[
            {"DetailType": "x", "Detail": "{}"},
            {"Source": "x", "Detail": "{}"},
            {"Source": "x", "DetailType": "x"},
            entry(Detail="[]"),
            entry(Detail="{"),
            entry(Source="aws.iam"),
            entry(EventBusName="none"),
            entry(EventBusName=f"arn:aws:events:us-east-1:{OTHER}:event-bus/default"),
            entry(),
        ]
    )

    assert answer["FailedEntryCount"] == 8
    assert [(one.get("ErrorCode"), one.get("ErrorMessage")) for one in answer["Entries"]] == [
        ("InvalidArgument", "Parameter Source is not valid. Reason: Source is a required argument."),
        ("InvalidArgument", "Parameter DetailType is not valid. Reason: DetailType is a required argument."),
        ("InvalidArgument", "Parameter Detail is not valid. Reason: Detail is a required argument."),
        ("MalformedDetail", "Detail is malformed."),
        ("MalformedDetail", "Detail is malformed."),
        ("NotAuthorizedForSourceException", "Not authorized for the source."),
        ("ResourceNotFoundException", "Event bus none does not exist."),
        ("AccessDeniedException", "Not authorized to put events on event bus default."),
        (None, None),
    ]  # fmt: skip
    assert len(made.deliveries()) == 1


def test_a_megabyte_of_events_is_taken_and_no_more(events: Any) -> None:
    detail = json.dumps({"x": '"' * 500_000})
    size = len(entry()["Source"]) + len("Done") + len(detail)

    assert events.put_events(Entries=[entry(Detail=detail)])["FailedEntryCount"] == 0
    more = [entry(Detail=detail), entry(Detail='{"x":"%s"}' % ("y" * (1024 * 1024 - size)))]
    assert refused(events.put_events, Entries=more) == (
        "ValidationException",
        "Total size of the entries in the request is over the limit.",
    )


def test_events_that_make_too_much_at_once_are_refused(made: EventsWorld, events: Any) -> None:
    for number in range(20):
        events.put_rule(Name=f"all{number}", EventPattern='{"source":[{"prefix":""}]}')
        targets = [{"Id": str(one), "Arn": f"{QUEUE}{one}"} for one in range(5)]
        events.put_targets(Rule=f"all{number}", Targets=targets)
    detail = json.dumps({"text": "x" * 900_000})

    code, message = refused(events.put_events, Entries=[entry(Detail=detail)])

    assert code == "ValidationException"
    assert "more than 67108864 bytes" in message
    assert made.deliveries() == []


def test_a_policy_lets_another_account_put_events(made: EventsWorld, events: Any) -> None:
    events.create_event_bus(Name="b")
    bus = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/b"
    events.put_rule(Name="r", EventPattern=PATTERN, EventBusName="b")
    events.put_targets(Rule="r", EventBusName="b", Targets=[{"Id": "t", "Arn": QUEUE}])
    events.put_permission(
        EventBusName="b", Action="events:PutEvents", Principal=OTHER, StatementId="s"
    )
    policy = json.loads(events.describe_event_bus(Name="b")["Policy"])
    assert policy["Statement"][0]["Principal"] == {"AWS": f"arn:aws:iam::{OTHER}:root"}

    answer = made.client(OTHER).put_events(Entries=[entry(EventBusName=bus)])

    assert answer["FailedEntryCount"] == 0
    (told,) = made.deliveries()
    assert json.loads(told.delivery.payload)["account"] == OTHER
    assert told.delivery.account_id == ACCOUNT

    events.remove_permission(EventBusName="b", StatementId="s")
    assert made.client(OTHER).put_events(Entries=[entry(EventBusName=bus)])["FailedEntryCount"] == 1
    assert (
        refused(events.remove_permission, EventBusName="b", StatementId="s")[0]
        == "ResourceNotFoundException"
    )
    events.put_permission(EventBusName="b", Policy=json.dumps(policy))
    events.remove_permission(EventBusName="b", RemoveAllPermissions=True)
    assert "Policy" not in events.describe_event_bus(Name="b")
    assert refused(events.put_permission, EventBusName="b", Policy="{}")[0] == "ValidationException"
    assert (
        refused(
            events.put_permission,
            EventBusName="b",
            Action="events:PutRule",
            Principal="*",
            StatementId="s",
        )[0]
        == "ValidationException"
    )


RECORDED = cases("localstack_aws_validated")


@pytest.mark.parametrize("case", RECORDED, ids=ids(RECORDED))
def test_a_pattern_is_tested_as_aws_tested_it(tmp_path_factory: Any, case: Any) -> None:
    events = EventsWorld(tmp_path_factory.mktemp("keys")).client()
    expected = case["expected"]
    if "match" in expected:
        answer = events.test_event_pattern(EventPattern=case["pattern"], Event=case["event"])
        assert answer["Result"] is expected["match"]
        return

    # Where the event has nothing to do with it, any will do.
    event = (
        case.get("event")
        or '{"id":"1","account":"1","source":"s","time":"t","region":"r","detail-type":"d"}'
    )
    code, message = refused(events.test_event_pattern, EventPattern=case["pattern"], Event=event)

    assert code == expected["error_code"]
    assert message.split("\n")[0] == expected["error_message_first_line"]


def test_rights_are_those_of_the_rule_and_the_bus(made: EventsWorld) -> None:
    made.world.by_policies = True
    made.world.serve()
    events = made.client()
    arn = next(iter(made.world.identities.all_credentials())).principal.arn
    made.world.identities.attached[arn] = [
        parse_policy(json.dumps({"Statement": [
            {"Effect": "Allow", "Action": "events:*", "Resource": f"arn:aws:events:us-east-1:{ACCOUNT}:rule/mine-*"},
            {"Effect": "Allow", "Action": "events:PutEvents", "Resource": f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"},
        ]}))
    ]  # fmt: skip

    events.put_rule(Name="mine-1", EventPattern=PATTERN)
    events.put_targets(Rule="mine-1", Targets=[{"Id": "t", "Arn": QUEUE}])
    events.tag_resource(ResourceARN=f"arn:aws:events:us-east-1:{ACCOUNT}:rule/mine-1", Tags=[])
    events.put_events(Entries=[entry()])

    for call, values in [
        (events.put_rule, {"Name": "yours", "EventPattern": PATTERN}),
        (events.put_rule, {"Name": "mine-1", "EventPattern": PATTERN, "EventBusName": "b"}),
        (events.put_events, {"Entries": [entry(), entry(EventBusName="b")]}),
        (events.create_event_bus, {"Name": "b"}),
        (events.list_rules, {}),
        (events.list_tags_for_resource, {"ResourceARN": "x"}),
    ]:
        assert refused(call, **values)[0] == "AccessDeniedException"


def test_what_is_not_answered_says_so(events: Any) -> None:
    assert refused(events.list_archives) == (
        "UnsupportedOperationException",
        "ListArchives is not implemented by OpenTrail yet.",
    )
