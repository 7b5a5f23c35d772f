"""Tests that something takes no time, on machines of any speed and load."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time

REFERENCE_SECONDS = 0.05
"""What the loop below takes on an idle core of 2025."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fails when a block takes more CPU time than that on an idle core.

    A loaded machine makes CPU time longer, too: it gets as much more as a fixed loop takes there.
    """
    gc.collect()
    # What other tests left is none of this block's garbage.
    gc.freeze()
    try:
        before = _slowness()
        began = process_time()
        yield
        took = process_time() - began
    finally:
        gc.unfreeze()
    assert took < seconds * max(before, _slowness()), f"{took:.2f} s"


def _slowness() -> float:
    began = process_time()
    sum(number * number for number in range(600_000))
    return max(1.0, (process_time() - began) / REFERENCE_SECONDS)
