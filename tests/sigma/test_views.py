"""Fields seen coarser, and who acted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentrail.errors import InvalidInput
from opentrail.predicate.reading import texts_at
from opentrail.sigma.views import ACTOR, actor, check_view, family, hour, network, seen_as
from sigma_samples import rule_set


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::5", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("cloudformation.amazonaws.com", "cloudformation.amazonaws.com"),
        ("AWS Internal", "AWS Internal"),
        ("203.0.113.777", "203.0.113.777"),
        ("", ""),
    ],
)
def test_networks(address: str, expected: str) -> None:
    assert network(address) == expected


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        ("aws-cli/2.15.0 md/awscrt#0.19 Python/3.11", "aws-cli"),
        ("Boto3/1.34.0 md/Botocore#1.34.0 ua/2.0", "Boto3"),
        ("APN/1.0 HashiCorp/1.0 Terraform/1.5.7 (+https://x) aws-sdk-go-v2/1.2", "Terraform"),
        ("[Boto3/1.26 Python/3]", "Boto3"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", "Mozilla"),
        ("console.amazonaws.com", "console.amazonaws.com"),
        ("AWS Internal", "AWS Internal"),
        ("", ""),
    ],
)
def test_families_of_programs(agent: str, expected: str) -> None:
    assert family(agent) == expected


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2026-11-26T04:59:59Z", "workday 04"),
        ("2026-11-28T23:00:00Z", "weekend 23"),
        ("soon", "soon"),
    ],
)
def test_hours(time: str, expected: str) -> None:
    assert hour(time) == expected


ROLE = "arn:aws:iam::1:role/deploy"
PERSON = "arn:aws:iam::1:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_1"


def session(issuer: str, name: str) -> dict[str, object]:
    return {
        "arn": f"arn:aws:sts::1:assumed-role/x/{name}",
        "principalId": f"AROA1:{name}",
        "sessionContext": {"sessionIssuer": {"arn": issuer}},
    }


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"userIdentity": {"arn": "arn:aws:iam::1:user/alice"}}, "arn:aws:iam::1:user/alice"),
        ({"userIdentity": session(ROLE, "build-17")}, ROLE),
        ({"userIdentity": session(PERSON, "alice")}, "arn:aws:sts::1:assumed-role/x/alice"),
        ({"userIdentity": {"onBehalfOf": {"userId": "u-1"}}}, "u-1"),
        ({"userIdentity": {"userName": "HIDDEN"}}, "HIDDEN"),
        ({"userIdentity": {"invokedBy": "ec2.amazonaws.com"}}, "ec2.amazonaws.com"),
        ({"userIdentity": {"arn": ""}, "sourceIPAddress": "203.0.113.7"}, "203.0.113.7"),
        ({"userIdentity": []}, ""),
        ({}, ""),
    ],
)
def test_who_acted(record: dict[str, object], expected: str) -> None:
    def texts(name: str) -> tuple[str, ...]:
        return texts_at(record, tuple(name.split(".")))

    assert actor(texts) == expected
    assert seen_as(ACTOR, texts) == ((expected,) if expected else ())


@pytest.mark.parametrize("name", ["sourceIPAddress|net", "a|network|family", "a|", "arn|actor"])
def test_views_that_are_none_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="expected a field"):
        check_view(name)


@given(st.text())
def test_any_text_is_seen_somehow(text: str) -> None:
    for view in (network, family, hour):
        assert isinstance(view(text), str)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('type: first_seen, field: "sourceIPAddress|net"', "sourceIPAddress|net"),
        ('type: first_seen, field: awsRegion, group-by: ["a|family|x"]', "expected a field"),
        ("type: first_seen, field: awsRegion, learning-values: many", "learning-values is 'many'"),
        ("type: first_seen, field: awsRegion, learning-values: true", "learning-values is True"),
        ("type: first_seen, field: awsRegion, learning-values: -1", "learning-values is -1"),
    ],
)
def test_rules_that_name_no_view_or_number_are_refused(body: str, said: str) -> None:
    found = rule_set(f"title: T\ncorrelation: {{{body}}}\n")

    (problem,) = found.problems
    assert said in str(problem)
