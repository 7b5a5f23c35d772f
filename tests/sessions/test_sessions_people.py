"""Who stands at the root, and who is only claimed to."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentrail.sessions import (
    Caller,
    Gatherer,
    PersonKind,
    anchor_of,
    caller_of,
    follow,
    issued_by,
    person_of,
)
from sessions.story import ADMIN, HERE, SSO_PATH, assume, raw, record, role, service, user


def caller(identity: Any) -> Caller:
    found = caller_of({"userIdentity": identity})
    assert found is not None
    return found


def in_session(identity: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {**identity, "sessionContext": {**identity.get("sessionContext", {}), **members}}


ROLE = role("R", "name", "ASIA1", "09:00:00")
PROVIDER = "arn:aws:iam::1:oidc-provider/token.actions.githubusercontent.com"
GITHUB = {
    "federatedProvider": PROVIDER,
    "attributes": {
        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
        "token.actions.githubusercontent.com:sub": "repo:a/b:ref:refs/heads/main",
    },
}
PEOPLE: list[tuple[dict[str, Any], PersonKind, str]] = [
    (user("anna"), PersonKind.USER, f"arn:aws:iam::{HERE}:user/anna"),
    ({"type": "Root", "accountId": HERE}, PersonKind.ROOT, f"arn:aws:iam::{HERE}:root"),
    (
        {
            "type": "FederatedUser",
            "arn": f"arn:aws:sts::{HERE}:federated-user/boss",
            "sessionContext": {"sessionIssuer": {"arn": f"arn:aws:iam::{HERE}:user/anna"}},
        },
        PersonKind.USER,
        f"arn:aws:iam::{HERE}:user/anna",
    ),
    (
        role(ADMIN, "anna", "ASIA1", "09:00:00", path=SSO_PATH),
        PersonKind.IDENTITY_CENTER,
        "sso:anna",
    ),
    (role(ADMIN, "anna", "ASIA1", "09:00:00"), PersonKind.CLAIMED, ""),
    (
        {"type": "IdentityCenterUser", "onBehalfOf": {"userId": "u-1"}},
        PersonKind.IDENTITY_CENTER,
        "sso-user:u-1",
    ),
    (
        in_session(ROLE, webIdFederationData=GITHUB),
        PersonKind.WEB,
        f"web:{PROVIDER}:sts.amazonaws.com:repo:a/b:ref:refs/heads/main",
    ),
    (in_session(ROLE, ec2RoleDelivery="2.0"), PersonKind.SERVICE, "service:ec2.amazonaws.com"),
    (
        role("L", "x", "ASIA1", "09:00:00", path="aws-service-role/ops.amazonaws.com/"),
        PersonKind.SERVICE,
        "service:ops.amazonaws.com",
    ),
    (
        {**ROLE, "inScopeOf": {"sourceArn": "arn:aws:lambda:us-east-1:1:function:f"}},
        PersonKind.SERVICE,
        "arn:aws:lambda:us-east-1:1:function:f",
    ),
    (service("ec2.amazonaws.com"), PersonKind.SERVICE, "service:ec2.amazonaws.com"),
    ({"accountId": HERE, "invokedBy": "AWS Internal"}, PersonKind.SERVICE, "service:AWS Internal"),
    (in_session(ROLE, sourceIdentity="anna"), PersonKind.CLAIMED, ""),
    (
        in_session({"type": "Root", "accountId": HERE}, assumedRoot="true"),
        PersonKind.CLAIMED,
        "",
    ),
    ({"type": "IAMUser", "accountId": HERE, "userName": "anna"}, PersonKind.CLAIMED, ""),
    ({"type": "Unknown", "userName": "anna"}, PersonKind.CLAIMED, ""),
]


@pytest.mark.parametrize(("identity", "kind", "name"), PEOPLE)
def test_what_aws_says_is_believed_and_what_callers_say_is_claimed(
    identity: dict[str, Any], kind: PersonKind, name: str
) -> None:
    person = person_of(caller(identity))

    assert person.kind is kind
    assert person.id == name or (not name and person.id.startswith("claimed:"))


def test_a_source_identity_is_told_but_proves_nothing() -> None:
    assumed = assume(
        "09:00:00", user("mallory", "AKIAM"), "R", "x", "ASIA1", asked={"sourceIdentity": "anna"}
    )
    issued = issued_by(assumed)
    assert issued is not None

    chain = follow(caller(ROLE), lambda key: (issued,) if key == "ASIA1" else ())

    assert chain.source_identity == "anna"
    assert chain.person.id.endswith("user/mallory")


def test_a_call_that_failed_issues_nothing() -> None:
    failed = assume("09:00:00", user("anna", "AKIA1"), "R", "x", "ASIA1", errorCode="AccessDenied")

    assert issued_by(failed) is None


def test_a_chain_of_many_renewals_is_followed_and_an_endless_one_cut() -> None:
    def renewed(key: str) -> tuple[Any, ...]:
        number = int(key.removeprefix("ASIA")) if key.startswith("ASIA") else 0
        by = (
            role("R", "x", f"ASIA{number - 1}", "09:00:00") if number > 1 else user("anna", "AKIA1")
        )
        found = issued_by(assume("09:00:00", by, "R", "x", key))
        return (found,) if number and found else ()

    long = follow(caller(role("R", "x", "ASIA900", "09:00:00")), renewed)
    endless = follow(caller(role("R", "x", "ASIA2000", "09:00:00")), renewed)

    assert long.person.id.endswith("user/anna")
    assert len(long.links) == 900
    assert endless.cycle
    assert endless.person.claimed


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["type", "arn", "accessKeyId", "principalId", "userName", "sessionContext", "attributes", "credentials", "accessKey", "onBehalfOf"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(
    JSON, JSON, JSON, st.sampled_from(["AssumeRole", "SwitchRole", "CreateAccessKey", "x"]), JSON
)
def test_no_record_is_too_odd(
    identity: Any, request: Any, answer: Any, name: str, time: Any
) -> None:
    one = record("09:00:00", name, identity, source="sts.amazonaws.com")
    one |= {"requestParameters": request, "responseElements": answer, "eventTime": time}
    for source in ("sts.amazonaws.com", "iam.amazonaws.com", "signin.amazonaws.com", time):
        one["eventSource"] = source
        issued_by(one)
        found = caller_of(one)
        assert found is None or person_of(found).id
        assert found is None or anchor_of(found)

    Gatherer().gather(raw(one))
