"""Records to tell stories with: who calls, what is issued, in CloudTrail's shapes."""

import json
from itertools import count
from typing import Any

HERE, THERE = "111111111111", "222222222222"
_numbers = count(1)


def record(time: str, name: str, identity: dict[str, Any], **members: Any) -> dict[str, Any]:
    source = members.pop("source", "ec2.amazonaws.com")
    return {
        "eventVersion": "1.08",
        "userIdentity": identity,
        "eventTime": f"2026-07-01T{time}Z",
        "eventSource": source,
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "aws-cli/2",
        "requestParameters": None,
        "responseElements": None,
        "eventID": f"{next(_numbers):08d}-0000-4000-8000-000000000000",
        "recipientAccountId": HERE,
        **members,
    }


def user(name: str, key: str = "", account: str = HERE) -> dict[str, Any]:
    return {
        "type": "IAMUser",
        "principalId": f"AIDA{name.upper()}",
        "arn": f"arn:aws:iam::{account}:user/{name}",
        "accountId": account,
        "userName": name,
        **({"accessKeyId": key} if key else {}),
    }


def role(
    name: str, session: str, key: str, created: str, *, account: str = HERE, path: str = ""
) -> dict[str, Any]:
    return {
        "type": "AssumedRole",
        "principalId": f"AROA{name.upper()}:{session}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session}",
        "accountId": account,
        "accessKeyId": key,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": f"AROA{name.upper()}",
                "arn": f"arn:aws:iam::{account}:role/{path}{name}",
                "accountId": account,
                "userName": name,
            },
            "attributes": {"creationDate": f"2026-07-01T{created}Z", "mfaAuthenticated": "false"},
        },
    }


def assume(
    time: str,
    by: dict[str, Any],
    name: str,
    session: str,
    key: str,
    *,
    account: str = HERE,
    how: str = "AssumeRole",
    path: str = "",
    **members: Any,
) -> dict[str, Any]:
    asked = {
        "roleArn": f"arn:aws:iam::{account}:role/{path}{name}",
        "roleSessionName": session,
        **members.pop("asked", {}),
    }
    answer = {
        "credentials": {"accessKeyId": key, "expiration": "Jul 1, 2026, 10:00:00 PM"},
        "assumedRoleUser": {
            "assumedRoleId": f"AROA{name.upper()}:{session}",
            "arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session}",
        },
    }
    return record(
        time,
        how,
        by,
        source="sts.amazonaws.com",
        requestParameters=asked,
        responseElements=answer,
        **members,
    )


def saml(name: str) -> dict[str, Any]:
    return {
        "type": "SAMLUser",
        "principalId": f"abc=:{name}",
        "userName": name,
        "identityProvider": "abc=",
    }


def service(name: str) -> dict[str, Any]:
    return {"type": "AWSService", "invokedBy": name}


def raw(*records: dict[str, Any]) -> list[bytes]:
    return [json.dumps(one, separators=(",", ":")).encode() for one in records]


SSO_PATH = "aws-reserved/sso.amazonaws.com/eu-west-1/"
ADMIN = "AWSReservedSSO_Admin_0123456789abcdef"


def across_accounts() -> list[dict[str, Any]]:
    """Anna of Identity Center assumes A, with A's key B in another account, which runs a function."""
    sso = role(ADMIN, "anna@example.com", "ASIASSO", "09:00:00", path=SSO_PATH)
    a = role("A", "whoever", "ASIAA", "09:10:00")
    b = role("B", "nobody", "ASIAB", "09:20:00", account=THERE)
    function = role("Fn", "report", "ASIAFN", "09:40:00", account=THERE)
    shared = "5a4a4a4a-0000-4000-8000-000000000000"
    outside = {"type": "AWSAccount", "principalId": "AROAA:whoever", "accountId": HERE}
    reserved = {"how": "AssumeRoleWithSAML", "path": SSO_PATH}
    elsewhere = {"account": THERE, "sharedEventID": shared}
    return [
        assume(
            "09:00:00", saml("anna@example.com"), ADMIN, "anna@example.com", "ASIASSO", **reserved
        ),
        record("09:05:00", "DescribeInstances", sso, readOnly=True),
        assume("09:10:00", sso, "A", "whoever", "ASIAA"),
        assume("09:20:00", a, "B", "nobody", "ASIAB", **elsewhere),
        assume("09:20:00", outside, "B", "nobody", "ASIAB", recipientAccountId=THERE, **elsewhere),
        record("09:30:00", "Invoke", b, source="lambda.amazonaws.com", recipientAccountId=THERE),
        assume(
            "09:40:00",
            service("lambda.amazonaws.com"),
            "Fn",
            "report",
            "ASIAFN",
            account=THERE,
            recipientAccountId=THERE,
        ),
        record("09:41:00", "PutObject", function, recipientAccountId=THERE),
    ]


def stolen_key() -> list[dict[str, Any]]:
    """Mallory makes a key for Carl, and works with it."""
    made = {"accessKey": {"accessKeyId": "AKIACARL2", "userName": "carl", "status": "Active"}}
    return [
        record(
            "10:00:00",
            "CreateAccessKey",
            user("mallory", "AKIAMALLORY"),
            source="iam.amazonaws.com",
            requestParameters={"userName": "carl"},
            responseElements=made,
        ),
        record("10:05:00", "RunInstances", user("carl", "AKIACARL2")),
        record("10:06:00", "StopLogging", user("carl", "AKIACARL2"), errorCode="AccessDenied"),
        record("10:07:00", "ListUsers", user("carl", "AKIACARL1")),
    ]


def console() -> list[dict[str, Any]]:
    """Dora signs in to the console and switches to a role of the other account."""

    def at_console(identity: dict[str, Any], created: str) -> dict[str, Any]:
        attributes = {"creationDate": f"2026-07-01T{created}Z", "mfaAuthenticated": "true"}
        context = {**identity.get("sessionContext", {}), "attributes": attributes}
        return {**identity, "sessionContext": context}

    dora = user("dora")
    switched = role("Ops", "dora", "ASIAC3", "11:10:00", account=THERE)
    flag = {"sessionCredentialFromConsole": "true"}
    by_service = {
        **at_console(dora, "11:00:00"),
        "accessKeyId": "ASIAFAS",
        "invokedBy": "kms.amazonaws.com",
    }
    return [
        record(
            "11:00:00",
            "ConsoleLogin",
            dora,
            source="signin.amazonaws.com",
            responseElements={"ConsoleLogin": "Success"},
        ),
        record(
            "11:01:00",
            "ListBuckets",
            {**at_console(dora, "11:00:00"), "accessKeyId": "ASIAC1"},
            **flag,
        ),
        record(
            "11:02:00",
            "PutObject",
            {**at_console(dora, "11:00:00"), "accessKeyId": "ASIAC2"},
            **flag,
        ),
        record("11:02:00", "Decrypt", by_service),
        record(
            "11:10:01",
            "SwitchRole",
            {**switched, "accessKeyId": ""},
            source="signin.amazonaws.com",
            additionalEventData={"SwitchFrom": dora["arn"], "RedirectTo": "https://example.com"},
            responseElements={"SwitchRole": "Success"},
            recipientAccountId=THERE,
        ),
        record("11:12:00", "DeleteTrail", switched, recipientAccountId=THERE, **flag),
    ]
