"""Logs Insights over a million records, beside SQL that a person would write for DuckDB.

Both read the same open files in the same process, with as many threads and as much memory, in turns;
a warm-up of each comes first. Ours also counts the events that matched (SQL by hand does so where it
lists events that match), gives pointers and knows records of unusual shapes. What needs the records themselves has no peer: the open files do not hold them.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from event_store_trees import store
from opentrail.adapters.log_events import MemoryLogEventStore
from opentrail.adapters.queries.database import Limits
from opentrail.adapters.queries.engine import QueryEngine
from opentrail.ports.queries import QueryRequest

TURNS = 9
END = 4_000_000_000_000
LIMITS = Limits(memory_bytes=1024 * 1024 * 1024, threads=2)

BUCKET = "json_extract_string(request_parameters, '$.bucketName')"
LASTS = "TRY_CAST(json_extract_string(request_parameters, '$.durationSeconds') AS DOUBLE)"
QUERIES: dict[str, tuple[str, str]] = {
    "count by three fields": (
        "stats count(*) as n by eventSource, eventName, awsRegion | sort n desc | limit 20",
        (
            "SELECT event_source, event_name, aws_region, count(*) AS n FROM events GROUP BY ALL "
            "ORDER BY n DESC LIMIT 20"
        ),
    ),
    "count by bin(5m)": (
        "stats count(*) as n by bin(5m)",
        (
            "SELECT epoch_ms(event_time) // 300000 * 300000 AS b, count(*) FROM events GROUP BY 1 "
            "ORDER BY 1 DESC LIMIT 10000"
        ),
    ),
    "errors by code": (
        "filter ispresent(errorCode) | stats count(*) as n by errorCode | sort n desc | limit 20",
        (
            "SELECT error_code, count(*) AS n FROM events WHERE error_code IS NOT NULL GROUP BY 1 "
            "ORDER BY n DESC LIMIT 20"
        ),
    ),
    "percentile and distinct": (
        "stats pct(strlen(userAgent), 95) as p, count_distinct(userIdentity.arn) as d",
        "SELECT quantile_cont(length(user_agent), 0.95), count(DISTINCT identity_arn) FROM events",
    ),
    "regex in a column": (
        (
            r"parse userAgent /aws-cli\/(?<v>[0-9.]+)/ | filter ispresent(v) "
            "| stats count(*) as n by v | sort n desc | limit 20"
        ),
        (
            "SELECT v, count(*) AS n FROM (SELECT regexp_extract(user_agent, 'aws-cli/([0-9.]+)', 1) "
            "AS v FROM events) WHERE v <> '' GROUP BY 1 ORDER BY n DESC LIMIT 20"
        ),
    ),
    "a request parameter": (
        (
            "filter eventName = 'GetObject' and requestParameters.bucketName like /prod/ "
            "| stats count(*) as n by requestParameters.bucketName | sort n desc | limit 20"
        ),
        (
            f"SELECT {BUCKET} AS b, count(*) AS n FROM events WHERE event_name = 'GetObject' AND "
            f"regexp_matches({BUCKET}, 'prod') GROUP BY 1 ORDER BY n DESC LIMIT 20"
        ),
    ),
    "a number in the request": (
        (
            "filter requestParameters.durationSeconds > 900 "
            "| stats count(*) as n, avg(requestParameters.durationSeconds) as a by eventName"
        ),
        (
            f"SELECT event_name, count(*) AS n, avg({LASTS}) FROM events WHERE {LASTS} > 900 "
            "GROUP BY 1 ORDER BY 1"
        ),
    ),
    "newest 20": (
        "fields @timestamp, eventName, userIdentity.arn, requestParameters.bucketName | limit 20",
        (
            f"SELECT event_time::TIMESTAMP, event_name, identity_arn, {BUCKET} FROM events "
            "ORDER BY event_time DESC LIMIT 20"
        ),
    ),
    "newest 20 that match": (
        (
            "filter eventSource = 's3.amazonaws.com' and requestParameters.bucketName like /prod/ "
            "| fields @timestamp, eventName, requestParameters.bucketName | limit 20"
        ),
        (
            f"SELECT event_time::TIMESTAMP, event_name, {BUCKET}, count(*) OVER () FROM events "
            f"WHERE event_source = 's3.amazonaws.com' AND regexp_matches({BUCKET}, 'prod') "
            "ORDER BY event_time DESC LIMIT 20"
        ),
    ),
    "newest 10,000": (
        "fields @timestamp, eventName, userIdentity.arn, awsRegion",
        (
            "SELECT event_time::TIMESTAMP, event_name, identity_arn, aws_region FROM events "
            "ORDER BY event_time DESC LIMIT 10000"
        ),
    ),
}
OF_RECORDS = {
    "@message like": "filter @message like /AccessDenied/ | stats count(*) as n by eventName",
    "@message of one service": (
        'filter eventSource = \'iam.amazonaws.com\' | parse @message /"eventID":"(?<id>[^"]+)/ '
        "| stats count_distinct(id) as n"
    ),
    "a member that no column holds": "stats count(*) as n by apiVersion",
    "newest 10,000 @message": "fields @timestamp, @message",
}


def run() -> dict[str, dict[str, object]]:
    """A row a query; "ratio" is ours by hand-written, of medians."""
    data = store("1M")
    if isinstance(data, str):
        return {"": {"": data}}
    with tempfile.TemporaryDirectory(dir=data) as scratch:
        engine = QueryEngine(data / "events", MemoryLogEventStore(), Path(scratch), LIMITS)
        peer = _peer(data)
        found = {name: _compared(engine, peer, *pair) for name, pair in QUERIES.items()}
        for name, query in OF_RECORDS.items():
            took = _timed(lambda query=query: _ask(engine, query), 3)
            found[name] = {"ours ms": round(took[0] * 1e3), "ours CPU ms": round(took[1] * 1e3)}
        engine.close()
    return found


def _peer(data: Path) -> duckdb.DuckDBPyConnection:
    peer = duckdb.connect(config={"threads": LIMITS.threads})
    peer.execute(f"SET memory_limit = '{LIMITS.memory_bytes}B'")
    peer.execute("SET TimeZone = 'UTC'")
    files = data / "events" / "parquet" / "*.parquet"
    peer.execute(f"CREATE VIEW events AS SELECT * FROM read_parquet('{files}')")
    return peer


def _ask(engine: QueryEngine, query: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    request = QueryRequest(text=query, start=0, end=END, now=0)
    engine.start(request).answer(lambda found: rows.extend(map(dict, found)))
    return rows


def _compared(
    engine: QueryEngine, peer: duckdb.DuckDBPyConnection, query: str, sql: str
) -> dict[str, object]:
    assert len(_ask(engine, query)) == len(peer.execute(sql).fetchall())
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    for _ in range(TURNS):
        ours.append(_once(lambda: _ask(engine, query)))
        theirs.append(_once(lambda: peer.execute(sql).fetchall()))
    wall, cpu = (
        (statistics.median(one[n] for one in ours), statistics.median(one[n] for one in theirs))
        for n in (0, 1)
    )
    return {
        "ours/by hand": round(wall[0] / wall[1], 2),
        "CPU ours/by hand": round(cpu[0] / cpu[1], 2),
        "ours ms": round(wall[0] * 1e3, 1),
        "by hand ms": round(wall[1] * 1e3, 1),
        "spread ms": round((max(one[0] for one in ours) - min(one[0] for one in ours)) * 1e3, 1),
    }


def _timed(work: Callable[[], object], turns: int) -> tuple[float, float]:
    found = [_once(work) for _ in range(turns)]
    return statistics.median(one[0] for one in found), statistics.median(one[1] for one in found)


def _once(work: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    from event_store_measures import show

    show("Logs Insights over 1M records", run())
