"""Metric filters and subscriptions by boto3."""

import json
from pathlib import Path
from typing import Any

import pytest
from api_world import ACCOUNT
from logs_world import LogsWorld, made, refused, transformation

from opentrail.alarms.metric_filter import METRIC_FILTER_KIND
from opentrail.logs.subscription import SUBSCRIPTION_KIND

LAMBDA = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"


@pytest.fixture
def logs(tmp_path: Path) -> LogsWorld:
    return made(tmp_path)


def test_a_metric_filter_is_put_shown_changed_and_removed(logs: LogsWorld) -> None:
    client = logs.client()
    client.create_log_group(logGroupName="g")
    client.create_log_group(logGroupName="h")
    for group, name, metric in (("g", "b", "m"), ("g", "a", "m2"), ("h", "c", "m")):
        client.put_metric_filter(
            logGroupName=group, filterName=name, filterPattern="{ $.a = 1 }",
            metricTransformations=transformation(
                metricName=metric, unit="Count", dimensions={"D": "$.a"}
            ),
        )  # fmt: skip

    def names(**values: Any) -> list[str]:
        pages = client.get_paginator("describe_metric_filters").paginate(
            PaginationConfig={"PageSize": 1}, **values
        )
        return [one["filterName"] for page in pages for one in page["metricFilters"]]

    assert names() == ["a", "b", "c"]
    assert names(logGroupName="g") == ["a", "b"]
    assert names(logGroupName="g", filterNamePrefix="b") == ["b"]
    assert names(metricName="m", metricNamespace="n") == ["b", "c"]
    shown = client.describe_metric_filters(logGroupName="h")["metricFilters"][0]
    assert shown["metricTransformations"] == [
        {"metricName": "m", "metricNamespace": "n", "metricValue": "1", "unit": "Count",
         "dimensions": {"D": "$.a"}}
    ]  # fmt: skip
    assert shown["filterPattern"] == "{ $.a = 1 }"
    assert client.describe_log_groups()["logGroups"][0]["metricFilterCount"] == 2
    client.put_metric_filter(
        logGroupName="g", filterName="b", filterPattern="x",
        metricTransformations=transformation(defaultValue=0),
    )  # fmt: skip
    changed = client.describe_metric_filters(logGroupName="g", filterNamePrefix="b")
    assert changed["metricFilters"][0]["metricTransformations"][0]["defaultValue"] == 0.0
    client.delete_metric_filter(logGroupName="g", filterName="b")
    assert names(logGroupName="g") == ["a"]


def test_patterns_and_transformations_that_cannot_be_are_refused(logs: LogsWorld) -> None:
    client = logs.client()
    client.create_log_group(logGroupName="g")

    def put(pattern: str, **values: Any) -> tuple[str, str]:
        return refused(
            client.put_metric_filter, logGroupName="g", filterName="f", filterPattern=pattern,
            metricTransformations=transformation(**values),
        )  # fmt: skip

    invalid = "InvalidParameterException"
    assert put("{ $.a") == (invalid, "If a filter pattern starts with '{' it must end with '}'")
    assert put("a:b") == (invalid, "Invalid character(s) in term ':'")
    assert put("a", dimensions={"D": "$.a"}) == (
        invalid, "The specified filter pattern does not support dimensions",
    )  # fmt: skip
    assert put("{ $.a = 1 }", dimensions={"D": "$.a"}, defaultValue=0) == (
        invalid,
        (
            "Invalid metric transformation: dimensions and default value are mutually exclusive "
            "properties"
        ),
    )
    assert put("x", metricValue="1", defaultValue=1e200)[0] == invalid
    assert put("x", metricValue="1e200")[0] == invalid
    for member in ({"applyOnTransformedLogs": True}, {"fieldSelectionCriteria": "x"}):
        assert refused(
            client.put_metric_filter, logGroupName="g", filterName="f", filterPattern="",
            metricTransformations=transformation(), **member,
        )[0] == invalid  # fmt: skip


def test_a_group_has_a_hundred_filters_five_of_them_with_expressions(logs: LogsWorld) -> None:
    client = logs.client()
    client.create_log_group(logGroupName="g")

    def put(number: int, pattern: str) -> None:
        client.put_metric_filter(
            logGroupName="g", filterName=f"f{number}", filterPattern=pattern,
            metricTransformations=transformation(),
        )  # fmt: skip

    for number in range(5):
        put(number, "%x%")
    limit = ("LimitExceededException", "Resource limit exceeded.")
    assert refused(put, number=5, pattern="%x%") == limit
    for number in range(5, 100):
        put(number, "x")
    assert refused(put, number=100, pattern="x") == limit
    put(0, "%y%")


@pytest.mark.parametrize(
    ("kind", "operation", "values"),
    [
        (METRIC_FILTER_KIND, "put_metric_filter", {"metricTransformations": transformation()}),
        (SUBSCRIPTION_KIND, "put_subscription_filter", {"destinationArn": LAMBDA}),
    ],
)
def test_a_filter_that_is_changed_counts_from_then_on_and_is_kept_as_it_was(
    logs: LogsWorld, kind: str, operation: str, values: dict[str, Any]
) -> None:
    client = logs.client()
    client.create_log_group(logGroupName="g")
    begins = []
    for pattern in ("one", "two", "three"):
        begins.append(logs.world.journal.end())
        getattr(client, operation)(
            logGroupName="g", filterName="f", filterPattern=pattern, **values
        )
        logs.world.journal.append([b"{}"])

    (document,) = logs.world.state.list(kind)
    last = json.loads(document.body)
    before = last["replaced"]
    assert (last["pattern"], last["not_before"]) == ("three", begins[2])
    assert (before["pattern"], before["not_before"]) == ("two", begins[1])
    assert before["replaced"] is None
    assert last["created"] == before["created"] <= before["since"] <= last["since"]


def test_patterns_are_tested_with_messages(logs: LogsWorld) -> None:
    line = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /x HTTP/1.0" 404 1534'
    client = logs.client()

    answer = client.test_metric_filter(
        filterPattern="[ip, ..., status = 4*, size]",
        logEventMessages=["short", line, line.replace("404", "200")],
    )

    assert answer["matches"] == [
        {
            "eventNumber": 2,
            "eventMessage": line,
            "extractedValues": {
                "$ip": "127.0.0.1", "$2": "-", "$3": "frank", "$4": "10/Oct/2000:13:25:15 -0700",
                "$5": "GET /x HTTP/1.0", "$status": "404", "$size": "1534",
            },
        }
    ]  # fmt: skip
    assert refused(
        client.test_metric_filter, filterPattern="{", logEventMessages=["x"]
    )[0] == "InvalidParameterException"  # fmt: skip


def test_subscriptions_are_put_shown_and_removed(logs: LogsWorld) -> None:
    client = logs.client()
    client.create_log_group(logGroupName="g")
    hook = "https://hooks.example.com/x"
    for name, destination in (("a", LAMBDA), ("b", hook)):
        client.put_subscription_filter(
            logGroupName="g", filterName=name, filterPattern="ERROR", destinationArn=destination
        )

    shown = client.describe_subscription_filters(logGroupName="g")["subscriptionFilters"]

    assert [one["destinationArn"] for one in shown] == [LAMBDA, hook]
    assert shown[0]["distribution"] == "ByLogStream"
    assert refused(
        client.put_subscription_filter, logGroupName="g", filterName="c", filterPattern="",
        destinationArn=LAMBDA,
    ) == ("LimitExceededException", "Resource limit exceeded.")  # fmt: skip
    client.put_subscription_filter(
        logGroupName="g", filterName="b", filterPattern="WARN", destinationArn=hook
    )
    client.delete_subscription_filter(logGroupName="g", filterName="a")
    (left,) = client.describe_subscription_filters(logGroupName="g")["subscriptionFilters"]
    assert (left["filterName"], left["filterPattern"]) == ("b", "WARN")
    for destination in ("x", f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/s"):
        assert refused(
            client.put_subscription_filter, logGroupName="g", filterName="b", filterPattern="",
            destinationArn=destination, roleArn=f"arn:aws:iam::{ACCOUNT}:role/r",
        )[0] == "InvalidParameterException"  # fmt: skip
