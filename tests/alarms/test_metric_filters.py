"""Messages become datapoints as metric transformations say."""

import json
from typing import Any

import pytest

from opentrail.alarms.filter_pattern import LogMessage
from opentrail.alarms.metric_filter import (
    CompiledMetricFilter,
    InvalidTransformation,
    MetricFilter,
    Sample,
)

MESSAGE = LogMessage(
    json.dumps(
        {"n": 5, "text": "7.5", "user": "alice", "long": "x" * 3000, "empty": "", "huge": 1e300}
    )
)


def compiled(pattern: str, value: str, **values: Any) -> CompiledMetricFilter:
    return CompiledMetricFilter(
        MetricFilter(
            account_id="123456789012", region="us-east-1", group="g", name="f", pattern=pattern,
            metric_namespace="ns", metric_name="m", value=value, created=0, **values,
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1", 1.0), ("-2.5e1", -25.0), ("$.n", 5.0), ("$.text", 7.5), ("$.user", None),
     ("$.none", None), ("$.huge", None)],
)  # fmt: skip
def test_a_value_is_a_number_or_read_in_the_message(value: str, expected: float | None) -> None:
    found = compiled("{ $.n = 5 }", value).sample(MESSAGE)

    assert found == (None if expected is None else Sample(expected, ()))


def test_dimensions_are_read_in_the_message_or_there_is_no_datapoint() -> None:
    pattern = "{ $.n = 5 }"
    both = compiled(pattern, "1", dimensions=(("Z", "$.user"), ("A", "$.n")))
    system = compiled(pattern, "1", system_fields=("@aws.region", "@aws.account"))

    assert both.sample(MESSAGE) == Sample(1.0, (("A", "5"), ("Z", "alice")))
    assert system.sample(MESSAGE) == Sample(
        1.0, (("@aws.account", "123456789012"), ("@aws.region", "us-east-1"))
    )
    for selector in ("$.none", "$.empty"):
        assert compiled(pattern, "1", dimensions=(("D", selector),)).sample(MESSAGE) is None
    long = compiled(pattern, "1", dimensions=(("D", "$.long"),)).sample(MESSAGE)
    assert long == Sample(1.0, (("D", "x" * 1024),))


def test_fields_of_lines_give_values_and_dimensions() -> None:
    made = compiled("[user, ..., bytes]", "$bytes", dimensions=(("User", "$user"), ("2", "$2")))

    assert made.sample(LogMessage("bob GET 1534")) == Sample(
        1534.0, (("2", "GET"), ("User", "bob"))
    )
    assert made.sample(LogMessage("bob GET many")) is None


@pytest.mark.parametrize(
    ("pattern", "values", "message"),
    [
        ("x", {"value": "$.n"}, "metric value $.n must be a valid number"),
        ("{ $.a = 1 }", {"value": "one"}, "metric value one must be a valid number"),
        ("x", {"dimensions": (("D", "$.a"),)}, "The specified filter pattern does not support dimensions"),
        ("{ $.a = 1 }", {"dimensions": (("D", "fixed"),)}, "dimension value must be valid selector"),
        ("{ $.a = 1 }", {"dimensions": (("D", "$.a"),), "default": 0.0},
         "dimensions and default value are mutually exclusive properties"),
        ("{ $.a = 1 }", {"dimensions": tuple((f"D{n}", "$.a") for n in range(4))}, "4 dimensions; 3 are allowed"),
        ("x", {"default": 1e200}, "the default value is not within 2.360 of 0"),
        ("x", {"system_fields": ("@aws.vpc",)}, "Invalid system field"),
    ],
)  # fmt: skip
def test_transformations_that_do_not_fit_are_refused(
    pattern: str, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidTransformation, match=message.replace("$", r"\$")):
        compiled(pattern, values.pop("value", "1"), **values)
