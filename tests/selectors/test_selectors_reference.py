"""The compiled predicates against a slow reading of the rules over a record's own JSON."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opentrail.record import read_record
from opentrail.selectors import compile_selectors, parse_advanced, parse_basic

OPERATORS = ("Equals", "StartsWith", "EndsWith", "NotEquals", "NotStartsWith", "NotEndsWith")
CATEGORIES = ("Management", "Data", "NetworkActivity")
SOURCES = ("kms.amazonaws.com", "rdsdata.amazonaws.com", "s3.amazonaws.com", "a")
KINDS = ("AWS::S3::Object", "AWS::S3::Bucket", "AWS::EKS::Dashboard")
SELECTABLE = KINDS[::2]
# Few letters, so that values meet often; one capital, since case counts.
TEXT = st.text(alphabet="abA", max_size=4)
VALUES = st.lists(TEXT.filter(bool), min_size=1, max_size=3)
ANY_DATA = (
    "eventSource", "eventName", "eventType", "userIdentity.arn", "resources.ARN",
)  # fmt: skip
ANY_NETWORK = ("eventName", "vpcEndpointId", "userIdentity.arn")


def as_arn(text: str) -> str:
    return f"arn:aws:s3:::{text}"


ARNS = TEXT.filter(bool).map(as_arn)


# Records


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    record: dict[str, Any] = {
        "eventID": "e", "eventTime": "2026-11-24T09:00:00Z", "eventVersion": "1.11",
        "awsRegion": "us-east-1", "eventCategory": draw(st.sampled_from(CATEGORIES)),
    }  # fmt: skip
    optional: dict[str, st.SearchStrategy[Any]] = {
        "eventName": TEXT,
        "eventType": TEXT,
        "eventSource": TEXT | st.sampled_from(SOURCES),
        "errorCode": st.sampled_from(["VpceAccessDenied", "AccessDenied"]),
        "vpcEndpointId": TEXT,
        "sessionCredentialFromConsole": st.sampled_from(["true", "false"]),
        "readOnly": st.booleans(),
        "userIdentity": st.fixed_dictionaries({"type": TEXT}, optional={"arn": TEXT}),
        "resources": st.lists(
            st.fixed_dictionaries({"type": st.sampled_from(KINDS)}, optional={"ARN": TEXT | ARNS}),
            max_size=3,
        ),
    }
    for name, values in optional.items():
        if draw(st.booleans()):
            record[name] = draw(values)
    return record


def encoded(record: dict[str, Any]) -> bytes:
    return json.dumps(record).encode()


# Advanced selectors


@st.composite
def conditions(draw: st.DrawFn, name: str) -> dict[str, Any]:
    operators = draw(st.lists(st.sampled_from(OPERATORS), min_size=1, unique=True))
    values = {operator: draw(VALUES) for operator in operators}
    if name == "resources.ARN":
        for operator in {"Equals", "NotEquals"} & values.keys():
            values[operator] = [as_arn(value) for value in values[operator]]
    return {"Field": name, **values}


@st.composite
def management(draw: st.DrawFn) -> list[dict[str, Any]]:
    fields: list[dict[str, Any]] = [{"Field": "eventCategory", "Equals": ["Management"]}]
    if draw(st.booleans()):
        fields.append({"Field": "readOnly", "Equals": draw(READ_ONLY)})
    if draw(st.booleans()):
        values = draw(st.lists(st.sampled_from(SOURCES[:2]), min_size=1, unique=True))
        fields.append({"Field": "eventSource", "NotEquals": values})
    return fields


@st.composite
def data(draw: st.DrawFn) -> list[dict[str, Any]]:
    fields: list[dict[str, Any]] = [
        {"Field": "eventCategory", "Equals": ["Data"]},
        {"Field": "resources.type", "Equals": [draw(st.sampled_from(SELECTABLE))]},
    ]
    if draw(st.booleans()):
        fields.append({"Field": "readOnly", "Equals": draw(READ_ONLY)})
    if draw(st.booleans()):
        operator = draw(st.sampled_from(["Equals", "NotEquals"]))
        fields.append({"Field": "sessionCredentialFromConsole", operator: ["true"]})
    for name in draw(st.lists(st.sampled_from(ANY_DATA), max_size=2, unique=True)):
        fields.append(draw(conditions(name)))
    return fields


@st.composite
def network(draw: st.DrawFn) -> list[dict[str, Any]]:
    fields: list[dict[str, Any]] = [
        {"Field": "eventCategory", "Equals": ["NetworkActivity"]},
        {"Field": "eventSource", "Equals": [draw(st.sampled_from((SOURCES[0], SOURCES[2])))]},
    ]
    if draw(st.booleans()):
        fields.append({"Field": "errorCode", "Equals": ["VpceAccessDenied"]})
    for name in draw(st.lists(st.sampled_from(ANY_NETWORK), max_size=2, unique=True)):
        fields.append(draw(conditions(name)))
    return fields


READ_ONLY = st.lists(st.sampled_from(["true", "false"]), min_size=1, unique=True)
ADVANCED = st.one_of(management(), data(), network()).map(lambda one: {"FieldSelectors": one})


def slowly_advanced(selector: dict[str, Any], record: dict[str, Any]) -> bool:
    """Every field must hold; those on a resource must hold on one and the same resource."""
    plain = [one for one in selector["FieldSelectors"] if "resources." not in one["Field"]]
    on_resource = [one for one in selector["FieldSelectors"] if "resources." in one["Field"]]
    for field in plain:
        if not holds(field, text_at(record, field["Field"])):
            return False
    if not on_resource:
        return True
    for resource in record.get("resources", []):
        if all(holds(one, text_at({"resources": resource}, one["Field"])) for one in on_resource):
            return True
    return False


def text_at(record: Any, path: str) -> str | None:
    value = record
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return {True: "true", False: "false"}.get(value, value) if not isinstance(value, str) else value


def holds(field: dict[str, Any], text: str | None) -> bool:
    hits: dict[bool, list[bool]] = {True: [], False: []}
    for operator in OPERATORS:
        negative = operator.startswith("Not")
        for value in field.get(operator, []):
            hits[negative].append(text is not None and hit(operator, value, text))
    return not any(hits[True]) and (not hits[False] or any(hits[False]))


def hit(operator: str, value: str, text: str) -> bool:
    match operator.removeprefix("Not"):
        case "StartsWith":
            return text[: len(value)] == value
        case "EndsWith":
            return len(value) <= len(text) and text[len(text) - len(value) :] == value
        case _:
            return text == value


@pytest.mark.contract
@settings(max_examples=300, deadline=None)
@given(st.lists(ADVANCED, min_size=1, max_size=3), st.lists(records(), min_size=1, max_size=6))
def test_advanced_selectors_of_every_category_take_what_the_rules_say(
    selectors: list[dict[str, Any]], some: list[dict[str, Any]]
) -> None:
    predicate = compile_selectors((), parse_advanced(selectors))

    taken = [predicate(read_record(encoded(record)).head) for record in some]

    assert taken == [any(slowly_advanced(one, record) for one in selectors) for record in some]


# Basic selectors

PREFIXES = (
    "arn:aws:s3",
    "arn:aws:s3:::",
    "arn:aws:s3:::b/",
    "arn:aws:s3:::b/im",
    "arn:aws:s3:::c/",
)
OBJECTS = ("arn:aws:s3:::b/", "arn:aws:s3:::b/images/1", "arn:aws:s3:::bb/x", "arn:aws:s3:::c/i")
FUNCTIONS = tuple(f"arn:aws:lambda:us-east-1:1:function:{name}" for name in ("hello", "hello2"))
TABLES = tuple(f"arn:aws:dynamodb:us-east-1:1:table/{name}" for name in ("t", "t2"))
CHOICES = {
    "AWS::S3::Object": (PREFIXES, OBJECTS),
    "AWS::Lambda::Function": (("arn:aws:lambda", *FUNCTIONS), FUNCTIONS),
    "AWS::DynamoDB::Table": (("arn:aws:dynamodb", *TABLES), TABLES),
}


@st.composite
def basics(draw: st.DrawFn) -> dict[str, Any]:
    resources = []
    for kind in draw(st.lists(st.sampled_from(sorted(CHOICES)), max_size=2)):
        values = draw(st.lists(st.sampled_from(CHOICES[kind][0]), max_size=2))
        resources.append({"Type": kind, "Values": values})
    selector: dict[str, Any] = {"DataResources": resources}
    if draw(st.booleans()):
        selector["ReadWriteType"] = draw(st.sampled_from(["All", "ReadOnly", "WriteOnly"]))
    if resources and draw(st.booleans()):
        return selector | {"IncludeManagementEvents": False}
    excluded = draw(st.lists(st.sampled_from(SOURCES[:2]), unique=True))
    return selector | {"ExcludeManagementEventSources": excluded}


@st.composite
def touching(draw: st.DrawFn) -> dict[str, Any]:
    record = draw(records())
    kinds = draw(st.lists(st.sampled_from(sorted(CHOICES)), max_size=2))
    record["resources"] = [
        {"type": kind, "ARN": draw(st.sampled_from(CHOICES[kind][1]))} for kind in kinds
    ]
    return record


def slowly_basic(selector: dict[str, Any], record: dict[str, Any]) -> bool:
    wanted = selector.get("ReadWriteType", "All")
    reads = record.get("readOnly", False)
    if wanted not in {"All", "ReadOnly" if reads else "WriteOnly"}:
        return False
    if record["eventCategory"] == "Management":
        excluded = selector.get("ExcludeManagementEventSources", [])
        included = selector.get("IncludeManagementEvents", True)
        return included and record.get("eventSource") not in excluded
    if record["eventCategory"] != "Data":
        return False
    return any(
        touches(value, chosen["Type"], resource)
        for chosen in selector["DataResources"]
        for value in chosen["Values"]
        for resource in record["resources"]
    )


def touches(value: str, kind: str, resource: dict[str, str]) -> bool:
    if resource["type"] != kind:
        return False
    if kind == "AWS::S3::Object":
        return resource["ARN"].startswith(value)
    return value.count(":") == 2 or resource["ARN"] == value


@pytest.mark.contract
@settings(max_examples=300, deadline=None)
@given(st.lists(basics(), min_size=1, max_size=3), st.lists(touching(), min_size=1, max_size=6))
def test_basic_selectors_take_what_the_rules_say(
    selectors: list[dict[str, Any]], some: list[dict[str, Any]]
) -> None:
    predicate = compile_selectors(parse_basic(selectors), ())

    taken = [predicate(read_record(encoded(record)).head) for record in some]

    assert taken == [any(slowly_basic(one, record) for one in selectors) for record in some]


# Fixed examples

BASE: dict[str, Any] = {
    "eventID": "e", "eventTime": "t", "eventVersion": "1.11", "awsRegion": "us-east-1",
}  # fmt: skip


def takes(fields: list[dict[str, Any]], **record: Any) -> bool:
    predicate = compile_selectors((), parse_advanced([{"FieldSelectors": fields}]))
    return predicate(read_record(encoded(BASE | record)).head)


DATA = {"Field": "eventCategory", "Equals": ["Data"]}
OBJECT = {"Field": "resources.type", "Equals": ["AWS::S3::Object"]}
BUCKET = "arn:aws:s3:::bucket/"
SIX = {
    "Field": "resources.ARN",
    "Equals": [f"{BUCKET}object1"],
    "StartsWith": [BUCKET],
    "EndsWith": ["object3"],
    "NotStartsWith": [f"{BUCKET}deselect"],
    "NotEndsWith": ["object5"],
    "NotEquals": [f"{BUCKET}object6"],
}


@pytest.mark.parametrize(
    ("arn", "taken"),
    [
        (f"{BUCKET}object1", True),
        (f"{BUCKET}object2", True),
        ("arn:aws:s3:::other/object3", True),
        (f"{BUCKET}deselectObject4", False),
        (f"{BUCKET}object5", False),
        (f"{BUCKET}object6", False),
        ("arn:aws:s3:::other/object5", False),
        ("arn:aws:s3:::other/object7", False),
    ],
)
def test_all_six_operators_agree_on_one_field(arn: str, taken: bool) -> None:
    resources = [{"type": "AWS::S3::Object", "ARN": arn}]

    assert takes([DATA, OBJECT, SIX], eventCategory="Data", resources=resources) is taken


def test_type_and_arn_must_hold_on_the_same_resource() -> None:
    on_bucket = {"Field": "resources.ARN", "Equals": ["arn:aws:s3:::b"]}
    resources = [
        {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::b/k"},
        {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::b"},
    ]

    assert not takes([DATA, OBJECT, on_bucket], eventCategory="Data", resources=resources)


@pytest.mark.parametrize(
    ("condition", "taken"),
    [
        ({"Equals": ["x"]}, False),
        ({"StartsWith": ["x"]}, False),
        ({"EndsWith": ["x"]}, False),
        ({"NotEquals": ["x"]}, True),
        ({"NotStartsWith": ["x"]}, True),
        ({"NotEndsWith": ["x"]}, True),
        ({"Equals": ["x"], "NotEquals": ["y"]}, False),
    ],
)
def test_an_absent_field_fails_what_is_wanted_and_passes_what_is_not(
    condition: dict[str, list[str]], taken: bool
) -> None:
    resources = [{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::b/k"}]

    for name in ("eventName", "userIdentity.arn"):
        fields = [DATA, OBJECT, {"Field": name, **condition}]
        assert takes(fields, eventCategory="Data", resources=resources) is taken


def test_conditions_that_all_selectors_share_hold_for_each_of_them() -> None:
    names = {"Field": "eventName", "StartsWith": ["Get"], "NotEndsWith": ["Acl"]}
    people = {"Field": "userIdentity.arn", "NotEquals": ["arn:aws:iam::1:user/robot"]}
    keys = [{"Field": "resources.ARN", "StartsWith": [f"{BUCKET}{one}"]} for one in ("a", "b")]
    selectors = [{"FieldSelectors": [DATA, OBJECT, names, people, one]} for one in keys]
    predicate = compile_selectors((), parse_advanced(selectors))

    def taken(name: str, key: str, **more: Any) -> bool:
        resources = [{"type": "AWS::S3::Object", "ARN": f"{BUCKET}{key}"}]
        values = {"eventCategory": "Data", "eventName": name, "resources": resources}
        return predicate(read_record(encoded(BASE | values | more)).head)

    robot = {"userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::1:user/robot"}}
    assert taken("GetObject", "a/1")
    assert taken("GetObject", "b/1")
    assert not taken("GetObject", "c/1")
    assert not taken("GetObjectAcl", "a/1")
    assert not taken("PutObject", "b/1")
    assert not taken("GetObject", "a/1", **robot)


def test_selectors_of_several_types_are_each_asked_for_their_own() -> None:
    types = ("AWS::S3::Object", "AWS::Lambda::Function", "AWS::SQS::Queue")
    selectors = [
        {"FieldSelectors": [DATA, {"Field": "resources.type", "Equals": [one]}]} for one in types
    ]
    predicate = compile_selectors((), parse_advanced(selectors))

    def taken(kind: str) -> bool:
        values = {"eventCategory": "Data", "resources": [{"type": kind}]}
        return predicate(read_record(encoded(BASE | values)).head)

    assert all(taken(one) for one in types)
    assert not taken("AWS::SNS::Topic")


@pytest.mark.parametrize("value", ["Put*", "putobject", "PutObject ", "*"])
def test_values_are_literal_and_case_counts(value: str) -> None:
    resources = [{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::b/k"}]
    fields = [DATA, OBJECT, {"Field": "eventName", "Equals": [value], "StartsWith": [value]}]

    assert not takes(fields, eventCategory="Data", resources=resources, eventName="PutObject")


def test_the_logs_own_bucket_can_be_left_out() -> None:
    fields = [DATA, OBJECT, {"Field": "resources.ARN", "NotStartsWith": ["arn:aws:s3:::logs/"]}]
    delivered = [{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::logs/AWSLogs/1"}]
    other = [{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::logs2/AWSLogs/1"}]

    assert not takes(fields, eventCategory="Data", resources=delivered)
    assert takes(fields, eventCategory="Data", resources=other)


def test_a_tables_selector_takes_the_events_of_its_stream() -> None:
    table = "arn:aws:dynamodb:us-east-1:1:table/t"
    resources = [
        {"type": "AWS::DynamoDB::Stream", "ARN": f"{table}/stream/2026"},
        {"type": "AWS::DynamoDB::Table", "ARN": table},
    ]
    selector = {"DataResources": [{"Type": "AWS::DynamoDB::Table", "Values": [table]}]}
    predicate = compile_selectors(parse_basic([selector]), ())

    assert predicate(
        read_record(encoded(BASE | {"eventCategory": "Data", "resources": resources})).head
    )


def test_each_of_several_exclusions_counts_for_its_own_selector_only() -> None:
    selectors = parse_basic(
        [
            {"ExcludeManagementEventSources": ["kms.amazonaws.com"]},
            {"ExcludeManagementEventSources": ["rdsdata.amazonaws.com"]},
        ]
    )
    record = BASE | {"eventCategory": "Management", "eventSource": "kms.amazonaws.com"}

    assert compile_selectors(selectors, ())(read_record(encoded(record)).head)
    assert not compile_selectors(selectors[:1], ())(read_record(encoded(record)).head)
