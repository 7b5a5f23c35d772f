"""Identity policies decide, and no account sees another's."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from api_world import ACCOUNT, OTHER, THIRD, ApiWorld, record
from botocore.exceptions import ClientError
from organizations import organization

from opentrail.access.policy import parse_policy
from opentrail.api.cloudtrail.operations import HANDLERS, NOT_YET
from opentrail.api.services import READING

ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
ARN = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/main"


@pytest.fixture
def world(tmp_path: Path) -> ApiWorld:
    made = ApiWorld(tmp_path, by_policies=True)
    attach(made, {"Effect": "Allow", "Action": "*", "Resource": "*"})
    made.client().create_trail(Name="main", S3BucketName="audit", TagsList=[{"Key": "team"}])
    made.identities.attached.clear()
    return made


def attach(world: ApiWorld, *statements: dict[str, Any], arn: str = ALICE) -> None:
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    world.identities.attached.setdefault(arn, []).append(parse_policy(text))


def allow(action: Any, resource: Any = "*", **condition: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition}


def refusal(call: Callable[..., Any], /, **parameters: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    return str(refused.value.response["Error"]["Message"])


def test_without_a_policy_nothing_is_allowed_and_the_message_is_awss(world: ApiWorld) -> None:
    message = refusal(world.client().stop_logging, Name="main")

    assert message == (
        f"User: {ALICE} is not authorized to perform: cloudtrail:StopLogging on resource: {ARN} "
        "because no identity-based policy allows the cloudtrail:StopLogging action"
    )


def test_an_action_on_a_trail_is_allowed_by_name_and_by_arn(world: ApiWorld) -> None:
    attach(world, allow(["cloudtrail:Get*", "cloudtrail:StartLogging"], ARN))
    client = world.client()

    client.get_trail(Name="main")
    client.get_trail_status(Name=ARN)
    client.get_event_selectors(TrailName="main")
    client.start_logging(Name="main")
    refusal(client.stop_logging, Name="main")
    refusal(client.get_trail, Name="other")
    refusal(client.describe_trails)


def test_a_deny_wins_and_is_told(world: ApiWorld) -> None:
    attach(world, allow("cloudtrail:*"))
    attach(world, {"Effect": "Deny", "Action": "cloudtrail:StopLogging", "Resource": "*"})
    client = world.client()

    client.start_logging(Name="main")

    assert refusal(client.stop_logging, Name="main").endswith(
        "with an explicit deny in an identity-based policy"
    )


def test_a_list_of_resources_needs_all_of_them(world: ApiWorld) -> None:
    attach(world, allow("cloudtrail:ListTags", ARN))

    world.client().list_tags(ResourceIdList=[ARN])
    refusal(world.client().list_tags, ResourceIdList=[ARN, f"{ARN}2"])


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        ({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}, True),
        ({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}, False),
        ({"StringEquals": {"aws:PrincipalArn": ALICE}}, True),
        ({"StringLike": {"aws:username": "al*"}}, True),
        ({"StringEquals": {"aws:PrincipalAccount": OTHER}}, False),
        ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, True),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False),
        ({"Bool": {"aws:SecureTransport": "true"}}, False),
        ({"Bool": {"aws:SecureTransport": "false"}}, True),
        ({"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, False),
        ({"StringLike": {"aws:UserAgent": "*Botocore*"}}, True),
        ({"StringEquals": {"aws:RequestTag/team": "red"}}, True),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}, True),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["other"]}}, False),
        ({"Null": {"aws:MultiFactorAuthPresent": "false"}}, False),
    ],
)
def test_conditions_are_heeded(world: ApiWorld, condition: dict[str, Any], allowed: bool) -> None:
    attach(world, allow("cloudtrail:AddTags", ARN, **condition))
    tags = [{"Key": "team", "Value": "red"}]
    call = world.client().add_tags

    if allowed:
        call(ResourceId=ARN, TagsList=tags)
    else:
        refusal(call, ResourceId=ARN, TagsList=tags)


def test_the_right_is_asked_before_the_input_is_looked_at(world: ApiWorld) -> None:
    client = world.client(parameter_validation=False)

    refusal(client.create_trail, Name=7)
    refusal(client.put_event_selectors)


# Accounts

UUID = "11111111-2222-3333-4444-555555555555"
STORE = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:eventdatastore/{UUID}"
FOREIGN: dict[str, dict[str, Any]] = {
    "Name": {"Name": ARN},
    "TrailName": {"TrailName": ARN},
    "ResourceId": {"ResourceId": ARN, "TagsList": [{"Key": "a"}]},
    "ResourceIdList": {"ResourceIdList": [ARN]},
    "ResourceArn": {"ResourceArn": STORE, "ResourcePolicy": "{}"},
    "InsightSource": {"InsightSource": ARN, "DataType": "InsightsEvents"},
    "MemberAccountId": {"MemberAccountId": ACCOUNT},
    "DelegatedAdminAccountId": {"DelegatedAdminAccountId": ACCOUNT},
    "trailNameList": {"trailNameList": [ARN]},
    "EventDataStore": {"EventDataStore": STORE},
}
MORE: dict[str, dict[str, Any]] = {
    "CreateTrail": {"Name": "main", "S3BucketName": "audit"},
    "PutEventSelectors": {"EventSelectors": [{"ReadWriteType": "All"}]},
    "PutInsightSelectors": {"InsightSelectors": []},
    "PutEventConfiguration": {"AggregationConfigurations": []},
    "ListInsightsMetricData": {"EventSource": "s3.amazonaws.com", "EventName": "PutObject",
                               "InsightType": "ApiCallRateInsight"},
}  # fmt: skip
CANARY = "canary-of-the-first-account"


@pytest.mark.parametrize("operation", sorted((HANDLERS.keys() | NOT_YET) - {"PutAuditEvents"}))
def test_no_call_sees_or_changes_what_is_another_accounts(tmp_path: Path, operation: str) -> None:
    world = ApiWorld(tmp_path)
    owner = world.client()
    owner.create_trail(
        Name="main", S3BucketName="audit", S3KeyPrefix=CANARY, IsMultiRegionTrail=True,
        TagsList=[{"Key": CANARY}],
    )  # fmt: skip
    seen = record(1, datetime.now(UTC), requestParameters={"name": CANARY})
    world.journal.append([json.dumps(seen).encode()])
    world.events.append([json.dumps(seen).encode()])
    before = world.state.snapshot()
    stranger = world.client(account=OTHER, parameter_validation=False)

    for answer in answers(stranger, operation):
        assert CANARY not in str(answer)

    after = world.state.snapshot()
    assert {place: after.get(place) for place in before} == before
    if operation != "CreateTrail":
        assert after == before


# Members that an operation does not have

OPEN = f"{ARN.removesuffix('main')}open"


def sending(world: ApiWorld, **members: Any) -> Any:
    """A client whose requests carry these members too."""
    client = world.client()

    def add(params: dict[str, Any], **_: Any) -> None:
        params["body"] = json.dumps(json.loads(params["body"]) | members).encode()

    client.meta.events.register("before-call", add)
    return client


@pytest.mark.parametrize(
    "members", [{"Name": "open"}, {"TrailName": OPEN}, {"ResourceIdList": [OPEN]}, {"ResourceArn": OPEN}]
)  # fmt: skip
def test_a_member_that_the_operation_does_not_have_gives_no_right(
    world: ApiWorld, members: dict[str, Any]
) -> None:
    attach(world, allow("cloudtrail:*", OPEN))
    client = sending(world, **members)

    if "Name" not in members:
        refusal(client.delete_trail, Name="main")
    if "TrailName" not in members:
        refusal(client.put_event_selectors, TrailName="main", EventSelectors=[{}])


def test_tags_of_an_operation_without_tags_meet_no_condition(world: ApiWorld) -> None:
    condition = {"StringEquals": {"aws:RequestTag/team": "red"}}
    attach(world, allow("cloudtrail:DeleteTrail", ARN, **condition))

    refusal(sending(world, TagsList=[{"Key": "team", "Value": "red"}]).delete_trail, Name="main")


@pytest.mark.parametrize("operation", sorted(HANDLERS))
@pytest.mark.parametrize("account", [OTHER, THIRD])
def test_an_organizations_trail_is_seen_by_members_and_changed_by_none_of_them(
    tmp_path: Path, operation: str, account: str
) -> None:
    world = ApiWorld(tmp_path)
    organization(ACCOUNT, OTHER)(world)
    world.client().create_trail(
        Name="main", S3BucketName="audit", S3KeyPrefix=CANARY, IsMultiRegionTrail=True,
        IsOrganizationTrail=True, TagsList=[{"Key": CANARY}],
    )  # fmt: skip
    before = world.state.snapshot()

    for region in ("us-east-1", "eu-west-1"):
        client = world.client(region, account=account, parameter_validation=False)
        for answer in answers(client, operation, IsOrganizationTrail=True):
            assert account == OTHER or CANARY not in str(answer)
            assert account == THIRD or operation.startswith(READING) or CANARY not in str(answer)

    assert world.state.snapshot() == before


def answers(client: Any, operation: str, **values: Any) -> Iterator[Any]:
    """What the operation answers to every way of naming what is foreign."""
    python = {name: one for one, name in client.meta.method_to_api_mapping.items()}[operation]
    members = client.meta.service_model.operation_model(operation).input_shape.members
    for name in [one for one in FOREIGN if one in members] or [""]:
        parameters = FOREIGN.get(name, {}) | MORE.get(operation, {}) | values
        if operation == "CreateTrail":
            parameters = MORE[operation] | values
        try:
            yield getattr(client, python)(
                **{one: value for one, value in parameters.items() if one in members}
            )
        except ClientError as refused:
            yield refused.response
