import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentrail.insights.tail import high, least_strange, low

means = st.floats(1e-4, 1e4)
excesses = st.floats(0, 1e3)


def one(value: float) -> np.ndarray:
    return np.array([value])


@given(st.floats(1, 80), means, excesses)
def test_the_least_strange_count_is_the_least(wanted, mean, excess):
    (count,) = least_strange(one(wanted), one(mean), one(excess))

    assert high(one(float(count)), one(mean), one(excess))[0] >= wanted - 1e-6
    assert high(one(count - 1.0), one(mean), one(excess))[0] < wanted + 1e-6


@pytest.mark.parametrize(("count", "mean"), [(10, 2.0), (30, 5.0), (200, 100.0)])
def test_without_excess_it_bounds_poissons_tail(count, mean):
    tail = sum(
        math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(count, count + 400)
    )

    (found,) = high(one(float(count)), one(mean), one(0.0))

    assert 0.8 * -math.log10(tail) <= found <= -math.log10(tail)


@given(means, excesses)
def test_what_is_expected_is_not_strange(mean, excess):
    assert high(one(mean), one(mean), one(excess))[0] == pytest.approx(0, abs=1e-9)
    assert low(one(mean), one(mean), one(excess))[0] == pytest.approx(0, abs=1e-9)


def test_more_excess_is_less_strange():
    found = high(np.full(4, 50.0), np.full(4, 10.0), np.array([0.0, 1.0, 5.0, 50.0]))

    assert (np.diff(found) < 0).all()


def test_nothing_where_many_are_expected_is_strange():
    assert low(one(0.0), one(100.0), one(0.0))[0] == pytest.approx(100 / math.log(10), rel=1e-2)
