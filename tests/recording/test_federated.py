"""Who calls without a key of AWS's: SAML and web identities, and the sessions they get."""

import json
from typing import Any

import pytest
from wire import call_of, request_of

from opentrail.aws.call import ApiCall
from opentrail.aws.decode import read_call, read_result
from opentrail.recording import RecordFacts, compose, learned_credentials

FACTS = RecordFacts(event_id="e", account_id="123456789012")
ROLE = "arn:aws:iam::123456789012:role/team/reader"
CREDENTIALS = (
    "<Credentials><AccessKeyId>ASIANEW</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
    "<SessionToken>t</SessionToken><Expiration>2026-01-02T04:04:05Z</Expiration></Credentials>"
    "<AssumedRoleUser><AssumedRoleId>AROAX:jane</AssumedRoleId>"
    "<Arn>arn:aws:sts::123456789012:assumed-role/reader/jane</Arn></AssumedRoleUser>"
)
SAML = (
    "<AssumeRoleWithSAMLResponse><AssumeRoleWithSAMLResult>"
    + CREDENTIALS
    + "<Subject>jane</Subject>"
    "<SubjectType>persistent</SubjectType><Issuer>https://idp.example.com</Issuer>"
    "<NameQualifier>c3ViamVjdA=</NameQualifier></AssumeRoleWithSAMLResult>"
    "</AssumeRoleWithSAMLResponse>"
)
WEB = (
    "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>" + CREDENTIALS +
    "<SubjectFromWebIdentityToken>user-7</SubjectFromWebIdentityToken><Audience>app-1</Audience>"
    "<Provider>accounts.google.com</Provider></AssumeRoleWithWebIdentityResult>"
    "</AssumeRoleWithWebIdentityResponse>"
)  # fmt: skip


def saml(**answer: Any) -> ApiCall:
    parameters = {
        "RoleArn": ROLE,
        "PrincipalArn": "arn:aws:iam::123456789012:saml-provider/p",
        "SAMLAssertion": "c2VjcmV0",
    }
    return read_call(call_of(request_of("sts", "AssumeRoleWithSAML", parameters), **answer), "r-1")


def web(**answer: Any) -> ApiCall:
    parameters = {"RoleArn": ROLE, "RoleSessionName": "jane", "WebIdentityToken": "secret-token"}
    request = request_of("sts", "AssumeRoleWithWebIdentity", parameters)
    return read_call(call_of(request, **answer), "r-1")


def identity(call: ApiCall) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(compose(call, None, facts=FACTS))["userIdentity"]
    return found


def test_the_caller_of_a_saml_call_is_its_subject() -> None:
    assert identity(saml(body=SAML.encode())) == {
        "type": "SAMLUser",
        "principalId": "c3ViamVjdA=:jane",
        "userName": "jane",
        "identityProvider": "c3ViamVjdA=",
    }


def test_the_caller_of_a_web_identity_call_is_the_tokens_user() -> None:
    assert identity(web(body=WEB.encode())) == {
        "type": "WebIdentityUser",
        "principalId": "accounts.google.com:app-1:user-7",
        "userName": "user-7",
        "identityProvider": "accounts.google.com",
    }


@pytest.mark.parametrize("call", [saml, web])
def test_a_refused_call_tells_only_what_is_known(call: Any) -> None:
    body = b"<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error></ErrorResponse>"

    found = identity(call(status=400, body=body))

    assert set(found) == {"type"}


@pytest.mark.parametrize(("call", "body"), [(saml, SAML), (web, WEB)])
def test_the_session_is_learned_with_its_role(call: Any, body: str) -> None:
    made = call(body=body.encode())

    (key,) = learned_credentials(made, read_result(made), None, lambda _arn: "AROAX")

    principal = key.principal
    assert (key.access_key_id, principal.principal_id.partition(":")[0]) == ("ASIANEW", "AROAX")
    assert principal.arn == "arn:aws:sts::123456789012:assumed-role/reader/jane"
    assert principal.session is not None
    assert principal.session.issuer_arn == ROLE
    assert principal.session.issuer_user_name == "reader"
    assert key.expires is not None
