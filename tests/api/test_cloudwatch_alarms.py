"""Alarms and dashboards through CloudWatch's API."""

import functools
import json
import operator
from pathlib import Path
from typing import Any

import pytest
from api_world import ACCOUNT, OTHER
from botocore.exceptions import ClientError
from cloudwatch_world import CBOR, JSON, QUERY, REGION, TOPIC, CloudWatchWorld, alarm

from alarm_samples import rows
from opentrail.access.policy import parse_policy
from opentrail.alarms.alarm import CHANGE_KIND, STATE_KIND, alarm_key, read_state
from opentrail.alarms.telling.changes import read_change
from opentrail.ports.state import Change

PROTOCOLS = (CBOR, JSON, QUERY)
ARN = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:root-use"


@pytest.fixture
def world(tmp_path: Path) -> CloudWatchWorld:
    return CloudWatchWorld(tmp_path)


def refused(call: Any, *arguments: Any, **values: Any) -> tuple[str, str, int, str | None]:
    with pytest.raises(ClientError) as caught:
        call(*arguments, **values)
    error, meta = caught.value.response["Error"], caught.value.response["ResponseMetadata"]
    return (
        error["Code"],
        error.get("Message", ""),
        meta["HTTPStatusCode"],
        error.get("QueryErrorCode"),
    )


def only(client: Any, **values: Any) -> dict[str, Any]:
    answer = client.describe_alarms(**values)
    (found,) = answer["MetricAlarms"] + answer["CompositeAlarms"]
    return dict(found)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_alarm_is_shown_as_it_was_put(world: CloudWatchWorld, protocol: str) -> None:
    client = world.client(protocol)
    members = alarm(
        AlarmDescription="é <x>", Dimensions=[{"Name": "User", "Value": "root"}], Unit="Count", DatapointsToAlarm=1,
        TreatMissingData="notBreaching", AlarmActions=[TOPIC, "https://hooks.example.com/x"], OKActions=[TOPIC],
        InsufficientDataActions=["mailto:someone@example.com"], ActionsEnabled=False,
    )  # fmt: skip
    client.put_metric_alarm(**members)

    found = only(client)

    assert {name: found[name] for name in members} == members
    assert found["AlarmArn"] == ARN
    assert (found["StateValue"], found["StateReason"]) == (
        "INSUFFICIENT_DATA",
        "Unchecked: Initial alarm creation",
    )
    assert found["StateUpdatedTimestamp"] == found["AlarmConfigurationUpdatedTimestamp"]
    assert set(found) - set(members) == {
        "AlarmArn", "AlarmConfigurationUpdatedTimestamp", "StateValue", "StateReason", "StateUpdatedTimestamp",
        "StateTransitionedTimestamp",
    }  # fmt: skip


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_alarm_on_an_expression(world: CloudWatchWorld, protocol: str) -> None:
    client = world.client(protocol)
    stat = {
        "Metric": {
            "Namespace": "N",
            "MetricName": "M",
            "Dimensions": [{"Name": "a", "Value": "b"}],
        },
        "Period": 60,
        "Stat": "p99",
    }
    queries = [
        {"Id": "e1", "Expression": "m1 / PERIOD(m1)", "Label": "rate", "ReturnData": True},
        {"Id": "m1", "MetricStat": stat, "ReturnData": False},
    ]
    none = {"Namespace": None, "MetricName": None, "Statistic": None, "Period": None}
    client.put_metric_alarm(**alarm(Metrics=queries, **none))

    found = only(client)

    assert found["Metrics"] == queries
    assert "MetricName" not in found
    assert "Dimensions" not in found
    assert found["Threshold"] == 1.0


def test_an_alarm_on_a_band(world: CloudWatchWorld) -> None:
    queries = [
        {
            "Id": "m1",
            "MetricStat": {
                "Metric": {"Namespace": "N", "MetricName": "M"},
                "Period": 300,
                "Stat": "Sum",
            },
        },
        {"Id": "ad1", "Expression": "ANOMALY_DETECTION_BAND(m1, 2)"},
    ]
    members = alarm(
        Namespace=None, MetricName=None, Statistic=None, Period=None, Threshold=None, Metrics=queries, ThresholdMetricId="ad1",
        ComparisonOperator="LessThanLowerOrGreaterThanUpperThreshold",
    )  # fmt: skip

    world.client().put_metric_alarm(**members)

    assert only(world.client())["ThresholdMetricId"] == "ad1"
    for wrong in (
        {"ThresholdMetricId": "m1"},
        {"ThresholdMetricId": None},
        {"Threshold": 1.0},
        {"ThresholdMetricId": "x"},
    ):
        assert (
            refused(
                world.client().put_metric_alarm,
                **{n: v for n, v in (members | wrong).items() if v is not None},
            )[0]
            == "ValidationError"
        )


def test_putting_again_changes_the_configuration_and_keeps_the_state(
    world: CloudWatchWorld,
) -> None:
    client = world.client()
    client.put_metric_alarm(**alarm(Tags=[{"Key": "a", "Value": "1"}]))
    client.set_alarm_state(AlarmName="root-use", StateValue="ALARM", StateReason="by hand")

    client.put_metric_alarm(**alarm(Threshold=5.0, Tags=[{"Key": "b", "Value": "2"}]))

    found = only(client)
    assert (found["Threshold"], found["StateValue"], found["StateReason"]) == (
        5.0,
        "ALARM",
        "by hand",
    )
    assert client.list_tags_for_resource(ResourceARN=ARN)["Tags"] == [{"Key": "a", "Value": "1"}]


def stat(period: int = 60) -> dict[str, Any]:
    return {"Metric": {"Namespace": "N", "MetricName": "M"}, "Period": period, "Stat": "Sum"}


EXPRESSION = {"Namespace": None, "MetricName": None, "Statistic": None, "Period": None}
M1 = {"Id": "m1", "MetricStat": stat(), "ReturnData": False}


@pytest.mark.parametrize(("changed", "told"), [
    ({"Period": 15}, "Period must be 10, 20, 30 or a multiple of 60"),
    ({"EvaluationPeriods": 1441}, "(EvaluationPeriods * Period must be <= 86400) for alarms using period < 3600"),
    ({"Period": 3600, "EvaluationPeriods": 169}, "EvaluationPeriods * Period must be <= 604800"),
    ({"EvaluationPeriods": 2, "DatapointsToAlarm": 3}, "DatapointsToAlarm must be less than or equal to EvaluationPeriods"),
    ({"ExtendedStatistic": "p99"}, "Exactly one of Statistic and ExtendedStatistic"), ({"Statistic": None}, "Exactly one of Statistic"),
    ({"Statistic": None, "ExtendedStatistic": "p101"}, "The value p101 for parameter ExtendedStatistic is not supported."),
    ({"EvaluateLowSampleCountPercentile": "ignore"}, "Option evaluateLowSampleCountPercentile can not be applied with statistic Sum."),
    ({"Statistic": None, "ExtendedStatistic": "p99", "EvaluateLowSampleCountPercentile": "x"}, "EvaluateLowSampleCountPercentile is not supported"),
    ({"TreatMissingData": "other"}, "TreatMissingData is not supported"), ({"Threshold": None}, "Threshold"), ({"MetricName": None}, "MetricName"),
    ({"Namespace": None}, "Namespace"), ({"Period": None}, "Period"), ({"ComparisonOperator": None}, "ComparisonOperator"),
    ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "ThresholdMetricId"), ({"ThresholdMetricId": "m1"}, "ThresholdMetricId"),
    ({"AlarmActions": ["nope"]}, "Invalid arn syntax: nope"), ({"AlarmActions": ["mailto:a@b,c@d"]}, "Invalid arn syntax"), ({"AlarmActions": ["http://"]}, "URL"), ({"AlarmActions": ["http://[/"]}, "URL"),
    ({"OKActions": [f"arn:aws:automate:{REGION}:ec2:stop"]}, "Unsupported AWS vendor automate"), ({"OKActions": [f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:x:y"]}, "Unsupported AWS vendor autoscaling"),
    ({"OKActions": [f"arn:aws:sns:eu-west-1:{ACCOUNT}:t"]}, "Invalid region eu-west-1 specified. Only us-east-1 is supported."),
    ({"Tags": [{"Key": "aws:x", "Value": ""}]}, "aws:"), ({"Tags": [{"Key": "x", "Value": ""}] * 2}, "each key once"),
    ({"EvaluationInterval": 10}, "EvaluationInterval is not done by OpenTrail"),
    ({"Metrics": [M1]}, "mutually exclusive"), ({**EXPRESSION, "Metrics": [M1]}, "Exactly one element of the metrics list should return data."),
    ({**EXPRESSION, "Metrics": [M1, {"Id": "e", "Expression": "m1 +"}]}, "Error in expression 'e'"),
    ({**EXPRESSION, "Metrics": [M1, {"Id": "e", "Expression": "METRICS() * 2"}, {"Id": "m2", "MetricStat": stat(), "ReturnData": False}]}, "comes to 2 time series"),
    ({**EXPRESSION, "Metrics": [M1, {"Id": "e", "Expression": "5"}]}, "comes to a number"), ({**EXPRESSION, "Metrics": [{"Id": "e", "Expression": "TIME_SERIES(1)"}]}, "Metrics has 0 metrics"),
    ({**EXPRESSION, "Metrics": [M1, {"Id": "e", "Expression": "SEARCH('a', 'b')"}]}, "SEARCH is not supported on Metric Alarms"),
    ({**EXPRESSION, "Metrics": [M1, {"Id": "m2", "MetricStat": stat(300)}]}, "the same period"),
    ({**EXPRESSION, "Metrics": [{"Id": f"m{one}", "MetricStat": stat()} for one in range(11)]}, "1 to 10 are allowed"),
    ({"AlarmActions": [TOPIC] * 6}, "length less than or equal to 5"), ({"AlarmName": "x" * 256}, "length less than or equal to 255"),
    ({"AlarmName": "a\nb"}, "control characters"),
    ({"EvaluationPeriods": 0}, "greater than or equal to 1"),
])  # fmt: skip
def test_what_is_no_alarm_is_refused(
    world: CloudWatchWorld, changed: dict[str, Any], told: str
) -> None:
    client = world.client(parameter_validation=False)

    code, message, status, _ = refused(client.put_metric_alarm, **alarm(**changed))

    assert (code, status) == ("ValidationError", 400)
    assert told in message
    assert not client.describe_alarms()["MetricAlarms"]


def test_a_list_that_may_be_empty_is_taken(world: CloudWatchWorld) -> None:
    queries = [M1, {"Id": "e", "Expression": "FIRST(REMOVE_EMPTY(METRICS()))"}]

    world.client().put_metric_alarm(**alarm(Metrics=queries, **EXPRESSION))

    assert only(world.client())["AlarmName"] == "root-use"


VECTORS = {row["case"].split("::")[-1]: row["expected"] for row in rows("cloudwatch_api_errors")}


def recorded(case: str) -> tuple[str, str, str | None]:
    return VECTORS[case]["code"], VECTORS[case]["message"] or "", VECTORS[case]["query_error_code"]


@pytest.mark.parametrize(("protocol", "case", "name", "value"), [
    (QUERY, "test_exception_serializing_with_no_shape_in_spec[query] invalid-value-response.ErrorResponse", "root-use", "INVALID"),
    (QUERY, "test_exception_serializing_with_no_shape_in_spec[query] not-found-response.ErrorResponse", "nope", "OK"),
    (JSON, "test_set_alarm_invalid_input[json] error-invalid-state", "root-use", "INVALID"),
    (JSON, "test_set_alarm_invalid_input[json] error-resource-not-found", "nope", "OK"),
])  # fmt: skip
def test_recorded_errors_of_set_alarm_state(
    world: CloudWatchWorld, protocol: str, case: str, name: str, value: str
) -> None:
    client = world.client(protocol)
    client.put_metric_alarm(**alarm())

    code, message, _, other = refused(
        client.set_alarm_state, AlarmName=name, StateValue=value, StateReason="r"
    )

    assert (code, message, other) == recorded(case)


@pytest.mark.parametrize("protocol", [JSON, QUERY])
def test_the_recorded_error_of_put_dashboard(world: CloudWatchWorld, protocol: str) -> None:
    client = world.client(protocol)

    code, message, status, other = refused(
        client.put_dashboard, DashboardName="test.invalid", DashboardBody="{}"
    )

    case = f"test_invalid_dashboard_name[{protocol}] error-invalid-dashboardname"
    assert (code, message, other) == recorded(case)
    assert status == 400


def test_setting_a_state_tells_history_and_targets(world: CloudWatchWorld) -> None:
    client = world.client()
    client.put_metric_alarm(**alarm(AlarmActions=[TOPIC]))
    client.set_alarm_state(
        AlarmName="root-use", StateValue="ALARM", StateReason="by hand", StateReasonData='{"a":[1]}'
    )
    client.set_alarm_state(AlarmName="root-use", StateValue="ALARM", StateReason="again")

    found = only(client)
    items = client.describe_alarm_history(AlarmName="root-use")["AlarmHistoryItems"]
    changes = [read_change(one.body) for one in world.state.list(CHANGE_KIND)]

    assert found["StateReason"] == "again"
    assert found["StateTransitionedTimestamp"] <= found["StateUpdatedTimestamp"]
    assert [(one["HistoryItemType"], one["HistorySummary"]) for one in items if one["HistoryItemType"] != "ConfigurationUpdate"] in (
        [("StateUpdate", "Alarm updated from INSUFFICIENT_DATA to ALARM"), ("Action", f"Successfully executed action {TOPIC}")],
        [("Action", f"Successfully executed action {TOPIC}"), ("StateUpdate", "Alarm updated from INSUFFICIENT_DATA to ALARM")],
    )  # fmt: skip
    targets = [notice.target for change in changes for notice in change.notices]
    assert sorted(targets) == sorted(
        [TOPIC] + [f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"] * 2
    )


@pytest.mark.parametrize("data", ["{", "x", "[" * 500, "{'a': 1}", '{"a":1,"a":2}'])
def test_reason_data_must_be_json(world: CloudWatchWorld, data: str) -> None:
    client = world.client()
    client.put_metric_alarm(**alarm())

    found = refused(
        client.set_alarm_state,
        AlarmName="root-use",
        StateValue="OK",
        StateReason="r",
        StateReasonData=data,
    )

    assert found[0] == "InvalidFormat"


def test_alarms_are_found_by_what_they_have(world: CloudWatchWorld) -> None:
    client = world.client()
    for name in ("a1", "a2", "b/é"):
        client.put_metric_alarm(
            **alarm(AlarmName=name, AlarmActions=[TOPIC] if name == "a2" else [])
        )
    client.put_composite_alarm(AlarmName="c", AlarmRule='ALARM(a1) OR ALARM("b/é")')
    client.set_alarm_state(AlarmName="a1", StateValue="OK", StateReason="r")

    def names(**values: Any) -> list[str]:
        answer = client.describe_alarms(**values)
        return [one["AlarmName"] for one in answer["MetricAlarms"] + answer["CompositeAlarms"]]

    assert names() == ["a1", "a2", "b/é"]
    assert names(AlarmTypes=["CompositeAlarm", "MetricAlarm"]) == ["a1", "a2", "b/é", "c"]
    assert names(AlarmTypes=["CompositeAlarm"]) == ["c"]
    assert names(AlarmTypes=["LogAlarm"]) == []
    assert names(AlarmNamePrefix="a") == ["a1", "a2"]
    assert names(AlarmNames=["b/é", "nope", "a1", "a1"]) == ["a1", "b/é"]
    assert names(StateValue="OK") == ["a1"]
    assert names(ActionPrefix="arn:aws:sns") == ["a2"]
    assert names(ChildrenOfAlarmName="c") == ["a1", "b/é"]
    assert names(ParentsOfAlarmName="a1") == ["c"]
    assert names(ParentsOfAlarmName="a2") == names(ChildrenOfAlarmName="a1") == []
    for wrong in (
        {"AlarmNames": ["a"], "AlarmNamePrefix": "a"},
        {"ChildrenOfAlarmName": "c", "StateValue": "OK"},
        {"AlarmTypes": ["x"]},
    ):
        assert refused(client.describe_alarms, **wrong)[0] == "ValidationError"


def test_alarms_are_shown_page_by_page(world: CloudWatchWorld) -> None:
    client = world.client()
    for number in range(11):
        client.put_metric_alarm(**alarm(AlarmName=f"é{number:02}"))

    pages = client.get_paginator("describe_alarms").paginate(PaginationConfig={"PageSize": 4})
    sizes_and_names = [[one["AlarmName"] for one in page["MetricAlarms"]] for page in pages]

    assert [len(one) for one in sizes_and_names] == [4, 4, 3]
    assert functools.reduce(operator.iadd, sizes_and_names, []) == [
        f"é{number:02}" for number in range(11)
    ]


def test_alarms_of_a_metric(world: CloudWatchWorld) -> None:
    client = world.client()
    dimensions = [{"Name": "b", "Value": "2"}, {"Name": "a", "Value": "1"}]
    client.put_metric_alarm(**alarm(AlarmName="plain"))
    client.put_metric_alarm(**alarm(AlarmName="with", Dimensions=dimensions, Period=300))

    def names(**values: Any) -> list[str]:
        answer = client.describe_alarms_for_metric(Namespace="Trail", MetricName="Root", **values)
        return [one["AlarmName"] for one in answer["MetricAlarms"]]

    assert names() == ["plain"]
    assert names(Dimensions=dimensions[::-1]) == ["with"]
    assert names(Dimensions=dimensions[:1]) == []
    assert names(Period=300) == []
    assert names(Statistic="Sum") == ["plain"]
    assert names(Statistic="Average") == []


def test_nobody_touches_the_alarms_of_others(world: CloudWatchWorld) -> None:
    world.client().put_metric_alarm(**alarm())
    body = json.dumps({"widgets": []})
    world.client().put_dashboard(DashboardName="d", DashboardBody=body)

    for other in (world.client(account=OTHER), world.client(region="eu-west-1")):
        assert not other.describe_alarms()["MetricAlarms"]
        assert not other.describe_alarms(AlarmNames=["root-use"])["MetricAlarms"]
        assert not other.describe_alarm_history()["AlarmHistoryItems"]
        assert refused(other.delete_alarms, AlarmNames=["root-use"])[0] == "ResourceNotFound"
        assert (
            refused(other.set_alarm_state, AlarmName="root-use", StateValue="OK", StateReason="")[0]
            == "ResourceNotFound"
        )
        assert (
            refused(other.list_tags_for_resource, ResourceARN=ARN)[0] == "ResourceNotFoundException"
        )
        other.disable_alarm_actions(AlarmNames=["root-use"])
    other = world.client(account=OTHER)
    assert refused(other.get_dashboard, DashboardName="d")[0] == "ResourceNotFound"
    assert not other.list_dashboards()["DashboardEntries"]
    assert only(world.client())["ActionsEnabled"]
    # A dashboard is in no region.
    assert (
        world.client(region="eu-west-1").get_dashboard(DashboardName="d")["DashboardBody"] == body
    )


def test_actions_are_switched(world: CloudWatchWorld) -> None:
    client = world.client()
    client.put_metric_alarm(**alarm())

    client.disable_alarm_actions(AlarmNames=["root-use", "nope"])
    assert not only(client)["ActionsEnabled"]
    client.enable_alarm_actions(AlarmNames=["root-use"])
    assert only(client)["ActionsEnabled"]
    summaries = [
        one["HistorySummary"] for one in client.describe_alarm_history()["AlarmHistoryItems"]
    ]
    assert sorted(summaries) == ['Alarm "root-use" created', *['Alarm "root-use" updated'] * 2]


def test_all_alarms_are_deleted_or_none(world: CloudWatchWorld) -> None:
    client = world.client()
    client.put_metric_alarm(**alarm(AlarmName="a"))
    client.put_metric_alarm(**alarm(AlarmName="b"))

    code, message, status, _ = refused(client.delete_alarms, AlarmNames=["a", "nope"])
    assert (code, status) == ("ResourceNotFound", 404)
    assert "nope" in message
    client.delete_alarms(AlarmNames=["a", "b", "a"])

    assert not client.describe_alarms()["MetricAlarms"]
    assert not world.state.list(STATE_KIND)
    assert 'Alarm "a" deleted' in [
        one["HistorySummary"]
        for one in client.describe_alarm_history(AlarmName="a")["AlarmHistoryItems"]
    ]


def test_an_alarm_made_anew_has_ids_of_its_own(world: CloudWatchWorld) -> None:
    client = world.client()
    for _ in range(2):
        client.put_metric_alarm(**alarm(AlarmActions=[TOPIC]))
        client.set_alarm_state(AlarmName="root-use", StateValue="ALARM", StateReason="r")
        client.delete_alarms(AlarmNames=["root-use"])
        world.api.state.apply([])

    changes = [read_change(one.body) for one in world.state.list(CHANGE_KIND)]
    ids = [notice.id for change in changes for notice in change.notices if notice.target == TOPIC]
    assert len(ids) == len(set(ids)) == 2


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_composite_alarms(world: CloudWatchWorld, protocol: str) -> None:
    client = world.client(protocol)
    for name in ("a", "b", "quiet"):
        client.put_metric_alarm(**alarm(AlarmName=name))
    members = {
        "AlarmName": "both", "AlarmRule": "ALARM(a) AND NOT OK(b)", "AlarmDescription": "d", "AlarmActions": [TOPIC],
        "ActionsSuppressor": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:quiet", "ActionsSuppressorWaitPeriod": 60,
        "ActionsSuppressorExtensionPeriod": 0,
    }  # fmt: skip
    client.put_composite_alarm(**members)

    found = only(client, AlarmTypes=["CompositeAlarm"])
    assert {name: found[name] for name in members} == members
    assert found["StateValue"] == "INSUFFICIENT_DATA"
    for needed in ("a", "quiet"):
        code, message, _, _ = refused(client.delete_alarms, AlarmNames=[needed])
        assert (code, message) == (
            "ValidationError",
            f"Cannot delete {needed} as there are composite alarm(s) depending on it.",
        )
    client.delete_alarms(AlarmNames=["both", "a"])


@pytest.mark.parametrize(("values", "told"), [
    ({"AlarmRule": "ALARM(gone) OR ALARM(a) OR OK(lost)"}, "Could not save the composite alarm as alarms [gone, lost] in the alarm rule do not exist"),
    ({"AlarmRule": "ALARM(gone) OR OK(gone)", "ActionsSuppressor": "gone", "ActionsSuppressorWaitPeriod": 1, "ActionsSuppressorExtensionPeriod": 1}, "alarms [gone]"),
    ({"AlarmRule": " TRUE"}, "AlarmRule must not contain leading or trailing whitespace or be null"), ({"AlarmRule": "ALARM(a"}, "AlarmRule is not valid"),
    ({"ActionsSuppressor": "a"}, "must be given together"), ({"ActionsSuppressorWaitPeriod": 1}, "must be given together"),
    ({"ActionsSuppressor": "gone", "ActionsSuppressorWaitPeriod": 1, "ActionsSuppressorExtensionPeriod": 1}, "alarms [gone]"),
    ({"ActionsSuppressor": "a", "ActionsSuppressorWaitPeriod": -1, "ActionsSuppressorExtensionPeriod": 1}, "must not be below 0"),
    ({"AlarmName": "a", "AlarmRule": "TRUE"}, "alarm of another type"),
    ({"AlarmRule": f'ALARM("arn:aws:cloudwatch:eu-west-1:{ACCOUNT}:alarm:a")'}, "do not exist"),
    ({"ActionConfiguration": {"AlarmTagsPropagation": {"Enabled": True}}}, "not done by OpenTrail"),
])  # fmt: skip
def test_what_is_no_composite_alarm_is_refused(
    world: CloudWatchWorld, values: dict[str, Any], told: str
) -> None:
    client = world.client()
    client.put_metric_alarm(**alarm(AlarmName="a"))

    code, message, _, _ = refused(
        client.put_composite_alarm, **{"AlarmName": "c", "AlarmRule": "ALARM(a)"} | values
    )

    assert code == "ValidationError"
    assert told in message


def test_rules_do_not_come_back_to_themselves(world: CloudWatchWorld) -> None:
    client = world.client()
    client.put_composite_alarm(AlarmName="one", AlarmRule="TRUE")
    client.put_composite_alarm(AlarmName="two", AlarmRule="ALARM(one)")
    client.put_composite_alarm(AlarmName="three", AlarmRule="ALARM(two) OR ALARM(one)")

    for rule in (
        "ALARM(three)",
        f'OK("arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:three")',
        "ALARM(one)",
    ):
        assert (
            "comes back to the alarm itself"
            in refused(client.put_composite_alarm, AlarmName="one", AlarmRule=rule)[1]
        )


def test_history_is_found_by_what_it_tells(world: CloudWatchWorld) -> None:
    client = world.client()
    client.put_metric_alarm(**alarm(AlarmName="a"))
    client.put_composite_alarm(AlarmName="c", AlarmRule="ALARM(a)")
    for value in ("OK", "ALARM", "OK"):
        client.set_alarm_state(AlarmName="a", StateValue=value, StateReason="r")
    # Half of it has been brought away already.
    for document in world.state.list(CHANGE_KIND)[:3]:
        world.history.add(read_change(document.body).history)
    for document in world.state.list(CHANGE_KIND)[:2]:
        world.state.apply([Change(CHANGE_KIND, document.key, None)])

    def told(**values: Any) -> list[str]:
        return [
            one["HistorySummary"]
            for one in client.describe_alarm_history(**values)["AlarmHistoryItems"]
        ]

    updates = ["INSUFFICIENT_DATA to OK", "OK to ALARM", "ALARM to OK"]
    assert told(AlarmName="a", HistoryItemType="StateUpdate", ScanBy="TimestampAscending") == [
        f"Alarm updated from {one}" for one in updates
    ]
    assert told(AlarmTypes=["CompositeAlarm"]) == ['Alarm "c" created']
    assert len(told()) == 5
    assert told(HistoryItemType="Action") == []
    pages = client.get_paginator("describe_alarm_history").paginate(
        PaginationConfig={"PageSize": 2}
    )
    assert [one["HistorySummary"] for page in pages for one in page["AlarmHistoryItems"]] == told()


def test_tags(world: CloudWatchWorld) -> None:
    client = world.client()
    client.put_metric_alarm(**alarm(Tags=[{"Key": "a", "Value": "1"}]))
    client.put_dashboard(
        DashboardName="d", DashboardBody='{"widgets":[]}', Tags=[{"Key": "x", "Value": ""}]
    )
    board = client.get_dashboard(DashboardName="d")["DashboardArn"]

    for arn, start in ((ARN, {"a": "1"}), (board, {"x": ""})):
        client.tag_resource(
            ResourceARN=arn, Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "3"}]
        )
        client.untag_resource(ResourceARN=arn, TagKeys=["b", "nope"])
        tags = client.list_tags_for_resource(ResourceARN=arn)["Tags"]
        assert {one["Key"]: one["Value"] for one in tags} == start | {"a": "3"}
    assert board == f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/d"
    assert [read_change(one.body).cause for one in world.state.list(CHANGE_KIND)] == [ARN] * 3
    assert (
        refused(
            client.tag_resource,
            ResourceARN=ARN,
            Tags=[{"Key": f"{one}", "Value": ""} for one in range(50)],
        )[0]
        == "ValidationError"
    )
    assert (
        refused(client.list_tags_for_resource, ResourceARN=ARN + "x")[0]
        == "ResourceNotFoundException"
    )


BODY = {
    "start": "-PT6H", "periodOverride": "inherit",
    "widgets": [
        {"type": "metric", "x": 0, "y": 0, "width": 12, "height": 6, "properties": {
            "metrics": [["Trail", "Root", "User", "root", {"stat": "Sum", "id": "m1"}], ["...", "alice"], [".", "Other"], [{"expression": "m1 * 2"}]],
            "region": "us-east-1", "view": "timeSeries", "period": 300, "title": "é"}},
        {"type": "log", "properties": {"query": "SOURCE 'trail' | stats count(*)", "region": "us-east-1", "view": "table"}},
        {"type": "text", "properties": {"markdown": "# x"}},
        {"type": "alarm", "properties": {"alarms": [ARN]}},
        {"type": "metric", "properties": {"annotations": {"alarms": [ARN]}}},
        {"type": "custom", "properties": {}},
    ],
}  # fmt: skip


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_dashboards_are_kept_as_they_were_put(world: CloudWatchWorld, protocol: str) -> None:
    client, body = world.client(protocol), json.dumps(BODY, indent=1, ensure_ascii=False)

    answer = client.put_dashboard(DashboardName="main", DashboardBody=body)
    client.put_dashboard(DashboardName="other-1", DashboardBody='{"widgets":[]}')
    found = client.get_dashboard(DashboardName="main")
    listed = client.list_dashboards(DashboardNamePrefix="ma")["DashboardEntries"]

    assert not answer.get("DashboardValidationMessages")
    assert found["DashboardBody"] == body
    assert [(one["DashboardName"], one["Size"], one["DashboardArn"]) for one in listed] == [
        ("main", len(body.encode()), found["DashboardArn"])
    ]
    assert refused(client.delete_dashboards, DashboardNames=["main", "nope"])[:2] == (
        "ResourceNotFound",
        "Dashboard nope does not exist",
    )
    client.delete_dashboards(DashboardNames=["main", "other-1"])
    assert not client.list_dashboards()["DashboardEntries"]


def test_what_is_passed_over_is_told(world: CloudWatchWorld) -> None:
    body = {"widgets": [{"type": "text", "properties": {"markdown": ""}, "extra": 1}], "what": 2}

    answer = world.client().put_dashboard(DashboardName="d", DashboardBody=json.dumps(body))

    assert answer["DashboardValidationMessages"] == [
        {"DataPath": "/", "Message": 'The "what" property is not expected, will be ignored'},
        {"DataPath": "/widgets/0", "Message": 'The "extra" property is not expected to be part of a widget definition, will be ignored'},
    ]  # fmt: skip


def widget(kind: str = "text", **values: Any) -> dict[str, Any]:
    return {"type": kind, "properties": {"markdown": "", "region": "us-east-1"}} | values


@pytest.mark.parametrize(("body", "path", "told"), [
    ({}, "/", "Should have required property 'widgets'"), ({"widgets": 1}, "/", "widgets"), ({"widgets": [1]}, "/widgets/0", "Should be object"),
    ({"widgets": [{"properties": {}}]}, "/widgets/0", "Should have required property 'type'"), ({"widgets": [widget("x")]}, "/widgets/0/type", "allowed values"),
    ({"widgets": [widget(properties=1)]}, "/widgets/0", "'properties'"), ({"widgets": [widget(properties={})]}, "/widgets/0/properties", "'markdown'"),
    ({"widgets": [widget(x=24)]}, "/widgets/0/x", "Should be <= 23"), ({"widgets": [widget(width=0)]}, "/widgets/0/width", "Should be >= 1"),
    ({"widgets": [widget(height="6")]}, "/widgets/0/height", "Should be integer"), ({"widgets": [widget(y=True)]}, "/widgets/0/y", "Should be integer"),
    ({"widgets": [widget("log")]}, "/widgets/0/properties", "'query'"), ({"widgets": [widget("alarm")]}, "/widgets/0/properties", "'alarms'"),
    ({"widgets": [widget("alarm", properties={"alarms": ["x"]})]}, "/widgets/0/properties/alarms/0", "ARN of an alarm"),
    ({"widgets": [widget("metric")]}, "/widgets/0/properties", "'metrics'"),
    ({"widgets": [widget("metric", properties={"metrics": [["a", "b", {}, "c"]], "region": "r"})]}, "/widgets/0/properties/metrics/0/2",
     'Invalid metric field type, only "String" type is allowed'),
    ({"widgets": [widget("metric", properties={"metrics": [["a", "b", "c", ""]], "region": "r"})]}, "/widgets/0/properties/metrics/0/3", "only"),
    ({"widgets": [widget("metric", properties={"metrics": [[]], "region": "r"})]}, "/widgets/0/properties/metrics/0", "less than 1"),
    ({"widgets": [widget("metric", properties={"metrics": [[{}]], "region": "r"})]}, "/widgets/0/properties/metrics/0", "'expression'"),
    ({"widgets": [widget("metric", properties={"metrics": [["a"] * 64], "region": "r"})]}, "/widgets/0/properties/metrics/0", "more than 63"),
    ({"widgets": [widget("metric", properties={"metrics": [["a", "b"]]})]}, "/widgets/0/properties", "'region'"),
    ({"widgets": [widget("metric", properties={"metrics": [["a", "b"]], "region": "r", "period": 7})]}, "/widgets/0/properties/period", "multiple of 60"),
    ({"widgets": [widget("metric", properties={"metrics": [["a", "b"]], "region": "r", "view": []})]}, "/widgets/0/properties/view", "allowed values"),
    ({"widgets": [widget()] * 501}, "/widgets", "more than 500 items"), ({"widgets": [], "periodOverride": "x"}, "/periodOverride", "allowed values"),
])  # fmt: skip
def test_what_is_no_dashboard_is_refused_with_the_place(
    world: CloudWatchWorld, body: Any, path: str, told: str
) -> None:
    client = world.client()

    with pytest.raises(ClientError) as caught:
        client.put_dashboard(DashboardName="d", DashboardBody=json.dumps(body))

    response = caught.value.response
    assert response["Error"]["Code"] == "InvalidParameterInput"
    start, _, listed = response["Error"]["Message"].partition("\n")
    assert start.startswith("The dashboard body is invalid, there are 1 validation errors:")
    assert json.loads(listed) == [{"dataPath": path, "message": json.loads(listed)[0]["message"]}]
    assert told in json.loads(listed)[0]["message"]
    assert response["dashboardValidationMessages"][0]["DataPath"] == path
    assert not client.list_dashboards()["DashboardEntries"]


@pytest.mark.parametrize(
    "body", ["", "x", "[]", "1", "null", "[" * 10_000, '{"widgets":[],"widgets":[]}']
)
def test_a_body_that_is_no_object_is_refused(world: CloudWatchWorld, body: str) -> None:
    code, message, _, _ = refused(
        world.client().put_dashboard, DashboardName="d", DashboardBody=body
    )

    assert (code, message) == (
        "InvalidParameterInput",
        "The field DashboardBody must be a valid JSON object",
    )


def test_rights_are_asked_for_with_the_alarms_name(world: CloudWatchWorld) -> None:
    world.client().put_metric_alarm(**alarm())
    world.api.by_policies = True
    world.api.serve()
    client = world.client()
    arn = next(iter(world.api.identities.all_credentials())).principal.arn
    allow = {"Effect": "Allow", "Action": "cloudwatch:SetAlarmState", "Resource": ARN}
    world.api.identities.attached[arn] = [parse_policy(json.dumps({"Statement": allow}))]

    client.set_alarm_state(AlarmName="root-use", StateValue="OK", StateReason="r")
    assert (
        "cloudwatch:SetAlarmState"
        in refused(client.set_alarm_state, AlarmName="other", StateValue="OK", StateReason="r")[1]
    )
    assert "cloudwatch:DescribeAlarms" in refused(client.describe_alarms)[1]
    assert (
        "cloudwatch:PutMetricData"
        in refused(client.put_metric_data, Namespace="n", MetricData=[])[1]
    )
    assert "dashboard/d because" in refused(client.get_dashboard, DashboardName="d")[1]


def test_what_is_not_done_says_so(world: CloudWatchWorld) -> None:
    found = refused(world.client().describe_anomaly_detectors)

    assert found[0] == "UnsupportedOperationException"
    assert "DescribeAnomalyDetectors is not implemented by OpenTrail yet" in found[1]


def test_two_changes_at_once_do_not_overwrite_each_other(world: CloudWatchWorld) -> None:
    client = world.client()
    client.put_metric_alarm(**alarm())
    client.set_alarm_state(AlarmName="root-use", StateValue="OK", StateReason="r")

    document = world.state.get(STATE_KIND, alarm_key(ACCOUNT, REGION, "root-use"))
    assert document is not None
    assert document.version == 2
    assert read_state(document.body).was_set
