"""What selectors may say, up to the last allowed value, and how they are shown again."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opentrail.selectors import (
    DEFAULT_SELECTORS,
    AdvancedEventSelector,
    EventSelector,
    InvalidEventSelectors,
    parse_advanced,
    parse_basic,
    show_advanced,
    show_basic,
)


def field(name: str, **conditions: list[str]) -> dict[str, Any]:
    return {"Field": name, **conditions}


DATA = field("eventCategory", Equals=["Data"])
KIND = field("resources.type", Equals=["AWS::S3::Object"])
MANAGEMENT = field("eventCategory", Equals=["Management"])
NETWORK = field("eventCategory", Equals=["NetworkActivity"])
SOURCE = field("eventSource", Equals=["s3.amazonaws.com"])
ALLOWED: list[list[dict[str, Any]]] = [
    [MANAGEMENT],
    [MANAGEMENT, field("readOnly", Equals=["true"])],
    [MANAGEMENT, field("readOnly", Equals=["true", "false"])],
    [MANAGEMENT, field("eventSource", NotEquals=["kms.amazonaws.com"])],
    [MANAGEMENT, field("eventSource", NotEquals=["kms.amazonaws.com", "rdsdata.amazonaws.com"])],
    [DATA, KIND],
    [KIND, DATA],
    [DATA, field("resources.type", Equals=["AWS::TransformCustom::Campaign"])],
    [DATA, KIND, field("readOnly", Equals=["false"])],
    [DATA, KIND, field("eventName", NotEquals=["DeleteObject"])],
    [DATA, KIND, field("eventName", Equals=["DeleteObject"]),
     field("eventType", NotEquals=["AwsServiceEvent"])],
    [DATA, KIND, field("eventSource", StartsWith=["s3"], NotEndsWith=[".cn"])],
    [DATA, KIND, field("sessionCredentialFromConsole", Equals=["true"])],
    [DATA, KIND, field("sessionCredentialFromConsole", NotEquals=["true"])],
    [DATA, KIND, field("userIdentity.arn", NotStartsWith=["arn:aws:sts::1:assumed-role/AWSSer"])],
    [DATA, KIND, field("resources.ARN", StartsWith=["arn:aws:s3:::b/"], NotEndsWith=[".tmp"])],
    [NETWORK, SOURCE],
    [NETWORK, SOURCE, field("errorCode", Equals=["VpceAccessDenied"])],
    [NETWORK, SOURCE, field("vpcEndpointId", NotEquals=["vpce-1"])],
    [NETWORK, SOURCE, field("eventName", EndsWith=["Object"])],
    [NETWORK, SOURCE, field("userIdentity.arn", EndsWith=["/me"])],
]  # fmt: skip


@pytest.mark.parametrize("fields", ALLOWED)
def test_an_advanced_selector_within_the_rules_is_taken(fields: list[dict[str, Any]]) -> None:
    (parsed,) = parse_advanced([{"FieldSelectors": fields}])

    assert show_advanced(parsed) == {"FieldSelectors": fields}


REFUSED: list[tuple[list[dict[str, Any]], str]] = [
    ([field("eventCategory", Equals=["Insight"])], "Insight"),
    ([field("eventCategory", Equals=["ConfigurationItem"])], "ConfigurationItem"),
    ([field("eventCategory", Equals=["Evidence"])], "Evidence"),
    ([field("eventCategory", Equals=["ActivityAuditLog"])], "ActivityAuditLog"),
    ([field("eventCategory", Equals=["data"]), KIND], "data"),
    ([field("eventCategory", Equals=["Data"], NotEquals=["Data"]), KIND], "eventCategory"),
    ([DATA, DATA, KIND], "eventCategory"),
    ([KIND], "eventCategory"),
    ([MANAGEMENT, KIND], "resources.type"),
    ([MANAGEMENT, field("resources.ARN", Equals=["arn:aws:s3:::b"])], "resources.ARN"),
    ([MANAGEMENT, field("eventType", Equals=["AwsApiCall"])], "eventType"),
    ([MANAGEMENT, field("userIdentity.arn", Equals=["arn"])], "userIdentity.arn"),
    ([MANAGEMENT, field("sessionCredentialFromConsole", Equals=["true"])],
     "sessionCredentialFromConsole"),
    ([MANAGEMENT, field("readOnly", StartsWith=["t"])], "readOnly"),
    ([MANAGEMENT, field("readOnly", Equals=["True"])], "readOnly"),
    ([MANAGEMENT, field("eventSource", NotStartsWith=["kms.amazonaws.com"])], "eventSource"),
    ([MANAGEMENT, field("eventSource", NotEquals=["kms.amazonaws.com"], Equals=["s3"])],
     "eventSource"),
    ([MANAGEMENT, field("eventSource", NotEquals=["kms.amazonaws.com", "s3.amazonaws.com"])],
     "eventSource"),
    ([DATA, KIND, field("vpcEndpointId", Equals=["vpce-1"])], "vpcEndpointId"),
    ([DATA, KIND, field("awsRegion", Equals=["us-east-1"])], "awsRegion"),
    ([DATA, KIND, field("", Equals=["x"])], "''"),
    ([DATA, field("resources.type", Equals=["AWS::S3::Object"], EndsWith=["t"])],
     "resources.type"),
    ([DATA, field("resources.type", Equals=["AWS::S3"])], "AWS::S3"),
    ([DATA, field("resources.type", Equals=["aws::s3::object"])], "aws::s3::object"),
    ([DATA, field("resources.type", Equals=["AWS::S3::Objekt"])], "AWS::S3::Object"),
    ([DATA, KIND, field("resources.ARN", Equals=["bucket/key"])], "resources.ARN"),
    ([DATA, KIND, field("resources.ARN", NotEquals=["arn:aws:sqs:eu-west-1:1:q"])], "StartsWith"),
    ([DATA, KIND, field("resources.ARN", Equals=[])], "resources.ARN"),
    ([DATA, KIND, field("sessionCredentialFromConsole", Equals=["false"])],
     "sessionCredentialFromConsole"),
    ([DATA, KIND, field("sessionCredentialFromConsole", StartsWith=["t"])],
     "sessionCredentialFromConsole"),
    ([NETWORK], "eventSource"),
    ([NETWORK, field("eventSource", Equals=["a", "b"])], "eventSource"),
    ([NETWORK, field("eventSource", StartsWith=["s3"])], "eventSource"),
    ([NETWORK, SOURCE, field("errorCode", NotEquals=["VpceAccessDenied"])], "errorCode"),
    ([NETWORK, SOURCE, field("readOnly", Equals=["true"])], "readOnly"),
    ([NETWORK, SOURCE, KIND], "resources.type"),
    ([NETWORK, SOURCE, field("eventType", Equals=["AwsVpceEvent"])], "eventType"),
    ([DATA, KIND, field("sessionCredentialFromConsole", Equals=["true"], StartsWith=["t"])],
     "Equals and NotEquals only"),
    ([NETWORK, field("eventSource", Equals=["s3.amazonaws.com"], NotEquals=["x"])], "Equals only"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "named"), REFUSED)
def test_the_refusal_of_an_advanced_selector_names_what_is_wrong(
    fields: list[dict[str, Any]], named: str
) -> None:
    with pytest.raises(InvalidEventSelectors) as refused:
        parse_advanced([{"FieldSelectors": fields}])

    assert named in str(refused.value)


def test_a_good_selector_does_not_make_up_for_a_bad_one() -> None:
    with pytest.raises(InvalidEventSelectors):
        parse_advanced([{"FieldSelectors": [MANAGEMENT]}, {"FieldSelectors": [DATA]}])


@pytest.mark.parametrize("absent", [{}, {"FieldSelectors": []}, {"FieldSelectors": None}])
def test_an_advanced_selector_without_fields_is_refused(absent: dict[str, Any]) -> None:
    with pytest.raises(InvalidEventSelectors, match="eventCategory"):
        parse_advanced([absent])


def with_values(count: int) -> dict[str, Any]:
    """A selector of `count` values; category and type are two of them."""
    names = [f"Get{number}" for number in range(count - 2)]
    half = len(names) // 2
    named = field("eventName", Equals=names[:half], NotEquals=names[half:])
    return {"FieldSelectors": [DATA, KIND, named]}


@pytest.mark.parametrize("counts", [(500,), (250, 250), (100,) * 5])
def test_five_hundred_values_are_allowed_over_all_selectors(counts: tuple[int, ...]) -> None:
    assert len(parse_advanced([with_values(count) for count in counts])) == len(counts)


@pytest.mark.parametrize("counts", [(501,), (250, 251), (100, 100, 100, 100, 101)])
def test_one_value_more_is_refused(counts: tuple[int, ...]) -> None:
    with pytest.raises(InvalidEventSelectors, match="501"):
        parse_advanced([with_values(count) for count in counts])


def test_a_trail_may_have_more_than_five_advanced_selectors() -> None:
    assert len(parse_advanced([{"FieldSelectors": [MANAGEMENT]}] * 6)) == 6


@pytest.mark.parametrize("given_name", [None, "", "all of S3"])
def test_a_name_is_shown_when_there_is_one(given_name: str | None) -> None:
    (parsed,) = parse_advanced([{"Name": given_name, "FieldSelectors": [MANAGEMENT]}])

    assert show_advanced(parsed).get("Name") == (given_name or None)


# Basic selectors


def objects(*values: str) -> dict[str, Any]:
    return {"Type": "AWS::S3::Object", "Values": list(values)}


REFUSED_BASIC: list[tuple[list[dict[str, Any]], str]] = [
    ([{"ReadWriteType": "all"}], "'all'"),
    ([{"ReadWriteType": ""}], "ReadWriteType"),
    ([{"ReadWriteType": None}], "ReadWriteType"),
    ([{}, {"ReadWriteType": "Write"}], "'Write'"),
    ([{"ExcludeManagementEventSources": ["kms.amazonaws.com", "kms"]}], "'kms'"),
    ([{"ExcludeManagementEventSources": ["KMS.amazonaws.com"]}], "KMS"),
    ([{"IncludeManagementEvents": False, "DataResources": []}], "management or data"),
    ([{"IncludeManagementEvents": False, "DataResources": [objects("arn:aws:s3")],
       "ExcludeManagementEventSources": ["kms.amazonaws.com"]}], "IncludeManagementEvents"),
    ([{"DataResources": [{"Values": ["arn:aws:s3"]}]}], "''"),
    ([{"DataResources": [{"Type": "AWS::SNS::Topic", "Values": ["arn:aws:sns"]}]}],
     "AWS::SNS::Topic"),
    ([{"DataResources": [{"Type": "AWS::Lambda::Function", "Values": ["arn:aws:s3"]}]}],
     "arn:aws:s3"),
    ([{"DataResources": [{"Type": "AWS::DynamoDB::Table", "Values": ["arn:aws:dynamodbx:t"]}]}],
     "arn:aws:dynamodbx:t"),
    ([{"DataResources": [objects("arn:aws:s3:::b/", "")]}], "''"),
    ([{"DataResources": [objects("*")]}], "'*'"),
    ([{"DataResources": [{"Type": "AWS::Lambda::Function",
                          "Values": ["arn:aws:lambda:us-east-1:123456789012:layer:x"]}]}], "layer"),
    ([{"DataResources": [{"Type": "AWS::DynamoDB::Table",
                          "Values": ["arn:aws:dynamodb:us-east-1"]}]}], "dynamodb:us-east-1"),
    ([{"DataResources": [objects("arn:aws:s3:us-east-1:123456789012:accesspoint/x")]}],
     "accesspoint"),
]  # fmt: skip


@pytest.mark.parametrize(("selectors", "named"), REFUSED_BASIC)
def test_the_refusal_of_a_basic_selector_names_what_is_wrong(
    selectors: list[dict[str, Any]], named: str
) -> None:
    with pytest.raises(InvalidEventSelectors) as refused:
        parse_basic(selectors)

    assert named in str(refused.value)


def numbered(count: int, start: int = 0) -> dict[str, Any]:
    values = [f"arn:aws:s3:::b{number}/" for number in range(start, start + count)]
    return {"DataResources": [objects(*values)]}


@pytest.mark.parametrize("counts", [(250,), (50, 50, 50, 1, 99)])
def test_250_data_resources_are_allowed_over_all_selectors(counts: tuple[int, ...]) -> None:
    assert len(parse_basic([numbered(count) for count in counts])) == len(counts)


@pytest.mark.parametrize("counts", [(251,), (50, 50, 50, 1, 100)])
def test_one_data_resource_more_is_refused(counts: tuple[int, ...]) -> None:
    with pytest.raises(InvalidEventSelectors, match="251"):
        parse_basic([numbered(count) for count in counts])


def test_what_stands_for_all_resources_does_not_count() -> None:
    everything = [
        objects("arn:aws:s3", "arn:aws:s3:::"),
        {"Type": "AWS::Lambda::Function", "Values": ["arn:aws:lambda"]},
        {"Type": "AWS::DynamoDB::Table", "Values": ["arn:aws:dynamodb"]},
    ]

    assert parse_basic([numbered(250), {"DataResources": everything}])


@pytest.mark.parametrize("count", [1, 5])
def test_up_to_five_basic_selectors_are_allowed(count: int) -> None:
    assert parse_basic([{}] * count) == DEFAULT_SELECTORS * count


READ_WRITE = st.sampled_from(["All", "ReadOnly", "WriteOnly"])
RESOURCES = st.lists(
    st.builds(
        lambda names: objects(*(f"arn:aws:s3:::{name}/" for name in names)),
        st.lists(st.text(alphabet="abc", min_size=3, max_size=5), max_size=3),
    ),
    max_size=3,
)


@settings(max_examples=100, deadline=None)
@given(READ_WRITE, RESOURCES, st.booleans())
def test_a_basic_selector_is_shown_as_it_was_given(
    kind: str, resources: list[dict[str, Any]], include: bool
) -> None:
    selector = {
        "ReadWriteType": kind,
        "IncludeManagementEvents": include or not resources,
        "DataResources": resources,
        "ExcludeManagementEventSources": [],
    }

    (parsed,) = parse_basic([selector])

    assert show_basic(parsed) == selector
    assert parse_basic([show_basic(parsed)]) == (parsed,)


# Kept


def test_selectors_are_kept_and_read_back_unchanged() -> None:
    (basic,) = parse_basic([numbered(2)])
    (advanced,) = parse_advanced([{"Name": "n", "FieldSelectors": [DATA, KIND]}])

    for value, kind in ((basic, EventSelector), (advanced, AdvancedEventSelector)):
        assert msgspec.json.decode(msgspec.json.encode(value), type=kind) == value
