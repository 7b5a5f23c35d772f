"""Old metrics and histories go now and then."""

from datetime import timedelta

from alarms_world import AlarmsWorld

from alarm_samples import metric_alarm
from opentrail.workers.alarms import MetricsKeeper
from opentrail.workers.alarms.keeping import EVERY


def test_what_is_too_old_goes_now_and_then() -> None:
    world = AlarmsWorld()
    keeper = MetricsKeeper(world.metrics, world.history, world.clock)
    world.put(metric_alarm())
    world.run(1)
    world.point(1.0)
    world.point(1.0, ago=456 * 86_400.0)

    assert keeper.step() > 0
    assert world.summaries()
    world.clock.advance(timedelta(days=31))
    assert keeper.step() > 1
    assert keeper.step() == 0
    assert not world.summaries()
    world.point(1.0, ago=456 * 86_400.0)
    world.clock.advance(EVERY)
    assert keeper.step() > 0
