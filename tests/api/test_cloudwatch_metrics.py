"""Metrics put and read through CloudWatch's API, in its three protocols."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from api_world import OTHER
from botocore.exceptions import ClientError
from cloudwatch_world import CBOR, JSON, QUERY, CloudWatchWorld

from alarm_samples import rows

NOW = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=10)
PROTOCOLS = (CBOR, JSON, QUERY)


@pytest.fixture
def world(tmp_path: Path) -> CloudWatchWorld:
    return CloudWatchWorld(tmp_path)


def refused(call: Any, **values: Any) -> tuple[str, str, int, str | None]:
    with pytest.raises(ClientError) as caught:
        call(**values)
    error, meta = caught.value.response["Error"], caught.value.response["ResponseMetadata"]
    return error["Code"], error["Message"], meta["HTTPStatusCode"], error.get("QueryErrorCode")


def statistics(client: Any, **changed: Any) -> dict[str, Any]:
    usual = {
        "Namespace": "Trail", "MetricName": "Root", "Period": 60, "Statistics": ["Sum"],
        "StartTime": NOW - timedelta(minutes=5), "EndTime": NOW + timedelta(minutes=5),
    }  # fmt: skip
    return dict(client.get_metric_statistics(**(usual | changed)))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_put_is_read(world: CloudWatchWorld, protocol: str) -> None:
    client = world.client(protocol)
    dimensions = [{"Name": "User", "Value": "é <root>"}, {"Name": "A", "Value": "1"}]
    client.put_metric_data(Namespace="Trail", MetricData=[
        {"MetricName": "Root", "Dimensions": dimensions, "Timestamp": NOW, "Value": 2, "Unit": "Count"},
        {"MetricName": "Root", "Dimensions": dimensions[::-1], "Timestamp": NOW + timedelta(seconds=30), "Unit": "Count",
         "Values": [1.5, 4.0], "Counts": [2, 1]},
        {"MetricName": "Root", "Dimensions": dimensions, "Timestamp": NOW + timedelta(seconds=60), "Unit": "Count",
         "StatisticValues": {"SampleCount": 3, "Sum": 6, "Minimum": 1, "Maximum": 4}},
    ])  # fmt: skip

    answer = statistics(
        client, Dimensions=dimensions, ExtendedStatistics=["p50", "tm90"],
        Statistics=["Sum", "SampleCount", "Average", "Minimum", "Maximum"],
    )  # fmt: skip
    first, second = sorted(answer["Datapoints"], key=lambda one: one["Timestamp"])
    listed = client.list_metrics(Namespace="Trail", Dimensions=[{"Name": "A"}])["Metrics"]

    assert answer["Label"] == "Root"
    assert first["Timestamp"] == NOW
    assert {one: first[one] for one in first if one != "Timestamp"} == {
        "Unit": "Count", "Sum": 9.0, "SampleCount": 4.0, "Average": 2.25, "Minimum": 1.5, "Maximum": 4.0,
        "ExtendedStatistics": {"p50": 1.5, "tm90": pytest.approx((3.0 + 2.0 + 0.6 * 4.0) / 3.6)},
    }  # fmt: skip
    assert "ExtendedStatistics" not in second
    assert second["Sum"] == 6.0
    assert [(one["Namespace"], one["MetricName"]) for one in listed] == [("Trail", "Root")]
    assert listed[0]["Dimensions"] == [
        {"Name": "A", "Value": "1"},
        {"Name": "User", "Value": "é <root>"},
    ]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_large_calls_come_compressed(world: CloudWatchWorld, protocol: str) -> None:
    client = world.client(protocol)
    encodings: list[str] = []
    client.meta.events.register_first(
        "before-send",
        lambda request, **_: encodings.append(request.headers.get("Content-Encoding")),
    )

    client.put_metric_data(Namespace="Trail", MetricData=[
        {"MetricName": "Root", "Timestamp": NOW, "Value": float(one), "Dimensions": [{"Name": "n", "Value": str(one)}]}
        for one in range(900)
    ])  # fmt: skip

    assert encodings[0] in (b"gzip", "gzip")
    pages = client.get_paginator("list_metrics").paginate(Namespace="Trail")
    listed = [one["Dimensions"][0]["Value"] for page in pages for one in page["Metrics"]]
    assert sorted(map(int, listed)) == list(range(900))


def test_nobody_sees_the_metrics_of_others(world: CloudWatchWorld) -> None:
    datum = {"MetricName": "Root", "Timestamp": NOW, "Value": 1.0}
    world.client().put_metric_data(Namespace="Trail", MetricData=[datum])

    for other in (world.client(account=OTHER), world.client(region="eu-west-1")):
        assert not other.list_metrics()["Metrics"]
        assert not statistics(other)["Datapoints"]


VECTORS = {row["case"].split("::")[-1]: row for row in rows("cloudwatch_api_errors")}


def expected(case: str) -> tuple[str, str, int, str | None]:
    row = VECTORS[case]["expected"]
    return row["code"], row["message"] or "", row["http"] or 400, row["query_error_code"]


@pytest.mark.parametrize("protocol", [JSON, QUERY])
@pytest.mark.parametrize(("case", "datum"), [
    ("invalid-param-combination", {"Value": 1.0, "Values": [1.0], "Counts": [1.0]}),
    ("invalid-param-value", {"Values": [1.0, 2.0], "Counts": [1.0]}),
    ("invalid-param-combination-2", {"Value": 1.0, "StatisticValues": {"SampleCount": 1, "Sum": 1, "Minimum": 1, "Maximum": 1}}),
])  # fmt: skip
def test_recorded_errors_of_put_metric_data(
    world: CloudWatchWorld, protocol: str, case: str, datum: dict[str, Any]
) -> None:
    found = refused(
        world.client(protocol).put_metric_data,
        Namespace="n",
        MetricData=[{"MetricName": "m", **datum}],
    )

    assert found == expected(f"test_put_metric_data_validation[{protocol}] {case}")


@pytest.mark.parametrize("protocol", [JSON, QUERY])
@pytest.mark.parametrize(("case", "values"), [
    ("error-invalid-amount-datapoints", {"Period": 1, "StartTime": NOW - timedelta(days=1), "EndTime": NOW}),
    ("error-invalid-time-frame", {"StartTime": NOW, "EndTime": NOW - timedelta(days=1)}),
])  # fmt: skip
def test_recorded_errors_of_get_metric_statistics(
    world: CloudWatchWorld, protocol: str, case: str, values: dict[str, Any]
) -> None:
    client = world.client(protocol)

    assert refused(lambda: statistics(client, **values)) == expected(
        f"test_invalid_amount_of_datapoints[{protocol}] {case}"
    )


@pytest.mark.parametrize(("datum", "code", "told"), [
    ({}, "MissingParameter", "MetricData.member.1.Value is required"),
    ({"Values": []}, "MissingParameter", "Values is required"),
    ({"Values": [float(one) for one in range(151)]}, "InvalidParameterValue", "greater than 150"),
    ({"Value": 2.0**361}, "InvalidParameterValue", "Value is invalid"),
    ({"Value": float("nan")}, "SerializationException", "Value is"),
    ({"Value": float("-inf")}, "SerializationException", "Value is"),
    ({"Values": [1.0, float("inf")]}, "SerializationException", "Values.2.member"),
    ({"Values": [1.0], "Counts": [0.0]}, "InvalidParameterValue", "Counts.member.1 is invalid"),
    ({"Values": [1.0], "Counts": [-1.0]}, "InvalidParameterValue", "Counts.member.1 is invalid"),
    ({"StatisticValues": {"SampleCount": 0, "Sum": 1, "Minimum": 1, "Maximum": 1}}, "InvalidParameterValue", "SampleCount"),
    ({"StatisticValues": {"SampleCount": 1, "Sum": 1, "Minimum": 2, "Maximum": 1}}, "InvalidParameterValue", "Maximum must be"),
    ({"StatisticValues": {"SampleCount": 1, "Sum": float("inf"), "Minimum": 1, "Maximum": 1}}, "SerializationException", "Sum"),
    ({"Value": 1.0, "Timestamp": NOW + timedelta(hours=3)}, "InvalidParameterValue", "no more than two hours"),
    ({"Value": 1.0, "Timestamp": NOW - timedelta(days=15)}, "InvalidParameterValue", "within the past two weeks"),
    ({"Value": 1.0, "StorageResolution": 5}, "InvalidParameterValue", "StorageResolution"),
    ({"Value": 1.0, "Unit": "Parsec"}, "InvalidParameterValue", "enum value set"),
])  # fmt: skip
@pytest.mark.parametrize("protocol", [CBOR, QUERY])
def test_what_is_no_datum_is_refused(
    world: CloudWatchWorld, protocol: str, datum: dict[str, Any], code: str, told: str
) -> None:
    client = world.client(protocol)

    found = refused(
        client.put_metric_data, Namespace="n", MetricData=[{"MetricName": "m", **datum}]
    )

    assert found[0] == code
    assert told in found[1]
    assert not client.list_metrics()["Metrics"]


@pytest.mark.parametrize(("values", "code"), [
    ({"Namespace": "AWS/EC2", "MetricData": [{"MetricName": "m", "Value": 1.0}]}, "InvalidParameterValue"),
    ({"Namespace": ":x", "MetricData": [{"MetricName": "m", "Value": 1.0}]}, "InvalidParameterValue"),
    ({"Namespace": "n", "MetricData": []}, "MissingParameter"),
    ({"Namespace": "n", "MetricData": [{"MetricName": "m", "Value": 1.0}] * 1001}, "InvalidParameterValue"),
    ({"Namespace": "n", "MetricData": [{"MetricName": "m", "Value": 1.0, "Dimensions": [{"Name": str(one), "Value": "v"} for one in range(31)]}]},
     "InvalidParameterValue"),
    ({"MetricData": [{"MetricName": "m", "Value": 1.0}]}, "MissingParameter"),
])  # fmt: skip
def test_calls_that_do_not_fit_are_refused(
    world: CloudWatchWorld, values: dict[str, Any], code: str
) -> None:
    assert refused(world.client(parameter_validation=False).put_metric_data, **values)[0] == code


@pytest.mark.parametrize(("values", "code"), [
    ({"Statistics": []}, "InvalidParameterCombination"), ({"Period": 7}, "InvalidParameterValue"),
    ({"Statistics": [], "ExtendedStatistics": ["p101"]}, "ValidationError"), ({"Statistics": ["p99"]}, "InvalidParameterValue"),
])  # fmt: skip
def test_statistics_that_cannot_be_told_are_refused(
    world: CloudWatchWorld, values: dict[str, Any], code: str
) -> None:
    client = world.client(JSON, parameter_validation=False)
    values = {name: value for name, value in values.items() if value != [] or name != "Statistics"}
    usual = {
        "Namespace": "n",
        "MetricName": "m",
        "StartTime": NOW - timedelta(hours=1),
        "EndTime": NOW,
        "Period": 60,
    }
    if "Statistics" not in values and "ExtendedStatistics" not in values and "Period" in values:
        values["Statistics"] = ["Sum"]

    assert refused(client.get_metric_statistics, **(usual | values))[0] == code


def put_minutes(client: Any, name: str, *values: float) -> None:
    client.put_metric_data(Namespace="Trail", MetricData=[
        {"MetricName": name, "Timestamp": NOW - timedelta(minutes=len(values) - at), "Value": value}
        for at, value in enumerate(values)
    ])  # fmt: skip


def metric(name: str, number: str, **changed: Any) -> dict[str, Any]:
    stat = {"Metric": {"Namespace": "Trail", "MetricName": name}, "Period": 60, "Stat": "Sum"}
    return {"Id": number, "MetricStat": stat | changed.pop("stat", {})} | changed


def data(client: Any, *queries: dict[str, Any], **changed: Any) -> dict[str, Any]:
    usual = {
        "StartTime": NOW - timedelta(minutes=10),
        "EndTime": NOW,
        "MetricDataQueries": list(queries),
    }
    return dict(client.get_metric_data(**(usual | changed)))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_expressions_over_metrics(world: CloudWatchWorld, protocol: str) -> None:
    client = world.client(protocol)
    put_minutes(client, "calls", 10.0, 20.0, 40.0)
    put_minutes(client, "errors", 1.0, 4.0, 2.0)

    answer = data(
        client,
        metric("calls", "m1", ReturnData=False),
        metric("errors", "m2", Label="wrong"),
        {"Id": "e1", "Expression": "100 * m2 / m1"},
    )

    first, second = answer["MetricDataResults"]
    minutes = [NOW - timedelta(minutes=at) for at in (1, 2, 3)]
    assert (first["Id"], first["Label"], first["StatusCode"]) == ("m2", "wrong", "Complete")
    assert first["Timestamps"] == minutes
    assert first["Values"] == [2.0, 4.0, 1.0]
    assert (second["Id"], second["Label"], second["Values"]) == ("e1", "errors", [5.0, 20.0, 10.0])
    assert "NextToken" not in answer


def test_data_come_in_pages(world: CloudWatchWorld) -> None:
    client = world.client()
    put_minutes(client, "calls", *(float(one) for one in range(9)))
    put_minutes(client, "errors", *(float(one) for one in range(9)))

    for order in ("TimestampAscending", "TimestampDescending"):
        pages = client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=[metric("calls", "m1"), metric("errors", "m2")], MaxDatapoints=5, ScanBy=order,
            StartTime=NOW - timedelta(minutes=10), EndTime=NOW,
        )  # fmt: skip
        found: dict[str, list[float]] = {"m1": [], "m2": []}
        sizes = []
        for page in pages:
            sizes.append(sum(len(one["Values"]) for one in page["MetricDataResults"]))
            for one in page["MetricDataResults"]:
                found[one["Id"]] += one["Values"]
        expected = [float(one) for one in range(9)]
        assert (
            found["m1"]
            == found["m2"]
            == (expected if order == "TimestampAscending" else expected[::-1])
        )
        assert max(sizes) <= 5


@pytest.mark.parametrize(("queries", "told"), [
    ([], "MetricDataQueries must not be empty"), ([metric("m", "M1")], "expected pattern"), ([metric("m", "a"), metric("m", "a")], "another query"),
    ([{"Id": "a"}], "one of MetricStat and Expression"), ([metric("m", "a", Expression="1")], "one of MetricStat and Expression"),
    ([metric("m", "a", AccountId="999999999999")], "other accounts"), ([metric("m", "a", stat={"Stat": "p101"})], "not supported"),
    ([metric("m", "a", stat={"Period": 7})], "multiples of 60"), ([metric("m", "a", stat={"Metric": {"MetricName": "m"}})], "Namespace"),
    ([{"Id": "a", "Expression": "b +"}], "Error in expression 'a'"), ([{"Id": "a", "Expression": "SEARCH('x', 'Sum')"}], "SEARCH is not done"),
    ([{"Id": "a", "Expression": "nope", "ReturnData": False}], "Error in expression 'a'"),
])  # fmt: skip
def test_queries_that_are_none_are_refused(
    world: CloudWatchWorld, queries: list[Any], told: str
) -> None:
    code, message, status, _ = refused(lambda: data(world.client(), *queries))

    assert (code, status) == ("ValidationError", 400)
    assert told in message


def test_what_would_take_too_long_is_refused(world: CloudWatchWorld) -> None:
    client, long = world.client(), {"StartTime": datetime(1971, 1, 1, tzinfo=UTC), "EndTime": NOW}

    asked: list[list[dict[str, Any]]] = [
        [metric("m", "a", stat={"Period": 1})],
        [{"Id": "a", "Expression": "TIME_SERIES(1)", "Period": 1}],
        [metric("m", f"a{one}") for one in range(400)],
    ]
    for queries in asked:
        assert (
            "exceeds the limit"
            in refused(data, client=client, MetricDataQueries=queries, **long)[1]
        )
    assert (
        refused(lambda: data(client, metric("m", "a"), StartTime=NOW, EndTime=NOW))[0]
        == "ValidationError"
    )


@pytest.mark.parametrize(
    "token", ["", "x", "é", "W10=", "WzFd", "bm9wZQ==", "WzEsMl0=", "[" * 4000]
)
def test_tokens_of_nobody_are_refused(world: CloudWatchWorld, token: str) -> None:
    client = world.client(parameter_validation=False)
    put_minutes(client, "m", 1.0)

    assert refused(client.list_metrics, NextToken=token)[0] == "InvalidNextToken"
    assert refused(lambda: data(client, metric("m", "a"), NextToken=token))[0] == "InvalidNextToken"
    assert refused(client.describe_alarms, NextToken=token)[0] == "InvalidNextToken"
    assert refused(client.describe_alarm_history, NextToken=token)[0] == "InvalidNextToken"
    assert refused(client.list_dashboards, NextToken=token)[0] == "InvalidNextToken"
