"""What the index keeps of a record: who, what, and which resources."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opentrail.history.resource_names import MAX_RESOURCES, MEMBERS, resource_names
from opentrail.history.row import HistoryRow, history_row, username
from opentrail.record import Record, UserIdentity, read_record

ACCOUNT = "123456789012"


def record(**values: Any) -> Record:
    usual = {
        "eventID": "e", "eventTime": "2026-11-24T09:00:00Z", "eventVersion": "1.11",
        "awsRegion": "us-east-1", "eventCategory": "Management", "recipientAccountId": ACCOUNT,
    }  # fmt: skip
    return read_record(json.dumps(usual | values).encode())


# Rows


def test_a_row_keeps_the_eight_attributes_and_the_place() -> None:
    one = record(
        eventName="CreateUser", eventSource="iam.amazonaws.com", readOnly=False,
        userIdentity={"type": "IAMUser", "userName": "alice", "accessKeyId": "AKIA"},
        requestParameters={"userName": "bob"},
    )  # fmt: skip

    assert history_row(one) == HistoryRow(
        event_id="e", event_time=1795510800, account_id=ACCOUNT, region="us-east-1",
        event_name="CreateUser", event_source="iam.amazonaws.com", username="alice",
        access_key_id="AKIA", read_only="false", resources=(("AWS::IAM::User", "bob"),),
    )  # fmt: skip


def test_what_a_record_does_not_say_is_empty() -> None:
    found = history_row(record())

    assert (found.event_name, found.event_source, found.username) == ("", "", "")
    assert (found.access_key_id, found.read_only, found.resources) == ("", "", ())


@pytest.mark.parametrize(
    "time", ["", "t", "2026-11-24", "2026-11-24T09:00:00", "2026-02-30T00:00:00Z"]
)
def test_a_record_without_a_real_time_is_told(time: str) -> None:
    with pytest.raises(ValueError, match=r"time|day|format"):
        history_row(record(eventTime=time))


@pytest.mark.parametrize(("said", "shown"), [(True, "true"), (False, "false"), (None, "")])
def test_read_only_is_a_word(said: bool | None, shown: str) -> None:
    found = history_row(record(readOnly=said))

    assert found.read_only == shown


@pytest.mark.parametrize(
    ("identity", "shown"),
    [
        ({"type": "Root", "user_name": "alias"}, "root"),
        ({"type": "IAMUser", "user_name": "alice"}, "alice"),
        ({"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/r/session"}, "session"),
        ({"type": "AssumedRole"}, ""),
        ({"type": "FederatedUser", "arn": "arn:aws:sts::1:federated-user/bob"}, "bob"),
        ({"type": "AWSService", "invoked_by": "ec2.amazonaws.com"}, "ec2.amazonaws.com"),
        ({"type": "AWSService"}, ""),
        ({"type": "SAMLUser", "user_name": "s"}, "s"),
        ({"type": "WebIdentityUser", "user_name": "w"}, "w"),
        ({"type": "AWSAccount"}, ""),
        ({"type": "Unknown", "arn": "arn:aws:iam::1:user/x"}, ""),
        ({}, ""),
    ],
)
def test_the_user_shown_depends_on_the_identitys_type(identity: dict[str, Any], shown: str) -> None:
    assert username(UserIdentity(**identity)) == shown


# Resources

BUCKET, OBJECT = "AWS::S3::Bucket", "AWS::S3::Object"
NAMED: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({}, []),
    ({"requestParameters": None, "responseElements": None}, []),
    ({"requestParameters": {"bucketName": "b"}}, [(BUCKET, "b")]),
    ({"resources": [{"type": BUCKET, "ARN": "arn:aws:s3:::b"}, {"type": OBJECT}, {"ARN": "x"}]},
     [(BUCKET, "arn:aws:s3:::b")]),
    ({"requestParameters": {"bucketName": "b"}, "resources": [{"type": BUCKET, "ARN": "a"}]},
     [(BUCKET, "a"), (BUCKET, "b")]),
    ({"requestParameters": {"userName": "u"}, "responseElements": {"user": {"userName": "u"}}},
     [("AWS::IAM::User", "u")]),
    ({"requestParameters": {"roleName": "r", "policyArn": "p"}},
     [("AWS::IAM::Role", "r"), ("AWS::IAM::Policy", "p")]),
    ({"responseElements": {"instancesSet": {"items": [{"instanceId": "i-1"}, {"instanceId": "i-2"}]}}},
     [("AWS::EC2::Instance", "i-1"), ("AWS::EC2::Instance", "i-2")]),
    ({"requestParameters": {"userName": "", "keyId": 7, "vpcId": None, "unknownName": "x"}}, []),
    ({"requestParameters": ["userName", {"userName": "u"}]}, [("AWS::IAM::User", "u")]),
    ({"requestParameters": "userName"}, []),
    ({"requestParameters": {"name": "n"}, "eventSource": "cloudtrail.amazonaws.com"},
     [("AWS::CloudTrail::Trail", "n")]),
    ({"requestParameters": {"name": "n"}, "eventSource": "ssm.amazonaws.com"},
     [("AWS::SSM::Parameter", "n")]),
    ({"requestParameters": {"name": "n"}, "eventSource": "iam.amazonaws.com"}, []),
    ({"requestParameters": {"name": "n"}}, []),
]  # fmt: skip


@pytest.mark.parametrize(("values", "expected"), NAMED)
def test_the_resources_of_a_record_are_named(
    values: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert list(resource_names(record(**values).head)) == expected


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {"userName": "u"}
    for _ in range(depth):
        value = {"inner": value}
    return value


@pytest.mark.parametrize(("depth", "found"), [(0, 1), (8, 1), (9, 0), (200, 0)])
def test_a_name_that_lies_very_deep_is_left_out(depth: int, found: int) -> None:
    assert len(resource_names(record(requestParameters=nested(depth)).head)) == found


def test_a_number_beyond_any_float_hides_no_names() -> None:
    raw = record(requestParameters={"bucketName": "b", "size": 0}).raw
    huge = read_record(raw.replace(b'"size": 0', b'"size": 1e400'))

    assert resource_names(huge.head) == ((BUCKET, "b"),)


def test_at_most_fifty_resources_are_shown_and_the_first_stay() -> None:
    items = [{"instanceId": f"i-{number}"} for number in range(200)]

    found = resource_names(record(requestParameters={"items": items}).head)

    assert [name for _, name in found] == [f"i-{number}" for number in range(MAX_RESOURCES)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*sorted(MEMBERS)[:8], "name", "x"]), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(JSON, JSON, st.sampled_from(["eks.amazonaws.com", "iam.amazonaws.com", None]))
def test_resources_are_named_once_each_whatever_the_record_holds(
    request: Any, response: Any, source: str | None
) -> None:
    one = record(requestParameters=request, responseElements=response, eventSource=source)

    found = resource_names(one.head)

    assert len(set(found)) == len(found) <= MAX_RESOURCES
    assert all(kind.startswith("AWS::") and name for kind, name in found)
