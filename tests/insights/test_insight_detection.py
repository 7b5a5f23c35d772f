import numpy as np
import pytest

from insight_series import DAYS, FIRST_DAY, START, judged, office_days, series, watching
from opentrail.insights.alert import Kind
from opentrail.insights.baseline import DAY, NORMAL, SENSITIVITIES, learn
from opentrail.insights.detect import Detection
from opentrail.insights.limits import NEVER
from opentrail.insights.season import weekday_of


def a_day(mean: float = 4.0) -> np.ndarray:
    return office_days(mean, seed=2)[:DAY].copy()


def test_the_first_day_is_a_monday():
    assert weekday_of(FIRST_DAY) == 0
    assert weekday_of(0) == 3


def test_an_ordinary_day_is_silent():
    detection, key = watching(office_days())

    assert judged(detection, key, a_day()) == []


def test_a_spike_is_found_in_its_first_minute_and_ends():
    detection, key = watching(office_days())
    day = a_day()
    day[600:610] += 60

    start, end = judged(detection, key, day)

    assert (start.kind, start.seen, start.since) == (Kind.HIGH, START + 600, START + 600)
    assert start.observed >= start.limit
    assert end.id == start.id
    assert 610 <= end.ended - START <= 616


def test_the_same_calls_at_night_are_stranger_than_by_day():
    detection, key = watching(office_days())
    day = a_day()
    day[200:204] += 4

    (start, _) = judged(detection, key, day)

    assert start.seen - START in range(200, 204)


def test_a_busy_api_that_falls_silent_is_told_of():
    detection, key = watching(office_days(40.0))
    day = a_day(40.0)
    day[700:800] = 0

    start, end = judged(detection, key, day, beside=series("Other"))

    assert start.kind is Kind.DROP
    assert 705 <= start.seen - START <= 720
    assert start.observed <= start.limit < start.expected
    assert 795 <= end.ended - START <= 830


def test_where_nothing_comes_any_more_nothing_is_missed():
    detection, key = watching(office_days(40.0))
    elsewhere = series("Other")._replace(region="us-east-1")

    assert judged(detection, key, np.zeros(DAY, int), beside=elsewhere) == []


def test_errors_may_fall_silent():
    detection, key = watching(office_days(40.0), series(error_code="AccessDenied"))

    assert judged(detection, key, np.zeros(DAY, int)) == []


@pytest.mark.parametrize("minutes", [-5, 0, 5])
def test_a_job_that_runs_some_minutes_before_its_time_is_not_missed(minutes):
    past = np.zeros(DAYS * DAY, int)
    past.reshape(DAYS, DAY)[:, 190:195] = 8
    detection, key = watching(past)
    day = np.zeros(DAY, int)
    day[190 + minutes : 195 + minutes] = 8

    assert judged(detection, key, day, beside=series("Other")) == []


def test_a_job_that_did_not_run_is_told_of():
    past = np.zeros(DAYS * DAY, int)
    past.reshape(DAYS, DAY)[:, 185:190] = 8
    detection, key = watching(past)

    (start, _) = judged(detection, key, np.zeros(DAY, int), beside=series("Other"))

    assert start.kind is Kind.DROP
    assert 187 <= start.seen - START <= 205


def test_a_job_of_working_days_is_not_missed_on_a_saturday_that_is_not_learnt_yet():
    past = np.zeros(DAYS * DAY, int)
    days = past.reshape(DAYS, DAY)
    days[[day % 7 < 5 for day in range(DAYS)], 5:20] = 8
    week = np.concatenate((days[:5].reshape(-1), np.zeros(DAY, int)))
    detection, key = watching(past)
    for day in range(5):
        learnt = learn(np.concatenate((past[day * DAY :], week[: day * DAY])), day, NORMAL)
        detection.learn(key, learnt, START // DAY + day)
        assert judged(detection, key, week[day * DAY : (day + 1) * DAY]) == []

    # Others are called, so that nothing but the day keeps the silence from being told.
    early = week[5 * DAY : 5 * DAY + 59]
    assert judged(detection, key, early, beside=series("Others")) == []


def test_a_job_that_sometimes_rests_is_not_missed():
    past = np.zeros(DAYS * DAY, int)
    past.reshape(DAYS, DAY)[:, 185:190] = 8
    past.reshape(DAYS, DAY)[9, 185:190] = 0
    detection, key = watching(past)

    assert judged(detection, key, np.zeros(DAY, int)) == []


def test_an_api_never_seen_is_told_of_once():
    detection = Detection(START - 1)
    detection.add(series(), is_news=True)

    counts = [5] * 6 + [0] * 60 + [30] * 5
    start, end = judged(detection, series(), counts)

    assert start.kind is Kind.NEVER_SEEN
    assert start.seen == START + 3
    assert end.ended == START + 6


def test_of_an_account_that_is_new_nothing_is_news():
    detection = Detection(START - 1)
    detection.add(series())

    assert judged(detection, series(), [100] * 30) == []


@pytest.mark.parametrize(("days", "told"), [(2, False), (4, True)])
def test_a_young_series_is_silent_for_three_days(days, told):
    past = np.random.default_rng(1).poisson(5.0, days * DAY)
    detection = Detection(START - 1)
    detection.add(series())
    detection.learn(series(), learn(past, weekday_of(FIRST_DAY - days), NORMAL), START // DAY)

    assert bool(judged(detection, series(), [5] * 60 + [500] * 10)) is told


def test_what_it_learnt_is_not_poisoned_by_one_anomaly_that_was_left_in():
    past = office_days()
    past[20 * DAY + 600 : 20 * DAY + 620] += 60
    detection, key = watching(past)
    day = a_day()
    day[600:610] += 200

    assert judged(detection, key, day)


def test_more_sensitive_means_lower_limits():
    past = office_days()
    low, normal, high = (
        learn(past, 0, SENSITIVITIES[name]).calls.thresholds for name in ("low", "normal", "high")
    )

    assert (low >= normal).all()
    assert (normal >= high).all()
    assert (low > high).any()


def test_runs_that_are_cut_anywhere_find_the_same():
    past, day = office_days(), a_day()
    day[600:640] += 30
    whole, key = watching(past)
    expected = judged(whole, key, day)

    for cut in (599, 601, 605, 630, 645, 649, 655):
        first, _ = watching(past)
        found = judged(first, key, day[:cut])
        second = Detection(START + cut - 1)
        both = np.concatenate((past[-480:], day[:cut]))
        second.add(key, [(START - 480 + at, int(n)) for at, n in enumerate(both)])
        second.learn(key, learn(past, weekday_of(FIRST_DAY), NORMAL), START // DAY)
        for alert in first.alerts:
            second.resume(alert)
        found += judged(second, key, day[cut:])

        assert [(one.id, one.ended) for one in found] == [(one.id, one.ended) for one in expected]


def test_late_calls_are_seen_by_longer_windows():
    detection, key = watching(office_days())
    judged(detection, key, a_day()[:200])

    detection.late(key, START + 195, 40)

    assert [one.window for one in detection.tick({})] != []


def test_a_series_without_calls_costs_nothing_and_tells_nothing():
    detection, key = watching(np.zeros(DAYS * DAY, int))

    assert judged(detection, key, np.zeros(DAY, int)) == []
    assert (detection._limits.high < NEVER).all()


def test_work_at_night_is_found_by_its_minutes():
    random = np.random.default_rng(5)
    minutes = np.arange(DAYS * DAY)
    hour, weekday = minutes % DAY // 60, minutes // DAY % 7
    busy = np.where((hour >= 8) & (hour < 18) & (weekday < 5), 0.2, 0.001)
    past = random.poisson(busy) * random.integers(1, 60, len(minutes))  # in bursts
    detection, key = watching(past)
    day = np.zeros(DAY, int)
    day[120:180:2] = 1

    (start, end) = judged(detection, key, day)

    assert start.kind is Kind.ACTIVE
    assert 120 < start.seen - START < 160
    assert start.observed >= start.limit > start.expected
    assert 178 <= end.ended - START <= 200


@pytest.mark.parametrize("news", [True, False])
def test_the_row_of_a_forgotten_series_knows_nothing_of_it(news):
    busy, key = watching(office_days(40.0))
    judged(busy, key, [9000] * 40)
    assert list(busy.alerts)

    busy.forget(key)
    busy.add(series("Other"), is_news=news)
    fresh = Detection(busy.minute)
    fresh.add(series("Other"), is_news=news)

    assert len(busy) == 1
    assert not list(busy.alerts)
    counts = [0] * 5 + [30] * 30 + [0] * 200
    assert judged(busy, series("Other"), counts) == judged(fresh, series("Other"), counts)
    other = office_days(5.0, seed=3)
    for one in (busy, fresh):
        one.learn(series("Other"), learn(other, weekday_of(FIRST_DAY), NORMAL), START // DAY)
    day = np.concatenate((other[:300], [90] * 10, other[:400]))
    found = judged(busy, series("Other"), day)
    assert found == judged(fresh, series("Other"), day)
    assert found
