"""What is too large for a record is left out, and told."""

import hashlib
import json
from typing import Any

import pytest
from wire import call_of, request_of

from opentrail.aws.decode import read_call
from opentrail.recording import RecordFacts, compose

FACTS = RecordFacts(event_id="e", account_id="123456789012")


def recorded(parameters: dict[str, Any], **answer: Any) -> dict[str, Any]:
    call = read_call(call_of(request_of("iam", "CreateRole", parameters), **answer), "us-east-1")
    return json.loads(compose(call, None, facts=FACTS))


def test_parameters_that_are_too_large_are_told_by_length_and_hash() -> None:
    given = {"RoleName": "r", "AssumeRolePolicyDocument": "x" * 200_000}

    record = recorded(given)

    plain = json.dumps(
        {"roleName": "r", "assumeRolePolicyDocument": "x" * 200_000}, separators=(",", ":")
    ).encode()
    assert record["requestParameters"] is None
    assert record["additionalEventData"]["opentrail"]["omitted"] == {
        "requestParameters": {"length": len(plain), "sha256": hashlib.sha256(plain).hexdigest()}
    }


def test_parameters_that_fit_are_kept() -> None:
    given = {"RoleName": "r", "AssumeRolePolicyDocument": "x" * 90_000}

    record = recorded(given)

    assert len(record["requestParameters"]["assumeRolePolicyDocument"]) == 90_000
    assert "additionalEventData" not in record


@pytest.mark.parametrize("character", ["a", "é", "€", "😀"])
def test_long_texts_are_cut_at_a_kilobyte_on_a_characters_border(character: str) -> None:
    body = f"<ErrorResponse><Error><Code>Bad</Code><Message>{character * 2000}</Message></Error></ErrorResponse>"
    given = {"RoleName": "r", "AssumeRolePolicyDocument": "{}"}

    record = recorded(given, status=400, body=body.encode())

    message = record["errorMessage"]
    assert 1020 < len(message.encode()) <= 1024
    assert set(message) == {character}


def test_half_a_character_does_not_break_a_record() -> None:
    call = read_call(call_of(request_of("dynamodb", "GetItem", {
        "TableName": "tab", "Key": {"id": {"S": "x"}}})), "us-east-1")  # fmt: skip
    parameters = dict(call.parameters or {}) | {"TableName": "\ud800half"}
    broken = type(call)(**({name: getattr(call, name) for name in call.__struct_fields__}
                           | {"parameters": parameters}))  # fmt: skip

    record = json.loads(compose(broken, None, facts=FACTS))

    assert record["requestParameters"]["tableName"] == "?half"
