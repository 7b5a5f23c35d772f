"""Every store of metrics keeps what its port promises."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opentrail.adapters.metrics import MemoryMetricStore, SqliteMetricStore
from opentrail.alarms.datapoint import MAX_VALUES
from opentrail.errors import InvalidInput
from opentrail.ports.metrics import Bucket, Datapoint, MetricStore, Series, SeriesQuery

ACCOUNT, REGION = "123456789012", "us-east-1"
T = 1_800_000_000 // 3600 * 3600
DAY = 86_400

MAKERS: dict[str, Callable[[Path], MetricStore]] = {
    "memory": lambda _path: MemoryMetricStore(),
    "sqlite": lambda path: SqliteMetricStore(path / "metrics.sqlite"),
}


@pytest.fixture(params=MAKERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> MetricStore:
    return MAKERS[request.param](tmp_path)


def point(time: int = T, *values: float, **others: Any) -> Datapoint:
    values = values or (1.0,)
    usual: dict[str, Any] = {
        "account_id": ACCOUNT,
        "region": REGION,
        "namespace": "Trail",
        "name": "Root",
        "time": time,
        "unit": "Count",
        "count": float(len(values)),
        "sum": sum(values),
        "minimum": min(values),
        "maximum": max(values),
        "values": tuple((one, float(values.count(one))) for one in sorted(set(values))),
    }
    return Datapoint(**(usual | others))


SERIES = point().series


def bucket(time: int, *values: float) -> Bucket:
    one = point(time, *values)
    return Bucket(time=time, unit=one.unit, count=one.count, sum=one.sum, minimum=one.minimum,
                  maximum=one.maximum, values=one.values)  # fmt: skip


def test_points_of_a_minute_are_one_bucket(store: MetricStore) -> None:
    store.put([point(T + 5, 1.0), point(T + 59, 3.0)])
    store.put([point(T + 20, 2.0, 3.0), point(T + 60, 7.0)])

    found = store.read(SERIES, T, T + 120, 60)

    assert found == (bucket(T, 1.0, 3.0, 2.0, 3.0), bucket(T + 60, 7.0))


def test_periods_are_counted_from_the_start(store: MetricStore) -> None:
    store.put([point(T + 60 * minute, float(minute)) for minute in range(10)])

    found = store.read(SERIES, T + 120, T + 540, 300)

    assert [(one.time - T, one.sum) for one in found] == [(120, 2 + 3 + 4 + 5 + 6), (420, 7 + 8)]


def test_the_start_is_inside_and_the_end_is_not(store: MetricStore) -> None:
    store.put([point(T, 1.0), point(T + 60, 2.0)])

    assert [one.sum for one in store.read(SERIES, T, T + 60, 60)] == [1.0]
    assert not store.read(SERIES, T + 61, T + 600, 60)


def test_high_resolution_is_kept_by_the_second(store: MetricStore) -> None:
    store.put([point(T + one, float(one), high_resolution=True) for one in (3, 7, 12)])

    found = store.read(SERIES, T, T + 60, 10)

    assert [(one.time - T, one.sum) for one in found] == [(0, 10.0), (10, 12.0)]


def test_units_are_told_apart(store: MetricStore) -> None:
    store.put([point(T, 1.0), point(T, 2.0, unit="Bytes"), point(T, 4.0, unit="None")])

    both = store.read(SERIES, T, T + 60, 60)
    one = store.read(SERIES, T, T + 60, 60, unit="Bytes")

    assert [(each.unit, each.sum) for each in both] == [("Bytes", 2), ("Count", 1), ("None", 4)]
    assert [each.sum for each in one] == [2.0]


def test_nobody_sees_the_series_of_others(store: MetricStore) -> None:
    others = [
        point(account_id="999999999999"),
        point(region="eu-west-1"),
        point(namespace="Other"),
        point(name="Other"),
        point(dimensions=(("a", "b"),)),
    ]
    store.put([point(T, 5.0), *others])

    assert [one.sum for one in store.read(SERIES, T, T + 60, 60)] == [5.0]
    for other in others:
        assert [one.sum for one in store.read(other.series, T, T + 60, 60)] == [1.0]


def test_a_place_counts_once(store: MetricStore) -> None:
    assert store.place("filters") is None
    for _ in range(2):
        store.put([point(T, 1.0)], follower="filters", place=10)
    store.put([point(T, 1.0)], follower="filters", place=9)
    store.put([point(T, 1.0)], follower="others", place=9)
    store.put([], follower="filters", place=20)

    assert [one.count for one in store.read(SERIES, T, T + 60, 60)] == [2.0]
    assert (store.place("filters"), store.place("others")) == (20, 9)


def test_without_place_everything_counts(store: MetricStore) -> None:
    store.put([point(T, 1.0)])
    store.put([point(T, 1.0)])

    assert [one.count for one in store.read(SERIES, T, T + 60, 60)] == [2.0]


def test_statistics_without_values_make_a_bucket_without_values(store: MetricStore) -> None:
    store.put([point(T, 1.0, 3.0)])
    store.put([replace(point(T, 5.0), values=())])

    (found,) = store.read(SERIES, T, T + 60, 60)

    assert (found.count, found.sum, found.minimum, found.maximum) == (3.0, 9.0, 1.0, 5.0)
    assert not found.is_whole


def test_many_different_values_do_not_grow_a_bucket_without_bound(store: MetricStore) -> None:
    for start in range(0, 6000, 1500):
        store.put(
            [point(T, 1.0 + one / 7, 1e90 + one * 1e80) for one in range(start, start + 1500)]
        )

    store.put([point(T + 60, *(float(one) for one in range(3000)))])

    found, alone = store.read(SERIES, T, T + 120, 60)

    assert len(alone.values) <= MAX_VALUES
    assert found.count == 12_000
    assert sum(count for _, count in found.values) == 12_000
    assert len(found.values) <= MAX_VALUES


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 2.0**361])
def test_what_is_no_number_cannot_be_put(value: float) -> None:
    with pytest.raises(InvalidInput):
        point(T, value)


def test_half_a_character_is_kept_as_a_mark(store: MetricStore) -> None:
    store.put([point(T, dimensions=(("user", "a\ud800b"),))])

    (found,) = store.series(SeriesQuery(account_id=ACCOUNT, region=REGION))

    assert found.dimensions == (("user", "a?b"),)


def test_series_are_listed_by_what_they_have(store: MetricStore) -> None:
    dimensions = (("Event", "DeleteTrail"), ("User", "root"))
    store.put([
        point(),
        point(dimensions=dimensions),
        point(T - 20 * DAY, name="Old"),
        point(namespace="Other", dimensions=(("User", "alice"),)),
        point(account_id="999999999999"),
    ])  # fmt: skip

    def listed(**wanted: Any) -> list[tuple[str, str, int]]:
        found = store.series(SeriesQuery(account_id=ACCOUNT, region=REGION, **wanted))
        return [(one.namespace, one.name, len(one.dimensions)) for one in found]

    everything = [
        ("Other", "Root", 1),
        ("Trail", "Old", 0),
        ("Trail", "Root", 2),
        ("Trail", "Root", 0),
    ]
    assert sorted(listed()) == sorted(everything)
    assert sorted(listed(namespace="Trail", name="Root")) == [
        ("Trail", "Root", 0),
        ("Trail", "Root", 2),
    ]
    assert listed(dimensions=(("User", "root"),)) == [("Trail", "Root", 2)]
    assert sorted(listed(dimensions=(("User", None),))) == [
        ("Other", "Root", 1),
        ("Trail", "Root", 2),
    ]
    assert ("Trail", "Old", 0) not in listed(active_since=T - 3 * 3600)
    assert not listed(dimensions=(("user", "root"),))


def test_series_are_listed_page_by_page(store: MetricStore) -> None:
    store.put([point(name=f"m{one % 3}", dimensions=(("d", f"é{one}"),)) for one in range(20)])
    query = SeriesQuery(account_id=ACCOUNT, region=REGION, limit=7)

    found: list[Series] = []
    while page := store.series(query):
        found += page
        query = replace(query, after=page[-1])

    assert len(found) == len(set(found)) == 20
    assert tuple(found) == store.series(SeriesQuery(account_id=ACCOUNT, region=REGION))


def test_what_was_put_since_is_told(store: MetricStore) -> None:
    store.put([point()])
    first = store.changed(0)
    nothing = store.changed(first.end)
    store.put([point(name="b"), point(name="b"), point(name="c")])
    store.put([point(name="b")])
    second = store.changed(nothing.end)

    assert first.series == (SERIES,)
    assert not nothing.series
    assert {one.name for one in second.series} == {"b", "c"}
    assert not store.changed(second.end).series


def test_the_old_is_joined_and_the_too_old_forgotten(store: MetricStore) -> None:
    ages = {"3h": 4 * 3600, "15d": 16 * DAY, "63d": 64 * DAY, "455d": 456 * DAY}
    now = T + max(ages.values())
    for name, age in ages.items():
        times = [now - age + step for step in (0, 1, 60, 300)]
        store.put([point(time, 1.0, name=name, high_resolution=True) for time in times])

    gone = store.expire(now)

    def buckets(name: str) -> list[tuple[int, float]]:
        of, start = replace(SERIES, name=name), now - ages[name]
        return [(one.time - start, one.count) for one in store.read(of, start, now, 1)]

    assert gone > 0
    assert buckets("3h") == [(0, 2.0), (60, 1.0), (300, 1.0)]
    assert buckets("15d") == [(0, 3.0), (300, 1.0)]
    assert buckets("63d") == [(0, 4.0)]
    assert buckets("455d") == []
    assert {one.name for one in store.series(SeriesQuery(account_id=ACCOUNT, region=REGION))} == {
        "3h", "15d", "63d",
    }  # fmt: skip
    assert store.expire(now) == 0


def test_joining_the_old_changes_no_statistics(store: MetricStore) -> None:
    store.put([point(T + 7 * one, float(one % 5), high_resolution=True) for one in range(600)])
    before = store.read(SERIES, T, T + 4200, 3600)

    for age in (4 * 3600, 16 * DAY, 64 * DAY):
        store.expire(T + 7200 + age)
        assert store.read(SERIES, T, T + 4200, 3600) == before


_POINTS = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=3),
        st.sampled_from(["Count", "Bytes"]),
        st.booleans(),
    ),
    max_size=12,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(_POINTS, max_size=4), st.integers(0, 100), st.sampled_from([1, 10, 60, 300]))
def test_both_stores_read_the_same(
    tmp_path: Path, puts: list[Any], start: int, period: int
) -> None:
    path = Path(mkdtemp(dir=tmp_path)) / "metrics.sqlite"
    stores: list[MetricStore] = [MemoryMetricStore(), SqliteMetricStore(path)]
    for points in puts:
        for one in stores:
            one.put([
                point(T + at, *values, unit=unit, high_resolution=high)
                for at, values, unit, high in points
            ])  # fmt: skip

    first, second = (one.read(SERIES, T + start, T + 400, period) for one in stores)

    assert first == second
