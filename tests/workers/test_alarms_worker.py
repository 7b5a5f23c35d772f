"""Alarms go on and off as their datapoints say, and each change is told once."""

import json
from typing import Any

import pytest
from alarms_world import TOPIC, AlarmsWorld

from alarm_samples import ACCOUNT, REGION, T, composite_alarm, metric_alarm
from opentrail.alarms.alarm import CHANGE_KIND, Comparison, MetricQuery, MetricStat, State
from opentrail.alarms.evaluation import EXTRA_PERIODS
from opentrail.errors import Unavailable

ALARM, OK, NONE = "ALARM", "OK", "INSUFFICIENT_DATA"


@pytest.fixture
def world() -> AlarmsWorld:
    return AlarmsWorld()


def counting(**changed: Any) -> Any:
    """At least one in five minutes, as the CIS alarms are."""
    usual = {
        "period": 300,
        "comparison": Comparison.GREATER_OR_EQUAL,
        "treatment": "notBreaching",
        "alarm_actions": (TOPIC,),
    }
    return metric_alarm(**(usual | changed))


def test_a_breaching_count_is_told_within_a_second(world: AlarmsWorld) -> None:
    world.put(counting())
    world.run(120)
    assert world.value() == OK

    world.point(1.0)
    world.step(0.5)

    assert world.value() == ALARM
    (delivery,) = world.told()
    message = json.loads(delivery.payload)
    assert message["NewStateValue"] == ALARM
    assert message["NewStateReason"].startswith("Threshold Crossed: 1 datapoint [1.0 (")
    assert delivery.cause == counting().arn
    assert delivery.attribute("subject") == 'ALARM: "root-use" in US East (N. Virginia)'
    assert (delivery.account_id, delivery.region, delivery.created) == (
        ACCOUNT,
        REGION,
        int(world.now),
    )


def test_the_alarm_ends_when_the_datapoint_has_left_the_range(world: AlarmsWorld) -> None:
    world.put(counting(ok_actions=(TOPIC,)))
    world.run(10)
    world.point(1.0)
    world.step(1)
    ended = 0
    while world.value() == ALARM:
        world.run(10)
        ended += 10

    assert 300 * (1 + EXTRA_PERIODS) - 60 <= ended <= 300 * (1 + EXTRA_PERIODS) + 70
    assert [json.loads(one.payload)["NewStateValue"] for one in world.told()] == [OK, ALARM, OK]


def test_an_alarm_stays_on_while_its_period_goes_by(world: AlarmsWorld) -> None:
    world.put(counting())
    world.run(47)
    world.point(1.0)

    world.run(500, every=0.7)

    assert world.summaries().count("Alarm updated from OK to ALARM") == 1
    assert world.value() == ALARM


@pytest.mark.parametrize("stat", ["Average", "p90"])
def test_what_later_values_may_take_back_waits_for_the_end_of_the_period(
    world: AlarmsWorld, stat: str
) -> None:
    world.put(metric_alarm(stat=stat))
    world.run(61)
    world.point(5.0)
    world.run(30)
    assert world.value() == NONE

    world.run(40)
    assert world.value() == ALARM


def test_too_little_is_told_when_the_period_is_over(world: AlarmsWorld) -> None:
    world.put(metric_alarm(comparison=Comparison.LESS, threshold=3.0, treatment="breaching"))
    world.run(1)
    assert world.value() == ALARM
    for _ in range(3):
        world.point(1.0)
        world.run(20)
    world.run(20)
    assert world.value() == OK

    world.run(60 * (1 + EXTRA_PERIODS))
    assert world.value() == ALARM
    assert world.state_of("root-use").reason == (
        "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [Breaching]."
    )


def test_missing_data_are_insufficient_or_change_nothing(world: AlarmsWorld) -> None:
    world.put(metric_alarm(name="missing"), metric_alarm(name="ignore", treatment="ignore"))
    world.point(0.0)
    world.run(70)
    assert (world.value("missing"), world.value("ignore")) == (OK, OK)

    world.run(60 * (1 + EXTRA_PERIODS))

    assert (world.value("missing"), world.value("ignore")) == (NONE, OK)
    assert world.state_of("missing").reason == "Insufficient Data: 1 datapoint was unknown."


def test_m_of_n(world: AlarmsWorld) -> None:
    world.put(metric_alarm(periods=5, datapoints=3, treatment="notBreaching"))
    for minute in range(6):
        world.point(2.0 if minute % 2 == 0 else 0.0)
        world.run(60, every=5)
        assert world.value() == (ALARM if minute >= 4 else OK)


def test_short_periods_are_evaluated_every_ten_seconds(world: AlarmsWorld) -> None:
    world.put(metric_alarm(period=10, stat="Average", treatment="notBreaching"))
    world.run(20)
    world.point(5.0, high_resolution=True)
    world.run(16)
    assert world.value() == ALARM

    world.run(10 * (1 + EXTRA_PERIODS))
    assert world.value() == OK


def test_units_are_told_apart_where_one_is_named(world: AlarmsWorld) -> None:
    world.put(
        metric_alarm(name="bytes", unit="Bytes", treatment="notBreaching"),
        metric_alarm(name="any", treatment="notBreaching"),
    )
    world.run(1)

    world.point(5.0, unit="Count")
    world.point(5.0, unit="Percent")
    world.step(1)

    assert (world.value("bytes"), world.value("any")) == (OK, ALARM)
    assert "[10.0 (" in world.state_of("any").reason


def queries(expression: str) -> tuple[MetricQuery, ...]:
    def stat(name: str) -> MetricStat:
        return MetricStat(namespace="Trail", name=name, period=60, stat="Sum")

    return (
        MetricQuery(id="e1", expression=expression),
        MetricQuery(id="m1", stat=stat("Root"), return_data=False),
        MetricQuery(id="m2", stat=stat("All"), return_data=False),
    )


def test_expressions_over_metrics(world: AlarmsWorld) -> None:
    world.put(metric_alarm(metric=None, queries=queries("100 * FILL(m1, 0) / m2"), threshold=10.0))
    world.run(5)
    world.point(100.0, name="All")
    world.run(60)
    assert world.value() == OK
    world.point(100.0, name="All")
    world.point(20.0)
    world.run(60)

    assert world.value() == ALARM
    assert "[20.0 (" in world.state_of("root-use").reason


def test_rates_have_what_was_before_the_range(world: AlarmsWorld) -> None:
    world.put(
        metric_alarm(
            metric=None, queries=queries("DIFF(m1)"), threshold=10.0, treatment="notBreaching"
        )
    )
    for minute in range(6):
        world.point(100.0 + (50.0 if minute == 5 else minute))
        world.run(60, every=5)

    world.run(6)
    assert world.value() == ALARM


def test_what_cannot_be_worked_out_counts_as_missing(world: AlarmsWorld) -> None:
    world.put(metric_alarm(metric=None, queries=queries("FIRST(REMOVE_EMPTY(METRICS('zz')))")))

    world.run(70)

    assert world.value() == NONE


def test_a_band_is_broken(world: AlarmsWorld) -> None:
    two = (
        MetricQuery(
            id="m1", stat=MetricStat(namespace="Trail", name="Root", period=60, stat="Sum")
        ),
        MetricQuery(id="ad1", expression="ANOMALY_DETECTION_BAND(m1, 3)"),
    )
    for minute in range(1, 600):
        world.point(10.0 + minute % 3, ago=60.0 * minute)
    world.put(
        metric_alarm(
            metric=None,
            queries=two,
            threshold=None,
            threshold_id="ad1",
            comparison=Comparison.OUTSIDE,
        )
    )
    world.run(5)
    assert world.value() == OK

    world.point(100.0)
    world.run(70)

    assert world.value() == ALARM
    assert "greater than the upper thresholds [" in world.state_of("root-use").reason
    assert "recentUpperThresholds" in world.state_of("root-use").reason_data


def test_a_state_set_by_hand_holds_for_a_while(world: AlarmsWorld) -> None:
    made = counting()
    world.put(made)
    world.run(70)
    assert world.value() == OK

    world.set(made, ALARM)
    world.run(9)
    assert world.value() == ALARM
    world.run(60)

    assert world.value() == OK
    assert len(world.told()) == 1


def test_the_bus_is_told_of_every_change(world: AlarmsWorld) -> None:
    made = counting(actions_enabled=False)
    world.put(made)
    world.run(1)
    world.delete(made)
    world.run(1)

    told = [(bus, custom.detail_type, custom.source) for bus, custom in world.events]
    bus = (ACCOUNT, REGION, "default")
    assert told == [
        (bus, "CloudWatch Alarm Configuration Change", "aws.cloudwatch"),
        (bus, "CloudWatch Alarm State Change", "aws.cloudwatch"),
        (bus, "CloudWatch Alarm Configuration Change", "aws.cloudwatch"),
    ]
    _, custom = world.events[1]
    assert custom.detail["state"]["value"] == OK
    assert json.loads(custom.detail_text) == custom.detail
    assert not world.told()


def test_deleted_alarms_are_evaluated_no_more(world: AlarmsWorld) -> None:
    made = counting()
    world.put(made)
    world.run(2)
    world.delete(made)
    world.point(1.0)
    world.run(120)

    assert not world.told()
    assert world.summaries()[-1] == 'Alarm "root-use" deleted'


def test_a_changed_threshold_counts_at_once(world: AlarmsWorld) -> None:
    world.put(counting(threshold=5.0))
    world.run(2)
    world.point(3.0)
    world.run(2)
    assert world.value() == OK

    world.put(counting(threshold=2.0, updated=world.now))
    world.step(0.5)

    assert world.value() == ALARM


def test_accounts_and_regions_are_worlds_of_their_own(world: AlarmsWorld) -> None:
    world.put(counting())
    world.run(2)

    world.point(1.0, account_id="999999999999")
    world.point(1.0, region="eu-west-1")
    world.run(5)

    assert world.value() == OK


def test_late_datapoints_count_while_they_are_in_the_range(world: AlarmsWorld) -> None:
    world.put(counting())
    world.run(2)
    world.point(1.0, ago=7200.0)
    world.run(5)
    assert world.value() == OK

    world.point(1.0, ago=600.0)
    world.step(1)

    assert world.value() == ALARM


def test_composite_alarms_follow_up_to_the_top(world: AlarmsWorld) -> None:
    world.put(
        counting(name="a", alarm_actions=()),
        counting(
            name="b",
            alarm_actions=(),
            metric=MetricStat(namespace="Trail", name="B", period=300, stat="Sum"),
        ),
        composite_alarm(name="both", rule="ALARM(a) AND ALARM(b)", alarm_actions=(TOPIC,)),
        composite_alarm(name="top", rule='ALARM("both") OR FALSE', alarm_actions=(TOPIC,)),
    )
    world.run(2)
    assert [world.value(one) for one in ("a", "b", "both", "top")] == [OK] * 4
    arn = composite_alarm(name="both").arn
    assert world.state_of("both").reason == f"{arn} was created and its alarm rule evaluates to OK"

    world.point(1.0)
    world.step(1)
    assert [world.value(one) for one in ("a", "b", "both", "top")] == [ALARM, OK, OK, OK]
    world.point(1.0, name="B")
    world.step(1)

    assert [world.value(one) for one in ("a", "b", "both", "top")] == [ALARM] * 4
    assert len(world.told()) == 2
    state = world.state_of("both")
    child = counting(name="b").arn
    assert state.reason.startswith(
        f"{child} transitioned to ALARM at Sunday 22 November, 2026 08:00:0"
    )
    assert json.loads(state.reason_data)["triggeringAlarms"][0]["arn"] == child
    (first, _) = (json.loads(one.payload) for one in world.told())
    assert first["TriggeringChildren"][0]["Arn"] in (child, arn)


def test_a_changed_rule_counts_at_once(world: AlarmsWorld) -> None:
    world.put(counting(name="a"), composite_alarm(name="c", rule="ALARM(a)"))
    world.run(2)
    world.put(composite_alarm(name="c", rule="OK(a)", updated=world.now + 1))
    world.step(1)

    assert world.value("c") == ALARM
    assert world.state_of("c").reason.endswith("was updated and its alarm rule evaluates to ALARM")


def test_a_child_that_is_gone_has_no_data(world: AlarmsWorld) -> None:
    world.put(composite_alarm(name="c", rule="INSUFFICIENT_DATA(gone)"))

    world.run(1)

    assert world.value("c") == ALARM


def held(**changed: Any) -> Any:
    usual = {
        "name": "c",
        "rule": "ALARM(a)",
        "suppressor": "quiet",
        "wait": 20,
        "extension": 30,
        "alarm_actions": (TOPIC,),
        "ok_actions": (TOPIC,),
    }
    return composite_alarm(**(usual | changed))


def quieted(world: AlarmsWorld) -> tuple[Any, Any]:
    a, quiet = counting(name="a", alarm_actions=()), composite_alarm(name="quiet", rule="FALSE")
    world.put(a, quiet, held())
    world.run(30)
    assert world.value("c") == OK
    return a, quiet


def values(world: AlarmsWorld) -> list[str]:
    return [json.loads(one.payload)["NewStateValue"] for one in world.told()]


def test_actions_wait_for_the_suppressor(world: AlarmsWorld) -> None:
    quieted(world)
    before = len(world.told())
    world.point(1.0)
    world.step(1)
    assert world.value("c") == ALARM
    held_back = world.state_of("c").suppressed
    assert held_back is not None
    assert held_back.by == "WaitPeriod"
    assert len(world.told()) == before

    world.run(19)
    assert len(world.told()) == before
    world.run(3)

    assert values(world)[before:] == [ALARM]
    assert world.state_of("c").suppressed is None
    assert world.summaries("c")[-1] == f"Successfully executed action {TOPIC}"


def test_while_the_suppressor_is_in_alarm_nothing_is_told_and_then_once(world: AlarmsWorld) -> None:
    _, quiet = quieted(world)
    before = len(world.told())
    world.point(1.0)
    world.step(1)
    world.put(composite_alarm(name="quiet", rule="TRUE", updated=world.now))
    world.run(120)
    held_back = world.state_of("c").suppressed
    assert held_back is not None
    assert held_back.by == "Alarm"
    assert len(world.told()) == before

    world.put(quiet)
    world.run(25)
    assert len(world.told()) == before
    world.run(10)

    assert values(world)[before:] == [ALARM]


def test_what_comes_and_goes_while_held_back_is_not_told(world: AlarmsWorld) -> None:
    a, _ = quieted(world)
    before = len(world.told())
    world.put(composite_alarm(name="quiet", rule="TRUE", updated=world.now))
    world.step(1)
    world.set(a, ALARM)
    world.run(5)
    assert world.value("c") == ALARM
    world.set(a, OK)
    world.run(5)
    assert world.value("c") == OK
    world.put(composite_alarm(name="quiet", rule="FALSE", updated=world.now))
    world.run(60)

    assert len(world.told()) == before
    assert world.state_of("c").suppressed is None


class Failing:
    """Passes calls on until one is to fail, before it or after it."""

    def __init__(self, inner: Any, calls: list[int], *, after: bool) -> None:
        self._inner, self._calls, self._after = inner, calls, after

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._inner, name)
        if name not in ("apply", "add", "put"):
            return inner

        def call(*arguments: Any, **values: Any) -> Any:
            self._calls[0] -= 1
            if self._calls[0] == 0 and not self._after:
                raise Unavailable("killed")
            answer = inner(*arguments, **values)
            if self._calls[0] == 0:
                raise Unavailable("killed")
            return answer

        return call


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("crash", range(1, 16))
def test_a_crash_between_any_two_steps_loses_and_doubles_nothing(crash: int, after: bool) -> None:
    calls = [0]
    world = AlarmsWorld()
    plain = world.state, world.history, world.outbox
    world.put(
        counting(name="a", ok_actions=(TOPIC,)),
        composite_alarm(name="c", rule="ALARM(a)", alarm_actions=(TOPIC,)),
    )
    world.state, world.history, world.outbox = (Failing(one, calls, after=after) for one in plain)
    world.restart()
    calls[0] = crash

    def walk() -> None:
        world.run(3)
        world.point(1.0)
        world.run(3)

    try:
        walk()
    except Unavailable:
        world.state, world.history, world.outbox = plain
        world.restart()
        world.run(1)
        if world.value("a") != ALARM:
            world.point(1.0)
        world.run(5)

    world.state, world.history, world.outbox = plain
    assert sorted(world.summaries("a")) == sorted([
        'Alarm "a" created', "Alarm updated from INSUFFICIENT_DATA to OK", "Alarm updated from OK to ALARM",
        *[f"Successfully executed action {TOPIC}"] * 2,
    ])  # fmt: skip
    assert len(world.told()) == 3
    assert sorted(
        (custom.detail_type, custom.detail["state"]["value"])
        for _, custom in world.events
        if "State Change" in custom.detail_type
    ) == [("CloudWatch Alarm State Change", value) for value in (ALARM, ALARM, OK, OK)]
    assert not world.state.list(CHANGE_KIND)


def test_a_store_that_is_away_keeps_nothing_from_being_evaluated_later(world: AlarmsWorld) -> None:
    world.put(*(counting(name=f"a{one}") for one in range(5)))
    world.run(2)
    calls = [3]
    plain = world.metrics.read

    def read(*arguments: Any, **values: Any) -> Any:
        calls[0] -= 1
        if calls[0] == 0:
            raise Unavailable("away")
        return plain(*arguments, **values)

    world.metrics.read = read
    world.point(1.0)
    with pytest.raises(Unavailable):
        world.step(1)
    world.step(1)

    assert {world.value(f"a{one}") for one in range(5)} == {ALARM}


def test_one_broken_alarm_does_not_stop_the_others(world: AlarmsWorld) -> None:
    world.put(
        counting(name="good"),
        counting(
            name="bad",
            metric=MetricStat(namespace="Trail", name="Root", period=300, stat="nonsense"),
        ),
    )
    world.run(2)

    world.point(1.0)
    world.run(2)

    assert world.value("good") == ALARM


def test_long_alarms_do_not_read_days_of_datapoints_each_second(world: AlarmsWorld) -> None:
    world.put(counting(name="week", period=86_400, periods=7, datapoints=1))
    world.run(2)
    reads = []
    plain = world.metrics.read
    world.metrics.read = lambda *arguments, **values: reads.append(1) or plain(*arguments, **values)
    for _ in range(120):
        world.point(0.0)
        world.step(1)

    assert len(reads) <= 3
    world.point(1.0)
    world.run(61)
    assert world.value("week") == ALARM


def test_a_new_worker_goes_on_where_the_other_was(world: AlarmsWorld) -> None:
    world.put(counting())
    world.run(2)
    world.point(1.0)
    world.run(2)
    before = world.summaries()

    world.restart()
    world.run(30)

    assert world.summaries() == before
    assert world.value() == ALARM


def test_what_the_metric_is_put_to_meanwhile_is_not_missed(world: AlarmsWorld) -> None:
    """An alarm that was just evaluated is asked for again after the pause."""
    world.put(counting(threshold=2.0))
    world.run(2)
    world.point(1.0)
    world.step(0.6)
    world.point(1.0)
    world.step(0.1)
    assert world.value() == OK

    world.step(0.5)

    assert world.value() == ALARM


def test_states_are_what_the_reason_says(world: AlarmsWorld) -> None:
    world.put(counting())
    world.run(2)
    world.point(1.0)
    world.run(2)
    data = json.loads(world.state_of("root-use").reason_data)

    assert data["recentDatapoints"] == [1.0]
    assert data["statistic"] == "Sum"
    assert data["evaluatedDatapoints"][0]["sampleCount"] == 1.0
    assert world.state_of("root-use").value is State.ALARM
    assert T <= world.state_of("root-use").transitioned <= world.now


@pytest.mark.parametrize(
    "name", ["a/b", "x:alarm:y", "é ü", 'quo"te', "..", "%2F", "arn:aws:x", "a" * 255]
)
def test_names_of_all_kinds(world: AlarmsWorld, name: str) -> None:
    world.put(counting(name=name))
    if '"' not in name:
        world.put(
            composite_alarm(name="c", rule=f'ALARM("{name}") OR ALARM("{counting(name=name).arn}")')
        )
    world.run(2)
    world.point(1.0)
    world.run(2)

    assert world.value(name) == ALARM
    assert len(world.told()) == 1
    if '"' not in name:
        assert world.value("c") == ALARM
        assert world.state_of("c").reason.startswith(counting(name=name).arn)


@pytest.mark.parametrize(("tags", "dry_run", "needs_approval"), [
    ((), False, False), ((("opentrail:dry-run", "true"),), True, False), ((("opentrail:approval", "required"),), False, True),
    ((("opentrail:approval", "no"), ("opentrail:dry-run", "yes")), False, False),
])  # fmt: skip
def test_answers_may_be_tried_dry_or_need_a_person(
    world: AlarmsWorld, tags: Any, dry_run: bool, needs_approval: bool
) -> None:
    world.put(counting(tags=tags))
    world.run(2)
    world.point(1.0)
    world.run(2)

    (delivery,) = world.told()
    assert (delivery.dry_run, delivery.needs_approval) == (dry_run, needs_approval)
