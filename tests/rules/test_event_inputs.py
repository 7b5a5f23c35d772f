"""What targets get of an event."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventbridge_vectors import cases, ids
from opentrail.predicate.reading import decoded
from opentrail.rules.json_path import MISSING, InvalidPath, parse_path
from opentrail.rules.rule import Target, Transformer
from opentrail.rules.transform import NotTransformed, Occasion, input_of

CASES = [case for case in cases("input_transformers") if case["kind"] != "PutTargets"]


def occasion(event: Any) -> Occasion:
    text = json.dumps(event)
    values = decoded(text.encode())
    assert values is not None
    return Occasion(
        event=values,
        text=text,
        rule_arn="arn:aws:events:us-east-2:123456789012:rule/example",
        rule_name="example",
        ingested="2026-07-01T09:00:00Z",
    )


def filled(template: str, event: Any, **paths: str) -> str:
    target = Target(id="t", arn="arn:aws:sqs:r:1:q", transformer=Transformer(paths, template))
    return input_of(target)(occasion(event))


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_a_target_gets_what_aws_gave(case: Any) -> None:
    transformer = case.get("InputTransformer")
    target = Target(
        id="t",
        arn="arn:aws:sqs:r:1:q",
        input_path=case.get("InputPath"),
        transformer=transformer
        and Transformer(transformer["InputPathsMap"], transformer["InputTemplate"]),
    )
    expected = case["expected"]
    if expected.get("delivered") is False:
        with pytest.raises(NotTransformed):
            input_of(target)(occasion(case["event"]))
        return

    text = input_of(target)(occasion(case["event"]))

    if "body_json" in expected:
        assert json.loads(text) == expected["body_json"]
    else:
        assert text == expected["body_text"]


def test_without_anything_said_the_whole_event_comes_as_it_was_told() -> None:
    event = occasion({"a": 1.50, "detail": {"n": 100000000000000000000000001}})

    assert input_of(Target(id="t", arn="a"))(event) == event.text
    assert input_of(Target(id="t", arn="a", input='{"x":1}'))(event) == '{"x":1}'


def test_numbers_stay_as_they_are_spelled() -> None:
    assert filled('{"n": <n>}', {"n": 1}, n="$.n") == '{"n": 1}'
    target = Target(id="t", arn="a", input_path="$.n")
    event = Occasion(
        event=decoded(b'{"n":1.50e3}') or {}, text="", rule_arn="", rule_name="", ingested=""
    )
    assert input_of(target)(event) == "1.50e3"


def test_what_is_missing_is_an_empty_string_or_null() -> None:
    assert filled('{"x": <x>, "y": "a<x>b"}', {}, x="$.nothing") == '{"x": "", "y": "ab"}'
    assert filled('"a <x> b"', {}, x="$.nothing") == '"a  b"'
    assert filled('{"x": <x>}', {"n": None}, x="$.n") == '{"x": null}'
    assert input_of(Target(id="t", arn="a", input_path="$.nothing"))(occasion({})) == "null"


def test_predefined_names() -> None:
    event = {"id": "1", "detail-type": "t", "detail": {"a": 1}}
    template = '{"a": <aws.events.rule-arn>, "n": "<aws.events.rule-name>", "t": <aws.events.event.ingestion-time>, "e": <aws.events.event>, "j": <aws.events.event.json>}'

    assert json.loads(filled(template, event)) == {
        "a": "arn:aws:events:us-east-2:123456789012:rule/example",
        "n": "example",
        "t": "2026-07-01T09:00:00Z",
        "e": {"id": "1", "detailType": "t"},
        "j": event,
    }


EVIL = st.text() | st.sampled_from(['"', "\\", '","admin":true,"x":"', "</b>", "\ud800", "\n"])


@given(EVIL, EVIL)
def test_no_value_ends_the_string_that_it_is_put_in(one: str, other: str) -> None:
    event = {"detail": {"one": one, "other": other}}
    paths = {"one": "$.detail.one", "other": "$.detail.other"}

    text = filled('{"a": "x <one> y", "b": <other>, "c": "<one><other>"}', event, **paths)

    assert json.loads(text) == {"a": f"x {one} y", "b": other, "c": one + other}
    assert json.loads(filled('"<one> and <other>"', event, **paths)) == f"{one} and {other}"
    whole = json.loads(filled('"got <all>"', event, all="$.detail"))
    assert whole == f"got {{one:{one},other:{other}}}"


def test_a_template_cannot_grow_without_end() -> None:
    event = {"detail": {"a": "x" * 300_000}}

    with pytest.raises(NotTransformed, match="more than 1048576 bytes"):
        filled("<aws.events.event.json>" * 300, event)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", {"a": {"b-c": [{"d": 1}, {"d": 2}, 5]}, "x y": None}),
        ("$.a.b-c[0].d", 1),
        ("$['a']['b-c'][1]", {"d": 2}),
        ('$["x y"]', None),
        ("$.a.b-c[*].d", [1, 2]),
        ("$.a.b-c[7]", MISSING),
        ("$.a.b-c.d", MISSING),
        ("$.a[0]", MISSING),
        ("$.none[*]", MISSING),
    ],
)
def test_paths(path: str, expected: Any) -> None:
    event = {"a": {"b-c": [{"d": 1}, {"d": 2}, 5]}, "x y": None}

    assert parse_path(path).value(event) == expected


@pytest.mark.parametrize(
    "path", ["", "a", "$a", "$.", "$..a", "$.a[", "$.a[-1]", "$.a[x]", "$[?(@.a)]"]
)
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(InvalidPath):
        parse_path(path)
