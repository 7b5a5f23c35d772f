"""The compiled predicates against the rules written out slowly."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opentrail.record import RecordHead, Resource, UserIdentity
from opentrail.selectors import (
    InvalidEventSelectors,
    compile_selectors,
    parse_advanced,
    parse_basic,
    show_advanced,
    show_basic,
)

TEXTS = st.sampled_from(["a", "ab", "abc", "b", "ba", "bab", "", "PutObject", "arn:aws:s3:::b/k"])
VALUES = st.lists(TEXTS.filter(bool), max_size=3, unique=True)
OPERATORS = (
    "Equals", "NotEquals", "StartsWith", "NotStartsWith", "EndsWith", "NotEndsWith"
)  # fmt: skip
FREE_FIELDS = ("eventName", "eventSource", "eventType", "userIdentity.arn", "resources.ARN")


def as_arn(text: str) -> str:
    return text if text.startswith("arn:") else f"arn:aws:s3:::{text}"


def heads() -> st.SearchStrategy[RecordHead]:
    resource = st.builds(
        Resource,
        type=st.sampled_from(["AWS::S3::Object", "AWS::S3::Bucket"]),
        arn=TEXTS | TEXTS.map(as_arn) | st.none(),
    )
    return st.builds(
        RecordHead,
        event_id=st.just("e"),
        event_time=st.just("2026-01-01T00:00:00Z"),
        event_version=st.just("1.11"),
        aws_region=st.just("us-east-1"),
        event_category=st.sampled_from(["Management", "Data"]),
        event_type=TEXTS | st.none(),
        event_source=TEXTS | st.none(),
        event_name=TEXTS | st.none(),
        read_only=st.booleans() | st.none(),
        user_identity=st.builds(UserIdentity, arn=TEXTS | st.none()) | st.none(),
        resources=st.lists(resource, max_size=3).map(tuple) | st.none(),
    )


def data_selector(draw: Any) -> dict[str, Any]:
    fields: list[dict[str, Any]] = [
        {"Field": "eventCategory", "Equals": ["Data"]},
        {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
    ]
    if draw(st.booleans()):
        fields.append({"Field": "readOnly", "Equals": [draw(st.sampled_from(["true", "false"]))]})
    for name in draw(st.lists(st.sampled_from(FREE_FIELDS), max_size=3, unique=True)):
        conditions = {operator: draw(VALUES) for operator in OPERATORS if draw(st.booleans())}
        if name == "resources.ARN":
            conditions |= {
                operator: list(dict.fromkeys(map(as_arn, conditions[operator])))
                for operator in ("Equals", "NotEquals")
                if operator in conditions
            }
        if any(conditions.values()):
            fields.append({"Field": name, **conditions})
    return {"FieldSelectors": fields}


def slowly(selector: dict[str, Any], head: RecordHead) -> bool:
    """The rules as the documentation says them, one after the other."""
    values = {
        "eventCategory": head.event_category,
        "eventName": head.event_name,
        "eventSource": head.event_source,
        "eventType": head.event_type,
        "userIdentity.arn": head.user_identity.arn if head.user_identity else None,
        "readOnly": None if head.read_only is None else str(head.read_only).lower(),
    }
    on_resource = []
    for field in selector["FieldSelectors"]:
        if field["Field"].startswith("resources."):
            on_resource.append(field)
        elif not holds(field, values[field["Field"]]):
            return False
    return any(
        all(
            holds(field, one.type if field["Field"] == "resources.type" else one.arn)
            for field in on_resource
        )
        for one in head.resources or ()
    )


def holds(field: dict[str, Any], value: str | None) -> bool:
    wanted = [
        *((value == text) for text in field.get("Equals", [])),
        *((value or "").startswith(text) for text in field.get("StartsWith", [])),
        *((value or "").endswith(text) for text in field.get("EndsWith", [])),
    ]
    unwanted = [
        *((value == text) for text in field.get("NotEquals", [])),
        *((value or "").startswith(text) for text in field.get("NotStartsWith", [])),
        *((value or "").endswith(text) for text in field.get("NotEndsWith", [])),
    ]
    return not any(unwanted) and (not wanted or any(wanted))


@settings(max_examples=400, deadline=None)
@given(st.data(), st.lists(heads(), min_size=1, max_size=6))
def test_advanced_selectors_take_what_the_rules_say(data: Any, some: list[RecordHead]) -> None:
    selectors = [data_selector(data.draw) for _ in range(data.draw(st.integers(1, 3)))]
    predicate = compile_selectors((), parse_advanced(selectors))

    for head in some:
        assert predicate(head) == any(slowly(one, head) for one in selectors)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_an_advanced_selector_is_shown_as_it_was_given(data: Any) -> None:
    given_one = data_selector(data.draw)
    for field in given_one["FieldSelectors"]:
        for operator in OPERATORS:
            if not field.get(operator):
                field.pop(operator, None)

    (parsed,) = parse_advanced([given_one])

    assert show_advanced(parsed) == given_one


def head_of(**values: Any) -> RecordHead:
    usual = {"event_id": "e", "event_time": "t", "event_version": "1.11", "aws_region": "us-east-1"}
    return RecordHead(**(usual | values))


OBJECT = Resource(type="AWS::S3::Object", arn="arn:aws:s3:::logs/2026/a")
IN_CHINA = Resource(type="AWS::S3::Object", arn="arn:aws-cn:s3:::logs/2026/a")
FUNCTION = Resource(type="AWS::Lambda::Function", arn="arn:aws:lambda:us-east-1:1:function:f:7")
BASIC: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({}, {"event_category": "Management", "read_only": True}, True),
    ({"ReadWriteType": "WriteOnly"}, {"event_category": "Management", "read_only": True}, False),
    ({"ReadWriteType": "ReadOnly"}, {"event_category": "Management", "read_only": True}, True),
    ({"ReadWriteType": "ReadOnly"}, {"event_category": "Management"}, False),
    ({}, {"event_category": "Data", "resources": (OBJECT,)}, False),
    ({"DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}]},
     {"event_category": "Data", "resources": (OBJECT,)}, True),
    ({"DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::logs/"]}]},
     {"event_category": "Data", "resources": (OBJECT,)}, True),
    ({"DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::logs/2025"]}]},
     {"event_category": "Data", "resources": (OBJECT,)}, False),
    ({"DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws-cn:s3:::logs/"]}]},
     {"event_category": "Data", "resources": (IN_CHINA,)}, True),
    ({"DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws-cn:s3"]}]},
     {"event_category": "Data", "resources": (IN_CHINA,)}, True),
    ({"DataResources": [{"Type": "AWS::Lambda::Function",
                         "Values": ["arn:aws:lambda:us-east-1:1:function:f"]}]},
     {"event_category": "Data", "resources": (FUNCTION,)}, True),
    ({"DataResources": [{"Type": "AWS::Lambda::Function",
                         "Values": ["arn:aws:lambda:us-east-1:1:function:"]}]},
     {"event_category": "Data", "resources": (FUNCTION,)}, False),
    ({"ExcludeManagementEventSources": ["kms.amazonaws.com"]},
     {"event_category": "Management", "event_source": "kms.amazonaws.com"}, False),
    ({"ExcludeManagementEventSources": ["kms.amazonaws.com"]},
     {"event_category": "Management", "event_source": "iam.amazonaws.com"}, True),
    ({}, {"event_category": "Insight"}, False),
]  # fmt: skip


@pytest.mark.parametrize(("selector", "values", "taken"), BASIC)
def test_a_basic_selector_takes(
    selector: dict[str, Any], values: dict[str, Any], taken: bool
) -> None:
    predicate = compile_selectors(parse_basic([selector]), ())

    assert predicate(head_of(**values)) is taken


def test_a_basic_selector_is_shown_whole() -> None:
    (parsed,) = parse_basic([{"ReadWriteType": "ReadOnly"}])

    assert show_basic(parsed) == {
        "ReadWriteType": "ReadOnly", "IncludeManagementEvents": True, "DataResources": [],
        "ExcludeManagementEventSources": []}  # fmt: skip


def field(name: str, **conditions: list[str]) -> dict[str, Any]:
    return {"Field": name, **conditions}


DATA = field("eventCategory", Equals=["Data"])
KIND = field("resources.type", Equals=["AWS::S3::Object"])
MANAGEMENT = field("eventCategory", Equals=["Management"])
REFUSED_ADVANCED: list[list[dict[str, Any]]] = [
    [],
    [field("eventName", Equals=["x"])],
    [field("eventCategory", Equals=["Data", "Management"]), KIND],
    [field("eventCategory", NotEquals=["Data"]), KIND],
    [field("eventCategory", Equals=["Insight"])],
    [DATA],
    [DATA, field("resources.type", Equals=["AWS::S3::Object", "AWS::S3::Bucket"])],
    [DATA, field("resources.type", StartsWith=["AWS::"])],
    [DATA, field("resources.type", Equals=["bucket"])],
    [DATA, KIND, field("eventName")],
    [DATA, KIND, field("eventName", Equals=["a"]), field("eventName", Equals=["b"])],
    [DATA, KIND, field("readOnly", Equals=["yes"])],
    [DATA, KIND, field("readOnly", NotEquals=["true"])],
    [DATA, KIND, field("errorCode", Equals=["VpceAccessDenied"])],
    [DATA, KIND, field("eventName", Equals=["x"] * 501)],
    [MANAGEMENT, field("eventName", Equals=["x"])],
    [MANAGEMENT, field("eventSource", Equals=["kms.amazonaws.com"])],
    [MANAGEMENT, field("eventSource", NotEquals=["iam.amazonaws.com"])],
    [field("eventCategory", Equals=["NetworkActivity"])],
    [field("eventCategory", Equals=["NetworkActivity"]), field("eventSource", Equals=["s3"]),
     field("errorCode", Equals=["AccessDenied"])],
]  # fmt: skip


@pytest.mark.parametrize("fields", REFUSED_ADVANCED)
def test_an_advanced_selector_against_the_rules_is_refused(fields: list[dict[str, Any]]) -> None:
    with pytest.raises(InvalidEventSelectors):
        parse_advanced([{"FieldSelectors": fields}] if fields else [])


REFUSED_BASIC: list[list[dict[str, Any]]] = [
    [],
    [{}] * 6,
    [{"IncludeManagementEvents": False}],
    [{"ReadWriteType": "Some"}],
    [{"ExcludeManagementEventSources": ["iam.amazonaws.com"]}],
    [{"DataResources": [{"Type": "AWS::S3::Bucket", "Values": ["arn:aws:s3:::b"]}]}],
    [{"DataResources": [{"Type": "AWS::S3::Object", "Values": ["b/"]}]}],
    [{"DataResources": [{"Type": "AWS::S3::Object",
                         "Values": [f"arn:aws:s3:::b{number}/" for number in range(251)]}]}],
]  # fmt: skip


@pytest.mark.parametrize("selectors", REFUSED_BASIC)
def test_a_basic_selector_against_the_rules_is_refused(selectors: list[dict[str, Any]]) -> None:
    with pytest.raises(InvalidEventSelectors):
        parse_basic(selectors)
