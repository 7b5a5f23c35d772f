"""What targets are told has AWS's shape."""

import json
from typing import Any

import msgspec
import pytest

from alarm_samples import ACCOUNT, FIRST, REGION, T, composite_alarm, metric_alarm, rows, state
from opentrail.alarms.alarm import MetricAlarm, MetricQuery, MetricStat, Suppressed
from opentrail.alarms.telling.changes import (
    AlarmChange,
    ItemKind,
    configuration_change,
    held_back,
    read_change,
    state_change,
)
from opentrail.alarms.telling.notification import (
    bus_event,
    function_event,
    region_name,
    subject,
    topic_message,
)

TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:told"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"


def wire(value: Any) -> Any:
    """As it is sent."""
    return json.loads(msgspec.json.encode(value))


def shape(value: Any) -> Any:
    """Members and types; names of dimensions count, values do not."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return type(value).__name__


SNS = [row for row in rows("notifications") if row["kind"] == "sns_message"]
LAMBDA = [row for row in rows("notifications") if row["kind"] == "lambda_event"]
COMPOSITE = [row for row in rows("notifications") if row["kind"] == "composite_state_reason_data"]


def recorded_alarm(message: dict[str, Any]) -> MetricAlarm:
    trigger = message["Trigger"]
    return metric_alarm(
        name=message["AlarmName"], description=message["AlarmDescription"],
        ok_actions=tuple(message["OKActions"]), alarm_actions=tuple(message["AlarmActions"]),
        periods=trigger["EvaluationPeriods"], threshold=trigger["Threshold"], treatment=trigger["TreatMissingData"],
        metric=MetricStat(namespace=trigger["Namespace"], name=trigger["MetricName"], period=trigger["Period"],
                          stat="Average", unit=trigger["Unit"],
                          dimensions=tuple((one["name"], one["value"]) for one in trigger["Dimensions"])),
    )  # fmt: skip


@pytest.mark.parametrize("row", SNS, ids=lambda row: row["id"])
def test_a_topic_gets_the_recorded_message(row: dict[str, Any]) -> None:
    # Of alarm mute rules, which are not here; the other recorded message does not have it.
    expected = {
        one: value
        for one, value in row["expected"].items()
        if one != "ActionExecutedAfterMuteWindow"
    }
    after = state(expected["NewStateValue"], reason=expected["NewStateReason"])

    found = wire(topic_message(recorded_alarm(expected), FIRST, after))

    assert shape(found) == shape(expected)
    assert found["Trigger"] == expected["Trigger"]
    differing = {
        "AlarmArn",
        "Region",
        "AlarmConfigurationUpdatedTimestamp",
        "StateChangeTime",
        "AWSAccountId",
    }
    assert {one: found[one] for one in found if one not in differing} == {
        one: expected[one] for one in expected if one not in differing
    }
    assert found["Region"] == "US East (N. Virginia)"
    assert found["StateChangeTime"] == "2026-11-22T08:00:00.000+0000"


@pytest.mark.parametrize("row", LAMBDA, ids=lambda row: row["id"])
def test_a_function_gets_the_recorded_event(row: dict[str, Any]) -> None:
    alarm = metric_alarm(description="testing lambda alarm action", period=10, stat="Average")
    after = state("ALARM", reason="testing alarm")

    found = wire(function_event(alarm, FIRST, after))

    assert shape(found) == shape(row["expected"])
    data, expected = found["alarmData"], row["expected"]["alarmData"]
    assert data["previousState"]["reason"] == expected["previousState"]["reason"]
    assert data["state"]["reason"] == expected["state"]["reason"]
    assert found["source"] == "aws.cloudwatch"


def test_the_bus_gets_a_state_change() -> None:
    alarm = metric_alarm(dimensions=(("InstanceId", "i-1"),))
    after = state("ALARM", reason_data='{"version":"1.0"}', updated=T + 0.25)

    found = wire(bus_event(alarm, state("OK"), after))

    assert {one: found[one] for one in found if one not in ("id", "detail")} == {
        "version": "0",
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": ACCOUNT,
        "time": "2026-11-22T08:00:00Z",
        "region": REGION,
        "resources": [alarm.arn],
    }
    detail = found["detail"]
    assert detail["alarmName"] == "root-use"
    assert detail["state"] == {
        "value": "ALARM", "reason": "because", "reasonData": '{"version":"1.0"}',
        "timestamp": "2026-11-22T08:00:00.250+0000",
    }  # fmt: skip
    assert detail["previousState"]["value"] == "OK"
    (metric,) = detail["configuration"]["metrics"]
    assert metric["metricStat"]["metric"]["dimensions"] == {"InstanceId": "i-1"}


def test_a_composite_alarm_tells_what_set_it_off() -> None:
    data = json.dumps(COMPOSITE[0]["expected"])
    alarm = composite_alarm(suppressor="quiet", wait=120, extension=180)
    after = state("ALARM", reason_data=data, suppressed=Suppressed(by="WaitPeriod", told="OK"))

    topic, bus = wire(topic_message(alarm, FIRST, after)), wire(bus_event(alarm, FIRST, after))

    assert topic["TriggeringChildren"] == [
        {"Arn": "<child arn>", "State": {"Value": "ALARM", "Timestamp": "<date>"}}
    ]
    assert topic["AlarmRule"] == alarm.rule
    assert "Trigger" not in topic
    assert bus["detail"]["state"]["actionsSuppressedBy"] == "WaitPeriod"
    assert bus["detail"]["state"]["actionsSuppressedReason"] == "Actions suppressed by WaitPeriod"
    assert bus["detail"]["configuration"] == {
        "alarmRule": alarm.rule, "actionsSuppressor": "quiet", "actionsSuppressorWaitPeriod": 120,
        "actionsSuppressorExtensionPeriod": 180,
    }  # fmt: skip


@pytest.mark.parametrize(
    "data", ["", "[]", '{"triggeringAlarms":7}', '{"triggeringAlarms":[{}]}', "null"]
)
def test_reason_data_of_anybody_hurt_nothing(data: str) -> None:
    assert (
        topic_message(composite_alarm(), FIRST, state(reason_data=data))["TriggeringChildren"] == []
    )


def test_expressions_are_told_with_their_metrics() -> None:
    queries = (
        MetricQuery(id="e1", expression="m1/60", label="rate"),
        MetricQuery(id="m1", return_data=False,
                    stat=MetricStat(namespace="N", name="M", period=60, stat="p99", dimensions=(("a", "b"),))),
    )  # fmt: skip
    alarm = metric_alarm(metric=None, queries=queries, datapoints=1)

    trigger = wire(topic_message(alarm, FIRST, state()))["Trigger"]

    assert trigger["Metrics"] == [
        {"Id": "e1", "Expression": "m1/60", "Label": "rate", "ReturnData": True},
        {"Id": "m1", "ReturnData": False, "MetricStat": {
            "Metric": {"Dimensions": [{"value": "b", "name": "a"}], "MetricName": "M", "Namespace": "N"},
            "Period": 60, "Stat": "p99"}},
    ]  # fmt: skip
    assert (trigger["Period"], trigger["DatapointsToAlarm"]) == (60, 1)


def test_subjects_and_regions() -> None:
    assert subject(metric_alarm(), state("ALARM")) == 'ALARM: "root-use" in US East (N. Virginia)'
    assert len(subject(metric_alarm(name="x" * 255), state("ALARM"))) == 100
    assert region_name("cn-north-1") == "China (Beijing)"
    assert region_name("own-1") == "own-1"


def ids(change: AlarmChange) -> list[str]:
    return [one.id for one in change.notices] + [item.id for item in change.history]


def test_a_change_tells_history_bus_and_targets_once_each() -> None:
    alarm = metric_alarm(alarm_actions=(TOPIC, FUNCTION, TOPIC), ok_actions=(TOPIC,))
    after = state("ALARM", number=1, reason_data='{"a":1}')

    change = state_change(alarm, FIRST, after)
    again = state_change(alarm, FIRST, after)
    other = state_change(alarm, FIRST, state("ALARM", number=2))
    remade = state_change(metric_alarm(alarm_actions=(TOPIC,), created=T + 1.0), FIRST, after)

    assert [one.target for one in change.notices] == [BUS, TOPIC, FUNCTION]
    assert [one.subject != "" for one in change.notices] == [False, True, False]
    assert [item.kind for item in change.history] == [
        ItemKind.STATE,
        ItemKind.ACTION,
        ItemKind.ACTION,
    ]
    assert change.history[0].summary == "Alarm updated from INSUFFICIENT_DATA to ALARM"
    assert json.loads(change.history[0].data)["newState"] == {
        "stateValue": "ALARM", "stateReason": "because", "stateReasonData": {"a": 1},
    }  # fmt: skip
    assert change.history[1].summary == f"Successfully executed action {TOPIC}"
    assert ids(again) == ids(change)
    assert not {one.id for one in change.notices} & {
        one.id for one in (*other.notices, *remade.notices)
    }
    assert read_change(msgspec.json.encode(change)) == change
    assert again.key == change.key != other.key


def test_actions_that_are_off_or_held_back_are_not_told() -> None:
    off = metric_alarm(alarm_actions=(TOPIC,), actions_enabled=False)
    held = composite_alarm(alarm_actions=(TOPIC,))
    waiting = state("ALARM", suppressed=Suppressed(by="Alarm", told="OK"), number=1)

    for change in (state_change(off, FIRST, state("ALARM")), state_change(held, FIRST, waiting)):
        assert [one.target for one in change.notices] == [BUS]
        assert [item.kind for item in change.history] == [ItemKind.STATE]
    later = held_back(held, state("OK"), state("ALARM", number=1), T + 60.0)
    assert [one.target for one in later.notices] == [TOPIC]
    assert [(item.kind, item.time) for item in later.history] == [(ItemKind.ACTION, T + 60.0)]
    assert not held_back(off, state("OK"), state("ALARM"), T + 60.0).notices


@pytest.mark.parametrize(
    ("operation", "done"), [("create", "created"), ("update", "updated"), ("delete", "deleted")]
)
def test_configurations_are_told(operation: str, done: str) -> None:
    alarm = metric_alarm(description="d", dimensions=(("a", "b"),))

    change = configuration_change(
        alarm, FIRST, operation=operation, previous=metric_alarm(), when=T + 0.5
    )

    (item,), (notice,) = change.history, change.notices
    assert item.summary == f'Alarm "root-use" {done}'
    data = json.loads(item.data)
    assert data["type"] == operation.capitalize()
    assert data[f"{done}Alarm"]["dimensions"] == [{"name": "a", "value": "b"}]
    event = json.loads(notice.payload)
    assert event["detail-type"] == "CloudWatch Alarm Configuration Change"
    assert event["detail"]["operation"] == operation
    assert ("previousConfiguration" in event["detail"]) is (operation == "update")
