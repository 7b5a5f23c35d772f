"""How strange a count is: the tail of a negative binomial distribution, as a power of ten.

The variance of a count is `mean * (1 + excess)`; an excess of 0 is Poisson's. What is told is the
exponent of Chernoff's bound, `-log10` of it: it is a monotone measure of the tail, has a closed
form, and is exact enough, since thresholds are found by the same measure on a series' own past.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_LEAST_EXCESS = 1e-3
_STEPS = 5
_LN10 = float(np.log(10))


def high(count: Floats, mean: Floats, excess: Floats) -> Floats:
    """The strangeness of counts above their means; 0 for others. All of one shape."""
    shape = mean / np.maximum(excess, _LEAST_EXCESS)
    count = np.maximum(count, mean)
    found = count * np.log(count / mean)
    found -= (count + shape) * np.log((count + shape) / (mean + shape))
    return found / _LN10


def low(count: Floats, mean: Floats, excess: Floats) -> Floats:
    """The strangeness of counts below their means; 0 for others."""
    shape = mean / np.maximum(excess, _LEAST_EXCESS)
    count = np.minimum(count, mean)
    some = np.maximum(count, 1e-12)
    found = some * np.log(some / mean)
    found -= (count + shape) * np.log((count + shape) / (mean + shape))
    return found / _LN10


def least_strange(strangeness: Floats, mean: Floats, excess: Floats) -> Ints:
    """The least whole counts whose strangeness is at least the one given.

    Newton's method on a convex, growing function: from above it never steps over the root.
    """
    shape = mean / np.maximum(excess, _LEAST_EXCESS)
    wanted = strangeness * _LN10
    # Far out the bound falls by log(1 + shape / mean) a call, and by more before.
    count = mean + wanted / np.log1p(shape / mean) + np.sqrt(2 * wanted * (mean + mean**2 / shape))
    constant = np.log(mean) - np.log(mean + shape)
    for _ in range(_STEPS):
        first, second = np.log(count), np.log(count + shape)
        slope = first - second - constant
        value = count * (first - np.log(mean)) - (count + shape) * (second - np.log(mean + shape))
        step = (value - wanted) / slope
        count = np.maximum(count - step, mean + 1e-9)
    found: Ints = np.ceil(count - 1e-9).astype(np.int64)
    return found
