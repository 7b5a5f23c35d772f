"""What is usual for a metric."""

from alarm_samples import T
from opentrail.alarms.metric_math.usual import LEAST, band, usual

DAYS = range(T - 14 * 86_400, T, 3600)


def test_each_hour_has_its_own_band() -> None:
    known = usual((time, float(time // 3600 % 24) + time // 86_400 % 2) for time in DAYS)

    high, low = band(known, range(T, T + 7200, 3600), 2.0)

    hour = T // 3600 % 24
    assert low.points == {T: hour - 0.5, T + 3600: hour + 0.5}
    assert high.points == {T: hour + 1.5, T + 3600: hour + 2.5}


def test_hours_with_few_datapoints_have_the_band_of_all() -> None:
    known = usual((T + 60 * one, float(one % 2)) for one in range(20))

    high, low = band(known, range(T + 43_200, T + 43_260, 60), 1.0)

    assert (low.points, high.points) == ({T + 43_200: 0.0}, {T + 43_200: 1.0})


def test_too_short_a_past_tells_nothing() -> None:
    known = usual((T + one, 1.0) for one in range(LEAST - 1))

    assert [line.points for line in band(known, range(T, T + 60, 60), 2.0)] == [{}, {}]
