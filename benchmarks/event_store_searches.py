"""Searches of five conditions and facets, beside DuckDB over the store's own Parquet files.

Conditions are drawn from records of the store, so most searches find something. Both answer with
the newest 50; the counts of some are compared, so that both are known to have looked for the same.
"""

import json
import os
import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from event_store_imports import PEER, PEER_PYTHON
from event_store_lookups import asked_of
from event_store_measures import Memory, milliseconds
from event_store_trees import forget_pages, store
from opentrail.adapters.events import SegmentEventStore
from opentrail.clock import SystemClock
from opentrail.predicate.reading import decoded, texts_at

COUNT = int(os.environ.get("OPENTRAIL_BENCH_SEARCHES", "200"))
"""Of each kind."""

COMPARED = 10
CONDITIONS = 5
LONGEST = 200
FACETS = ("eventName", "eventSource", "awsRegion", "errorCode", "sourceIPAddress",
          "userIdentity.arn", "userAgent", "readOnly")  # fmt: skip
COLUMNS = {
    "eventName": "event_name", "eventSource": "event_source", "awsRegion": "aws_region",
    "errorCode": "error_code", "sourceIPAddress": "source_ip_address", "readOnly": "read_only",
    "userIdentity.arn": "identity_arn", "userAgent": "user_agent", "eventCategory": "event_category",
    "userIdentity.type": "identity_type", "recipientAccountId": "recipient_account_id",
    "userIdentity.accessKeyId": "identity_access_key_id", "userIdentity.userName": "identity_user_name",
    "eventID": "event_id",
}  # fmt: skip
LOOKED_UP = ("eventName", "userIdentity.accessKeyId", "userIdentity.userName", "eventID")
PARTS = {"requestParameters": "request_parameters", "responseElements": "response_elements"}


@dataclass(frozen=True)
class Asked:
    """One condition, or several, in both languages."""

    ours: str
    sql: str


def run() -> dict[str, dict[str, object]]:
    """Both sizes: searches and facets."""
    found: dict[str, dict[str, object]] = {}
    for size in ("1M", "10M"):
        data = store(size)
        if isinstance(data, str):
            found[size] = {"": data}
            continue
        kinds = {
            "five conditions": (_searches(data, looked_up=False), "aim: p99 <= 300 ms"),
            "five, one looked up": (_searches(data, looked_up=True), "aim: p99 <= 50 ms"),
        }
        for kind, (asked, aim) in kinds.items():
            found[f"{size}, {kind}"] = {"aim": aim, **_compared(data, asked)}
        found |= _facets(size, data)
    return found


def _records(data: Path, chance: random.Random) -> Iterator[dict[str, Any]]:
    opened = SegmentEventStore(data / "events", SystemClock())
    segments = opened.segments()
    while True:
        (segment,) = chance.choices(segments, [one.entry.rows for one in segments])
        record = decoded(segment.records.at(chance.randrange(segment.entry.rows)))
        if record:
            yield record


def _searches(data: Path, *, looked_up: bool) -> list[Asked]:
    chance = random.Random(7 if looked_up else 8)
    records = _records(data, chance)
    found: list[Asked] = []
    while len(found) < COUNT:
        record = next(records)
        conditions = [one for one in _conditions(record, chance) if _plain(one.ours)]
        first = [one for one in _looked_up(record) if _plain(one.ours)] if looked_up else []
        if len(conditions) < CONDITIONS or (looked_up and not first):
            continue
        parts = [*chance.sample(first, len(first[:1])), *chance.sample(conditions, CONDITIONS)]
        parts = parts[:CONDITIONS]
        chance.shuffle(parts)
        found.append(
            Asked(
                " AND ".join(part.ours for part in parts),
                " AND ".join(f"({part.sql})" for part in parts),
            )
        )
    return found


def _plain(text: str) -> bool:
    """Both languages spell it alike."""
    return text.isascii() and text.isprintable() and not set(text) & set("\\'%*?")


def _looked_up(record: dict[str, Any]) -> list[Asked]:
    return [
        Asked(f'{path} = "{text}"', f"{COLUMNS[path]} = '{text}'")
        for path in LOOKED_UP
        for text in texts_at(record, path.split("."))[:1]
        if '"' not in text
    ]


def _conditions(record: dict[str, Any], chance: random.Random) -> Iterator[Asked]:
    """What this record passes: of each field at most one condition, never equality of a
    looked-up field."""
    for path, column in COLUMNS.items():
        texts = texts_at(record, path.split("."))
        text = texts[0] if texts else ""
        if not text or '"' in text or path == "eventID":
            continue
        if path in {"awsRegion", "userIdentity.type", "readOnly", "recipientAccountId"}:
            yield Asked(f'{path} = "{text}"', f"{column} = '{text}'")
        elif path == "sourceIPAddress" and text.count(".") == 3 and text[-1].isdigit():
            octets = text.split(".")[: chance.choice([1, 2])]
            network = ".".join([*octets, "0", "0", "0"][:4]) + f"/{8 * len(octets)}"
            like = ".".join(octets) + "."
            yield Asked(f"{path} IN {network}", f"starts_with({column}, '{like}')")
        else:
            part = text[: chance.randrange(3, 12)]
            yield Asked(f'{path} PREFIX "{part}"', f"starts_with({column}, '{part}')")
    for path, column in PARTS.items():
        yield from _below(path, column, record.get(path))
    yield Asked('eventName != "NoSuchCall"', "event_name <> 'NoSuchCall'")
    if not texts_at(record, ["errorCode"]):
        yield Asked("errorCode NOT EXISTS", "error_code IS NULL")


def _below(path: str, column: str, value: Any) -> Iterator[Asked]:
    """A member of the parameters: a text, of a plain name."""
    if not isinstance(value, dict):
        return
    for name, text in list(value.items())[:2]:
        if isinstance(text, str) and text and name.isalnum() and '"' not in text:
            member = f"{column} ->> '$.{name}'"
            if len(text) <= LONGEST:
                yield Asked(f'{path}.{name} = "{text}"', f"{member} = '{text}'")
            else:
                yield Asked(f"{path}.{name} EXISTS", f"{member} IS NOT NULL")
            return


def _compared(data: Path, asked: list[Asked]) -> dict[str, object]:
    ours, memory = asked_of("search", data, [("search", one.ours) for one in asked], rounds=2)
    sql = [
        f"SELECT epoch(event_time), event_id FROM events WHERE {one.sql} ORDER BY event_time DESC LIMIT 50"
        for one in asked
    ]
    theirs, peer_memory = _peer(data, sql)
    counts, _ = asked_of("search", data, [("count", one.ours) for one in asked[:COMPARED]])
    peer_counts, _ = _peer(
        data, [f"SELECT count(*) FROM events WHERE {one.sql}" for one in asked[:COMPARED]]
    )
    unlike = [
        one.ours
        for one, mine, other in zip(asked, counts, peer_counts, strict=False)
        if mine[1] != other["first"][0][0]
    ]
    forget_pages(data / "events")
    cold, _ = asked_of("search", data, [("search", one.ours) for one in asked[:50]])
    told, peer = milliseconds([one for one, _ in ours]), milliseconds([one["s"] for one in theirs])
    return {
        "p99 / DuckDB's": round(told["p99 ms"] / peer["p99 ms"], 3),
        "p50 / DuckDB's": round(told["p50 ms"] / peer["p50 ms"], 3),
        **told,
        "DuckDB p50 ms": peer["p50 ms"],
        "DuckDB p99 ms": peer["p99 ms"],
        "cold max ms": milliseconds([one for one, _ in cold])["max ms"],
        "found something": sum(rows > 0 for _, rows in ours),
        "counts unlike DuckDB's": f"{len(unlike)} of {min(COMPARED, len(asked))}",
        "unlike": "; ".join(unlike[:2]),
        **memory.told(),
        "DuckDB anonymous MB": peer_memory.told()["anonymous MB"],
    }


def _peer(data: Path, queries: list[str]) -> tuple[list[dict[str, Any]], Memory]:
    """DuckDB's answers, after each was asked once before."""
    folder = str(data / "events" / "parquet")
    process = subprocess.Popen(
        [PEER_PYTHON, PEER, "ask", folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with Memory(process.pid) as memory:
        output, _ = process.communicate(json.dumps(queries * 2))
    assert process.returncode == 0
    return json.loads(output)[len(queries) :], memory


def _facets(size: str, data: Path) -> dict[str, dict[str, object]]:
    """The ten most frequent values among all events, of one field and of all eight at once."""
    wanted = [[path] for path in FACETS] + [list(FACETS)]
    ours, memory = asked_of("search", data, [("facets", paths) for paths in wanted], rounds=3)
    theirs, _ = _peer(
        data,
        [
            f"SELECT {COLUMNS[path]}, count(*) AS n FROM events GROUP BY 1 ORDER BY n DESC LIMIT 10"
            for path in FACETS
        ],
    )
    peer = [one["s"] for one in theirs]
    peer.append(sum(peer))
    return {
        f"{size}, facets: {paths[0] if len(paths) == 1 else 'all eight'}": {
            "aim": "< 1,000 ms",
            "p50 / DuckDB's": round(one / other, 3),
            "p50 ms": round(one * 1e3, 1),
            "DuckDB p50 ms": round(other * 1e3, 1),
            **(memory.told() if len(paths) > 1 else {}),
        }
        for paths, (one, _), other in zip(wanted, ours, peer, strict=True)
    }
