"""Which answers stand in a record."""

import json
from typing import Any

import pytest
from wire import call_of, request_of

from opentrail.aws.decode import read_call
from opentrail.recording import RecordFacts, compose
from opentrail.recording.redact import HIDDEN

FACTS = RecordFacts(event_id="e", account_id="123456789012")
ROLE = {"RoleArn": "arn:aws:iam::123456789012:role/reader", "RoleSessionName": "one"}
SESSION = (
    "<Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s3cret</SecretAccessKey>"
    "<SessionToken>t0ken</SessionToken><Expiration>2026-01-01T10:00:00Z</Expiration></Credentials>"
)


def elements(service: str, operation: str, parameters: dict[str, Any], inner: str) -> Any:
    body = (
        f"<{operation}Response><{operation}Result>{inner}</{operation}Result><ResponseMetadata>"
        f"<RequestId>r</RequestId></ResponseMetadata></{operation}Response>"
    ).encode()
    call = read_call(call_of(request_of(service, operation, parameters), body=body), "us-east-1")
    return json.loads(compose(call, None, facts=FACTS))["responseElements"]


def test_a_session_that_was_given_is_told_without_its_secrets() -> None:
    found = elements("sts", "AssumeRole", ROLE, SESSION)

    assert found["credentials"]["accessKeyId"] == "ASIA1"
    assert found["credentials"]["expiration"] == "Jan 1, 2026, 10:00:00 AM"
    assert found["credentials"]["secretAccessKey"] == HIDDEN
    assert found["credentials"]["sessionToken"] == HIDDEN


@pytest.mark.parametrize(
    ("service", "operation"), [("sts", "GetCallerIdentity"), ("iam", "ListUsers")]
)
def test_what_was_only_read_is_not_told(service: str, operation: str) -> None:
    assert elements(service, operation, {}, "<Arn>arn:aws:iam::1:user/a</Arn>") is None
