"""(e) The store of events: importing, look-ups, searches, facets, start, disk and memory.

Takes hours in full; OPENTRAIL_BENCH_PHASES names the phases wanted (`imports,lookups`). Where the
data comes from: event_store_trees.
"""

import importlib
import os

from event_store_measures import show

PHASES = {
    "imports": "Import, beside DuckDB reading the same files into Parquet",
    "lookups": "LookupEvents while 1,000 events/s arrive",
    "searches": "Searches and facets, beside DuckDB over the store's Parquet files",
    "starts": "From exec to the first answer",
}


def run() -> dict[str, object]:
    """The tables of the phases wanted."""
    wanted = os.environ.get("OPENTRAIL_BENCH_PHASES", ",".join(PHASES)).split(",")
    found: dict[str, object] = {}
    for phase in wanted:
        rows = importlib.import_module(f"event_store_{phase}").run()
        # What compares stands first.
        ordered = dict(sorted(rows.items(), key=lambda one: not one[0].startswith("growth")))
        show(PHASES[phase], ordered)
        found[phase] = ordered
    return found
