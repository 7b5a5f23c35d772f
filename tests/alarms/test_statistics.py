"""Statistics of buckets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentrail.alarms.datapoint import Bucket
from opentrail.alarms.statistics import InvalidStatistic, percentile_of, statistic


def bucket(*values: float, known: bool = True) -> Bucket:
    counted = tuple((one, float(values.count(one))) for one in sorted(set(values)))
    return Bucket(
        time=0, count=float(len(values)), sum=sum(values), minimum=min(values), maximum=max(values),
        values=counted if known else (),
    )  # fmt: skip


TEN = bucket(*(float(one) for one in range(1, 11)))


@pytest.mark.parametrize(("name", "value"), [
    ("SampleCount", 10.0), ("Average", 5.5), ("Sum", 55.0), ("Minimum", 1.0), ("Maximum", 10.0),
    ("p0", 1.0), ("p10", 1.0), ("p50", 5.0), ("p90", 9.0), ("p99.9", 10.0), ("p100", 10.0),
    ("tm90", 5.0), ("TM(10%:90%)", 5.5), ("TM(2:9)", 6.0), ("TM(:3)", 2.0), ("TM(8:)", 9.5), ("tm95", 5.2632),
    ("tc90", 9.0), ("TC(2:5)", 3.0), ("ts90", 45.0), ("TS(80%:)", 19.0),
    ("wm80", 5.2), ("WM(10%:90%)", 5.5), ("WM(3:8)", 5.5), ("IQM", 5.5), ("iqm", 5.5),
    ("PR(:3)", 30.0), ("PR(3:5)", 20.0), ("PR(9:)", 10.0), ("PR(0:20)", 100.0),
])  # fmt: skip
def test_statistics(name: str, value: float) -> None:
    assert statistic(name)(TEN) == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize("name", [
    "", "sum", "Median", "p", "p101", "p-1", "p1e2", "tm", "TM()", "TM(:)", "TM(90%:10%)", "TM(10%:9)", "TM(:101%)",
    "tm(10%:90%)", "PR(1%:2%)", "pr50", "p99.12345678901", "WM(1:2:3)", "p" + "9" * 50, "p٣",
])  # fmt: skip
def test_what_is_no_statistic(name: str) -> None:
    with pytest.raises(InvalidStatistic):
        statistic(name)


def test_where_values_are_not_known_only_the_plain_ones_are_told() -> None:
    few = bucket(1.0, 3.0, known=False)

    assert statistic("Average")(few) == 2.0
    assert statistic("p50")(few) is None
    assert statistic("TM(1%:2%)")(few) is None


def test_nothing_within_the_bounds_has_no_mean() -> None:
    assert statistic("TM(100:200)")(TEN) is None
    assert statistic("TC(100:200)")(TEN) == 0.0
    assert statistic("PR(100:200)")(TEN) == 0.0


def test_percentiles_are_known_by_name() -> None:
    assert [percentile_of(one) for one in ("p99.9", "p0", "tm90", "Sum")] == [99.9, 0.0, None, None]


_VALUES = st.lists(st.integers(-50, 50).map(float), min_size=1, max_size=40)


@given(_VALUES, st.integers(0, 100))
def test_a_percentile_is_a_value_that_this_share_does_not_exceed(
    values: list[float], percent: int
) -> None:
    found = statistic(f"p{percent}")(bucket(*values))

    assert found in values
    assert found is not None
    assert sum(one <= found for one in values) >= percent / 100 * len(values) - 1e-9


@given(_VALUES, st.integers(0, 50), st.integers(51, 100))
def test_what_is_trimmed_adds_up(values: list[float], low: int, high: int) -> None:
    made = bucket(*values)
    count, total = statistic(f"TC({low}%:{high}%)")(made), statistic(f"TS({low}%:{high}%)")(made)
    mean = statistic(f"TM({low}%:{high}%)")(made)

    assert count == pytest.approx(len(values) * (high - low) / 100)
    assert count
    assert mean is not None
    assert total is not None
    assert mean == pytest.approx(total / count)
    assert min(values) - 1e-9 <= mean <= max(values) + 1e-9
    winsorized = statistic(f"WM({low}%:{high}%)")(made)
    assert winsorized is not None
    assert min(values) - 1e-9 <= winsorized <= max(values) + 1e-9
