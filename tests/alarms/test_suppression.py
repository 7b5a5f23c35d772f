"""Actions of composite alarms that another alarm holds back."""

from alarm_samples import T, composite_alarm, state
from opentrail.alarms.alarm import State, Suppressed
from opentrail.alarms.suppression import at_change, later

HELD = composite_alarm(suppressor="quiet", wait=120, extension=180)
OK, ALARM = State.OK, State.ALARM


def test_without_a_suppressor_nothing_is_held_back() -> None:
    assert at_change(composite_alarm(), state("OK"), ALARM, T) is None
    assert later(composite_alarm(), Suppressed(by="Alarm", told=OK), ALARM, T) is None


def test_a_change_waits_for_the_suppressor_and_is_then_told() -> None:
    held = at_change(HELD, state("OK"), OK, T)

    assert held == Suppressed(by="WaitPeriod", until=T + 120.0, told=OK)
    assert held is not None
    assert later(HELD, held, OK, T + 119.0) == held
    assert later(HELD, held, OK, T + 120.0) is None
    assert later(HELD, held, None, T + 120.0) is None


def test_while_the_suppressor_is_in_alarm_nothing_is_told() -> None:
    waiting = at_change(HELD, state("OK"), OK, T)
    assert waiting is not None

    held = later(HELD, waiting, ALARM, T + 60.0)
    assert held == Suppressed(by="Alarm", told=OK)
    assert held is not None
    assert later(HELD, held, ALARM, T + 9999.0) == held
    assert at_change(HELD, state("OK"), ALARM, T) == held


def test_after_the_suppressor_the_extension_goes_by() -> None:
    held = Suppressed(by="Alarm", told=OK)

    extended = later(HELD, held, OK, float(T))
    assert extended == Suppressed(by="ExtensionPeriod", until=T + 180.0, told=OK)
    assert extended is not None
    assert later(HELD, extended, OK, T + 179.0) == extended
    assert later(HELD, extended, ALARM, T + 10.0) == held
    assert later(HELD, extended, OK, T + 180.0) is None


def test_a_change_while_held_back_keeps_what_was_told() -> None:
    held = Suppressed(by="WaitPeriod", until=T + 100.0, told=OK)
    before = state("ALARM", suppressed=held)

    assert at_change(HELD, before, OK, float(T)) == held
    assert at_change(HELD, before, ALARM, float(T)) == Suppressed(by="Alarm", told=OK)
    by_alarm = state("ALARM", suppressed=Suppressed(by="Alarm", told=OK))
    assert at_change(HELD, by_alarm, OK, float(T)) == Suppressed(
        by="ExtensionPeriod", until=T + 180.0, told=OK
    )


def test_periods_of_no_length_hold_nothing_back() -> None:
    short = composite_alarm(suppressor="quiet", wait=0, extension=0)

    assert at_change(short, state("OK"), OK, float(T)) is None
    assert later(short, Suppressed(by="Alarm", told=OK), OK, float(T)) is None
