"""Lines and bands that are read from a store of metrics."""

from opentrail.adapters.metrics import MemoryMetricStore
from opentrail.alarms.alarm import MetricQuery, MetricStat
from opentrail.ports.metrics import Datapoint
from opentrail.ports.metrics.queries import MetricReader

ACCOUNT, REGION = "123456789012", "us-east-1"
NOW = 1_800_000_000 // 86_400 * 86_400


def test_what_is_usual_of_a_period_is_of_that_period() -> None:
    """Three values in each minute: three in a minute are usual, and fifteen in five."""
    store = MemoryMetricStore()
    store.put(
        [
            Datapoint(
                account_id=ACCOUNT, region=REGION, namespace="Trail", name="Calls", time=time,
                count=3.0, sum=3.0, minimum=1.0, maximum=1.0,
            )
            for time in range(NOW - 86_400, NOW, 60)
        ]
    )  # fmt: skip
    reader = MetricReader(store)

    def usual(period: int) -> float:
        stat = MetricStat(namespace="Trail", name="Calls", period=period, stat="Sum")
        query = MetricQuery(id="m1", stat=stat)
        times = range(NOW, NOW + 600, period)
        band = reader.environment(ACCOUNT, REGION, [query], times).band
        assert band is not None
        high, low = band("m1", 1.0)
        assert high.points == low.points  # nothing varies
        return high.points[NOW]

    assert [usual(period) for period in (60, 300, 60, 300)] == [3.0, 15.0, 3.0, 15.0]
