"""Folding of counts by a process that SIGKILL ends, again and again."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from insight_series import series
from opentrail.adapters.call_counts import SqliteCallCounts
from opentrail.insights.attributions import Attribute
from opentrail.ports.insights.call_counts import Changes, CountPlace, ValueKey

pytestmark = pytest.mark.contract

TODAY = 20_031
NOON = TODAY * 1440 + 720
FOLD = f"""
import sys
from pathlib import Path
from opentrail.adapters.call_counts import SqliteCallCounts, sqlite
sqlite.FOLDED_AT_ONCE = 20
store = SqliteCallCounts(Path(sys.argv[1]))
print("begins", flush=True)
while store.fold({TODAY}):
    pass
"""


def test_folding_over_kills_loses_and_doubles_nothing(tmp_path: Path) -> None:
    path = tmp_path / "counts.sqlite"
    store = SqliteCallCounts(path)
    minutes = [NOON - age * 1440 + at for age in (2, 3, 50, 70) for at in range(0, 700, 2)]
    values = {
        ValueKey(series(), NOON - 2 * 1440 + block, Attribute.PRINCIPAL, name): 3
        for block in range(0, 600, 5)
        for name in "abcdefgh"
    }
    store.commit(Changes({(series(), one): 5 for one in minutes}, values), CountPlace(1, NOON))
    chance = random.Random(1)

    def sums() -> tuple[int, dict[str, int]]:
        told = store.values(series(), 0, NOON)[Attribute.PRINCIPAL]
        return sum(count for _, count in store.counts(series(), 0, NOON)), dict(told)

    before, kills, ended = sums(), 0, False
    while not ended:
        process = subprocess.Popen([sys.executable, "-c", FOLD, path], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.uniform(0, 0.02))
        process.kill()
        ended = process.wait() == 0
        process.stdout.close()
        kills += not ended
        assert sums() == before

    assert kills > 1
    assert store.fold(TODAY) == 0
    store.close()
