import pytest

from opentrail.insights.counts import (
    CALL_RATE,
    ERROR_RATE,
    MOST_LETTERS,
    counted,
    minute_of,
    principal_of,
)
from opentrail.record import RecordHead, UserIdentity

ROLE = "arn:aws:sts::111122223333:assumed-role/Deploy/build-17"


def head(**changed):
    fields = {
        "event_id": "e",
        "event_time": "2026-11-25T10:17:59Z",
        "event_version": "1.11",
        "aws_region": "eu-west-1",
        "event_category": "Management",
        "event_source": "iam.amazonaws.com",
        "event_name": "CreateUser",
        "read_only": False,
        "recipient_account_id": "111122223333",
        "user_identity": UserIdentity(type="AssumedRole", arn=ROLE),
        "user_agent": "aws-cli/2",
    } | changed
    return RecordHead(**fields)


@pytest.mark.parametrize(
    ("changed", "types"),
    [
        ({}, [CALL_RATE]),
        ({"read_only": True}, []),
        ({"read_only": None}, []),
        ({"error_code": "AccessDenied"}, [CALL_RATE, ERROR_RATE]),
        ({"read_only": True, "error_code": "AccessDenied"}, [ERROR_RATE]),
        ({"read_only": True, "event_category": "Data"}, [CALL_RATE]),
        ({"event_category": "Data", "error_code": "NoSuchKey"}, [CALL_RATE, ERROR_RATE]),
        ({"event_category": "NetworkActivity"}, []),
        ({"event_category": "Insight"}, []),
        ({"event_source": None}, []),
        ({"event_name": ""}, []),
        ({"event_time": "yesterday"}, []),
    ],
)
def test_which_records_count_for_what(changed, types):
    found = counted(head(**changed))

    assert [one.insight_type for one in found.series] == types if found else types == []


def test_errors_are_counted_by_code_and_calls_together():
    calls, errors = counted(head(error_code="AccessDenied")).series

    assert (calls.error_code, errors.error_code) == ("", "AccessDenied")
    assert calls[:5] == errors[:5]


def test_a_role_is_named_without_its_session():
    found = counted(head())

    assert found.principal == "arn:aws:sts::111122223333:assumed-role/Deploy"
    assert found.error_code == "null"


@pytest.mark.parametrize(
    ("identity", "name"),
    [
        (None, ""),
        (UserIdentity(arn="arn:aws:iam::1:user/a"), "arn:aws:iam::1:user/a"),
        (UserIdentity(invoked_by="config.amazonaws.com"), "config.amazonaws.com"),
        (UserIdentity(arn="x:assumed-role/R/s"), "x:assumed-role/R/s"),
        (UserIdentity(arn="arn:aws:sts::1:assumed-role/R"), "arn:aws:sts::1:assumed-role/R"),
    ],
)
def test_principals(identity, name):
    assert principal_of(identity) == name


@pytest.mark.parametrize(
    ("time", "minute"),
    [
        ("1970-01-01T00:01:59Z", 1),
        ("1970-01-01T00:01:00", 1),
        ("1970-01-01T01:01:00.5+01:00", 1),
        ("1969-12-31T23:59:00Z", None),
        ("", None),
    ],
)
def test_minutes(time, minute):
    assert minute_of(time) == minute


def test_texts_of_callers_are_cut():
    found = counted(head(event_name="x" * 5000, error_code="y" * 5000, user_agent="z" * 5000))

    assert {len(one.event_name) for one in found.series} == {MOST_LETTERS}
    assert len(found.user_agent) == len(found.error_code) == MOST_LETTERS
