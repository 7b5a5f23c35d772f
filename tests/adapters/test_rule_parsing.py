"""Detections mean what Sigma's specification says, of CloudTrail records; what can't be asked is told."""

import json
from typing import Any

import pytest

from opentrail.adapters.rule_files.parsing import MOST_BYTES, parse_rules
from opentrail.predicate.matching import matcher
from opentrail.sigma.rule import Level
from pace import within
from sigma_samples import matches, rule_set, rule_text, usable

RECORD: dict[str, Any] = {
    "eventTime": "2026-11-24T22:05:00Z", "eventSource": "iam.amazonaws.com",
    "eventName": "CreateAccessKey", "errorCode": None, "sourceIPAddress": "10.1.2.3",
    "readOnly": False, "userAgent": "S3 Browser *beta?* 1.0\\2",
    "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/alice"},
    "requestParameters": {
        "userName": "Bob", "count": 12, "share": "1.50", "empty": "", "list": [{"name": "a"}, {"name": "b"}],
        "commandLine": "tool /k payload", "code": "c2VjcmV0", "nested": {"Status": "Suspended"},
        "policyDocument": '{"Effect": "Allow", "Action": "*"}', "mixed": [3, "abc"],
    },
    "responseElements": {"accessKey": {"userName": "ALICE"}},
}  # fmt: skip

PASSES = [
    "eventName: createaccesskey",
    "eventName: Create*",
    "eventName: '*Key'",
    "eventName: 'Create*Ke?'",
    "eventName|startswith: create",
    "eventName|endswith: KEY",
    "eventName|contains: access",
    "eventName|contains|all: [access, key, create]",
    "eventName: [DeleteUser, CreateAccessKey]",
    "eventName|cased: CreateAccessKey",
    "eventName|contains|cased: Access",
    "eventName|re: ^Create.*Key$",
    "eventName|re|i: ^create",
    "eventName|re: Access",
    "eventTime|re: '\\d{2}:05'",
    "errorCode: null",
    "missing.field: null",
    "missing: [null, x]",
    "errorCode|exists: false",
    "eventName|exists: true",
    "userIdentity: '*'",
    "requestParameters.empty: ''",
    "requestParameters.count: 12",
    "requestParameters.count: '12'",
    "requestParameters.count: 12.0",
    "requestParameters.count|gt: 11",
    "requestParameters.count|gte: 12",
    "requestParameters.share|lt: 1.6",
    "requestParameters.share|lte: 1.5",
    "readOnly: false",
    "readOnly: 'False'",
    "sourceIPAddress|cidr: 10.0.0.0/8",
    "sourceIPAddress|cidr: [192.168.0.0/16, 10.1.0.0/16]",
    "userIdentity.arn|fieldref|contains: responseElements.accessKey.userName",
    "userIdentity.arn|fieldref|endswith: responseElements.accessKey.userName",
    "requestParameters.commandLine|contains|windash: ' -k '",
    "requestParameters.code|base64: secret",
    "requestParameters.code|base64offset|contains: ecre",
    "requestParameters.list.name: B",
    "requestParameters.list|contains: name",
    "requestParameters|contains: suspended",
    'requestParameters.nested|contains: \'"Status":"Susp\'',
    'requestParameters|contains|all: [\'"Effect": "Allow"\', \'"Action": "*"\']',
    'requestParameters|re: \'"Status":"S\'',
    "userAgent|contains: '\\*beta\\?\\*'",
    "userAgent: 'S3*\\*beta?\\** 1.0\\\\2'",
    "userAgent|endswith: '1.0\\2'",
    "eventTime|hour: 22",
    "eventTime|hour|gte: 22",
    "eventTime|minute|lt: 6",
    "eventTime|day: 24",
    "eventTime|month: 11",
    "eventTime|year|gte: 2026",
    "eventName|neq: DeleteUser",
    "missing|neq: x",
]

FAILS = [
    "eventName: CreateAccess",
    "eventName: 'C?eate'",
    "eventName|cased: createaccesskey",
    "eventName|re: create",
    "eventName: null",
    "eventName: ''",
    "eventName|contains|all: [access, keys]",
    "missing.field: '*'",
    "missing|exists: true",
    "errorCode: '*'",
    "requestParameters.count|gt: 12",
    "eventName|gt: 1",
    "requestParameters.mixed|lt: 3",
    "sourceIPAddress|cidr: 192.168.0.0/16",
    "eventSource|cidr: 0.0.0.0/0",
    "userIdentity.arn|fieldref: responseElements.accessKey.userName",
    "userAgent: 'S3*\\*beta\\?\\*'",
    "requestParameters.nested|contains: policyDocument",
    "eventTime|hour: 21",
    "eventTime|hour|gt: 22",
    "eventTime|hour|gt: 23",
    "eventName|neq: CreateAccessKey",
]


@pytest.mark.parametrize("line", PASSES)
def test_the_record_has_the_value(line: str) -> None:
    assert matches(f"s: {{{line}}}\ncondition: s", RECORD)
    assert not matches(f"s: {{{line}}}\ncondition: not s", RECORD)


@pytest.mark.parametrize("line", FAILS)
def test_the_record_has_not_the_value(line: str) -> None:
    assert not matches(f"s: {{{line}}}\ncondition: s", RECORD)
    assert matches(f"s: {{{line}}}\ncondition: not s", RECORD)


SELECTIONS = """
yes_name: {eventName: CreateAccessKey}
yes_source: {eventSource: iam.amazonaws.com, userIdentity.type: IAMUser}
no_name: {eventName: DeleteUser}
no_both: {eventName: CreateAccessKey, errorCode: AccessDenied}
maps:
  - {eventName: DeleteUser}
  - {eventSource: iam.amazonaws.com}
words: [suspended, nowhere]
all_words:
  "|all": ['*suspended*', '"effect"', requestparameters]
"""


@pytest.mark.parametrize(
    ("condition", "passes"),
    [
        ("yes_name and yes_source", True),
        ("yes_name and no_name", False),
        ("no_name or yes_name", True),
        ("not no_name and yes_name", True),
        ("yes_name and not (no_name or no_both)", True),
        ("1 of yes_*", True),
        ("all of yes_*", True),
        ("1 of no_*", False),
        ("not 1 of no_*", True),
        ("all of *_name", False),
        ("1 of them", True),
        ("all of them", False),
        ("maps", True),
        ("words", True),
        ("all_words", True),
        ("no_name or not yes_name", False),
    ],
)
def test_conditions_join_selections(condition: str, passes: bool) -> None:
    assert matches(f"{SELECTIONS}\ncondition: {condition}", RECORD) is passes


def test_several_conditions_are_one_or_the_other() -> None:
    assert matches(f"{SELECTIONS}\ncondition:\n  - no_name\n  - yes_name", RECORD)


def test_placeholders_stand_for_the_values_that_are_given() -> None:
    rule = rule_text("s: {requestParameters.userName|expand: '%admins%'}\ncondition: s")
    (found,) = usable(rule, placeholders={"admins": ["alice", "b?b"]}).rules.values()

    assert matcher(found.where)(json.dumps(RECORD).encode())
    (problem,) = rule_set(rule).problems
    assert "%admins% has no values" in problem.reason


def test_what_a_rule_says_of_itself_is_read() -> None:
    extra = (
        "id: 0c1b2a3d-0000-4000-8000-000000000001\nlevel: high\nstatus: test\n"
        "description: Somebody makes keys.\ntags: [attack.persistence]\nfields: [eventName]\n"
    )
    (rule,) = usable(
        rule_text("s: {eventName: X}\ncondition: s", name="keys", extra=extra)
    ).rules.values()

    about = rule.about
    assert (about.id, about.name, about.level) == (
        "0c1b2a3d-0000-4000-8000-000000000001", "keys", Level.HIGH,
    )  # fmt: skip
    assert (about.status, about.description, about.tags, about.fields, about.source) == (
        "test", "Somebody makes keys.", ("attack.persistence",), (("eventName",),), "0.yml",
    )  # fmt: skip


def test_a_rule_without_an_id_has_the_same_one_for_good() -> None:
    rule = rule_text("s: {eventName: X}\ncondition: s", title="Keys")

    assert list(usable(rule).rules) == ["5b084996-28bc-5a68-ad08-59369496409f"]


def test_filters_leave_out_what_they_match() -> None:
    rule = rule_text("s: {eventName: CreateAccessKey}\ncondition: s", name="keys")
    leave_out = """
title: Known users
logsource: {product: aws, service: cloudtrail}
filter:
  rules: [keys]
  selection: {requestParameters.userName: bob}
  condition: not selection
"""
    (plain,) = usable(rule).rules.values()
    (filtered,) = usable(rule, leave_out).rules.values()
    raw = json.dumps(RECORD).encode()

    assert matcher(plain.where)(raw)
    assert not matcher(filtered.where)(raw)
    assert matcher(filtered.where)(raw.replace(b"Bob", b"Eve"))


REFUSED = [
    (rule_text("s: {person: alice}\ncondition: s"), "person stands in no record"),
    (rule_text("s: {a..b: x}\ncondition: s"), "is no field"),
    (rule_text("s: {eventTime|week: 3}\ncondition: s"), "the week of a time"),
    (rule_text("s: ['a*b']\ncondition: s"), "cannot be searched in whole records"),
    (rule_text("s: {'|re': 'a.b'}\ncondition: s"), "cannot be searched in whole records"),
    (rule_text("s: {eventName|re: '(?=x)'}\ncondition: s"), "invalid"),
    (rule_text("s: {eventName|sounds: x}\ncondition: s"), "Unknown modifier"),
    (rule_text("s: {eventName: x}\ncondition: s and t"), "'t' not defined"),
    (rule_text("s: {eventName: x}\ncondition: s | count() > 5"), "pipe syntax"),
    (rule_text("s: {eventName: x}\ncondition: (("), "Expected"),
    (rule_text("s: {eventName: x}\ncondition: 1 of t*"), "doesn't match any"),
    (rule_text("s: {eventName: x}"), "condition"),
    (rule_text("s: {eventName|cidr: 10.0.0/8}\ncondition: s"), "Invalid CIDR"),
    (rule_text("s: {x: y}\ncondition: s").replace("aws", "windows"), "it is for windows/cloudtrail"),
    ("title: T\nlogsource: {product: aws}\n", "detection"),
    ("- a\n- b\n", "no mapping"),
    ("title: [\n", "expected"),
    ("title: T\ntitle: U\n", "Duplicate key"),
    ("action: global\ntitle: T\n", "action is Sigma 1's"),
    (("a: &a [x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
     "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"), "aliases"),
    ("[" * 50_000, "nested deeper than 50"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_what_cannot_be_used_is_told_and_disturbs_nothing(text: str, reason: str) -> None:
    good = rule_text("s: {eventName: X}\ncondition: s", title="Good")

    found = rule_set(text, good)

    assert [one.about.title for one in found.rules.values()] == ["Good"]
    assert any(reason in one.reason for one in found.problems), [str(p) for p in found.problems]
    assert all(one.source == "0.yml" for one in found.problems)


def test_a_file_that_is_no_text_or_too_long_is_told() -> None:
    found = parse_rules([("a.yml", b"\xff\xfe"), ("b.yml", b"#" * (MOST_BYTES + 1))], {})

    assert [one.source for one in found.problems] == ["a.yml", "b.yml"]
    assert "can't decode" in found.problems[0].reason
    assert "at most" in found.problems[1].reason


@pytest.mark.parametrize(
    "condition",
    ["(" * 200 + "s" + ")" * 200, "not " * 400 + "s", " or ".join(["s"] * 3000), "(" * 5000],
)
def test_no_condition_takes_long(condition: str) -> None:
    with within(5):
        rule_set(rule_text(f"s: {{eventName: x}}\ncondition: {condition}"))


def test_of_two_rules_with_one_id_the_first_counts() -> None:
    text = rule_text("s: {eventName: X}\ncondition: s", name="keys")

    found = rule_set(text, text.replace("title: T", "title: U"))

    assert [one.about.title for one in found.rules.values()] == ["T"]
    assert "'T' has the same id or name" in found.problems[0].reason
