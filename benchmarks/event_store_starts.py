"""From `opentrail serve` to the first answer of LookupEvents, and what the server takes then."""

import statistics
import time
from pathlib import Path

from event_store_lookups import client_of, first_answer, serving
from event_store_measures import Memory
from event_store_trees import forget_pages, store, working_copy
from opentrail.app.processes import free_ports

ROUNDS = 3


def run() -> dict[str, dict[str, object]]:
    """By size; the files out of the page cache each time."""
    found: dict[str, dict[str, object]] = {}
    for size in ("1M", "10M"):
        data = store(size)
        if isinstance(data, str):
            found[size] = {"": data}
            continue
        with working_copy(data) as copy:
            found[size] = _measured(copy)
    return found


def _measured(data: Path) -> dict[str, object]:
    (port,) = free_ports(1)
    client = client_of(data, "111122223333", "us-east-1", port)
    seconds, memories = [], []
    for _ in range(ROUNDS):
        forget_pages(data / "events")
        began = time.perf_counter()
        with serving(data, port) as process, Memory(process.pid) as memory:
            first_answer(client)
            seconds.append(time.perf_counter() - began)
            time.sleep(3)
        memories.append(memory.told())
    return {
        "s, median (aim < 3)": round(statistics.median(seconds), 2),
        "s, longest": round(max(seconds), 2),
        **memories[-1],
    }
