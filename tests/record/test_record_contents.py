"""A record's bytes stay as they are; a few fields are read from them."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opentrail.errors import InvalidInput
from opentrail.record import Resource, SessionIssuer, read_record
from opentrail.record.principal import Credential, Principal, PrincipalType

NEEDED = {
    "eventID": "e", "eventTime": "2026-11-24T09:00:00Z", "eventVersion": "1.11",
    "awsRegion": "us-east-1",
}  # fmt: skip


def encoded(**values: Any) -> bytes:
    return json.dumps(NEEDED | values).encode()


WHOLE: dict[str, Any] = {
    "eventType": "AwsApiCall",
    "eventCategory": "Management",
    "eventSource": "iam.amazonaws.com",
    "eventName": "CreateUser",
    "sourceIPAddress": "192.0.2.1",
    "readOnly": False,
    "managementEvent": True,
    "recipientAccountId": "123456789012",
    "errorCode": "AccessDenied",
    "vpcEndpointId": "vpce-1",
    "sessionCredentialFromConsole": "true",
}
SPELLED = {
    "eventType": "event_type", "eventCategory": "event_category", "eventSource": "event_source",
    "eventName": "event_name", "sourceIPAddress": "source_ip_address", "readOnly": "read_only",
    "managementEvent": "management_event", "recipientAccountId": "recipient_account_id",
    "errorCode": "error_code", "vpcEndpointId": "vpc_endpoint_id",
    "sessionCredentialFromConsole": "session_credential_from_console",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_a_field_is_read_where_it_is_and_none_where_it_is_not(name: str) -> None:
    assert getattr(read_record(encoded(**WHOLE)).head, SPELLED[name]) == WHOLE[name]
    assert getattr(read_record(encoded()).head, SPELLED[name]) is None
    assert getattr(read_record(encoded(**{name: None})).head, SPELLED[name]) is None


def test_the_fields_every_record_has_are_read() -> None:
    head = read_record(encoded()).head

    assert (head.event_id, head.event_time) == ("e", "2026-11-24T09:00:00Z")
    assert (head.event_version, head.aws_region) == ("1.11", "us-east-1")


def test_who_is_read_down_to_the_session_issuer() -> None:
    head = read_record(
        encoded(
            userIdentity={
                "type": "AssumedRole", "principalId": "AROA:s", "arn": "arn:r/s",
                "accountId": "1", "accessKeyId": "ASIA", "invokedBy": "x", "inScopeOf": {"a": 1},
                "sessionContext": {
                    "sourceIdentity": "alice",
                    "attributes": {"mfaAuthenticated": "false"},
                    "sessionIssuer": {"type": "Role", "principalId": "AROA", "arn": "arn:role",
                                      "accountId": "1", "userName": "r"},
                },
            }
        )
    ).head  # fmt: skip

    who = head.user_identity
    assert who is not None
    assert (who.type, who.principal_id, who.access_key_id) == ("AssumedRole", "AROA:s", "ASIA")
    assert (who.account_id, who.invoked_by, who.user_name) == ("1", "x", None)
    assert who.session_context is not None
    assert who.session_context.source_identity == "alice"
    assert who.session_context.session_issuer == SessionIssuer("Role", "AROA", "arn:role", "1", "r")


def test_resources_are_read_with_awss_capitals() -> None:
    head = read_record(
        encoded(resources=[{"type": "t", "ARN": "a", "accountId": "1"}, {"ARNPrefix": "p"}, {}])
    ).head

    assert head.resources == (
        Resource(type="t", arn="a", account_id="1"), Resource(arn_prefix="p"), Resource()
    )  # fmt: skip


def test_request_and_response_are_kept_unread() -> None:
    raw = b'{"requestParameters":{ "n" : 1.0 },' + encoded()[1:]
    head = read_record(raw).head

    assert bytes(head.request_parameters) == b'{ "n" : 1.0 }'
    assert bytes(head.response_elements) == b"null"


NAMES = st.text(max_size=8).filter(lambda name: name not in NEEDED and name not in SPELLED)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
KNOWN = {"userIdentity", "resources", "requestParameters", "responseElements"}


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(NAMES.filter(lambda name: name not in KNOWN), VALUES, max_size=4),
    st.randoms(use_true_random=False),
    st.sampled_from([None, 0, 3]),
)
def test_unknown_fields_order_and_spacing_stay_in_the_bytes(
    unknown: dict[str, Any], random: Any, indent: int | None
) -> None:
    members = list((NEEDED | WHOLE | unknown).items())
    random.shuffle(members)
    raw = json.dumps(dict(members), indent=indent, ensure_ascii=bool(indent)).encode()

    record = read_record(raw)

    assert record.raw == raw
    assert record.head == read_record(encoded(**WHOLE)).head


@pytest.mark.parametrize(
    "raw",
    [
        b'{"eventID":"\\u00e9\\ud83d\\ude00",' + encoded()[1:].replace(b'"eventID": "e", ', b""),
        '{"eventID":"é😀",'.encode() + encoded()[1:].replace(b'"eventID": "e", ', b""),
    ],
)
def test_a_text_is_read_the_same_however_it_is_spelled(raw: bytes) -> None:
    assert read_record(raw).head.event_id == "é😀"


@pytest.mark.parametrize("missing", sorted(NEEDED))
def test_a_record_without_a_field_that_every_record_has_is_refused(missing: str) -> None:
    values = {name: value for name, value in NEEDED.items() if name != missing}

    with pytest.raises(InvalidInput, match=missing):
        read_record(json.dumps(values).encode())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b'"record"',
        b"{",
        encoded()[:-1],
        encoded() + b"x",
        encoded() + encoded(),
        b"\xef\xbb\xbf" + encoded(),
        encoded().decode().encode("utf-16"),
        encoded(eventID=None),
        encoded(eventID=1),
        encoded(readOnly="true"),
        encoded(resources={}),
        encoded(resources=["x"]),
        encoded(userIdentity="alice"),
        encoded(userIdentity={"arn": 1}),
        encoded().replace(b'"e"', b'"\xff"'),
        encoded().replace(b'"e"', b'"a\nb"'),
        encoded(x=1).replace(b"1}", b"NaN}"),
        encoded(x=1).replace(b"1}", b"01}"),
    ],
)
def test_what_is_no_record_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidInput, match="not a CloudTrail record"):
        read_record(raw)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60), st.integers(0, len(encoded())))
def test_no_bytes_make_reading_fail_otherwise(junk: bytes, place: int) -> None:
    raw = encoded()[:place] + junk + encoded()[place:]

    with contextlib.suppress(InvalidInput):
        assert read_record(raw).raw == raw


# Who is behind a key


def test_a_credential_does_not_show_its_secrets() -> None:
    credential = Credential(
        access_key_id="AKIA", secret_access_key="s3cret", session_token="t0ken",
        principal=Principal(type=PrincipalType.ROOT, account_id="1"),
    )  # fmt: skip

    assert "AKIA" in repr(credential)
    assert "s3cret" not in repr(credential)
    assert "t0ken" not in repr(credential)
