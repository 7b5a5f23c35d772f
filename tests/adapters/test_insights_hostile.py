"""Queries and log events that want more than an answer."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from insights_world import InsightsWorld, plain, record
from opentrail.adapters.queries.database import Limits, open_database
from opentrail.adapters.queries.scratch import Scratch, sweep
from opentrail.logs.query.errors import MalformedQuery
from opentrail.ports.queries import QueryFailed

_SQL = "'; DROP TABLE base; COPY (SELECT 1) TO '/tmp/x'; --"
_DOUBLE = "x\" FROM base; ATTACH '/tmp/y.db'; SELECT \""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InsightsWorld]:
    found = InsightsWorld(tmp_path_factory.mktemp("hostile"))
    found.store.append([record(n, eventName=_SQL) for n in range(3)])
    found.put(json.dumps({_SQL: 1, "a": _SQL, "$p0": "$p1"}), "not JSON {" * 40, '{"a": "\\ud800"}')
    yield found
    found.close()


@pytest.mark.parametrize("text", [_SQL, _DOUBLE.replace('"', ""), "$p0", "{x}", "%s", "\\", "`"])
def test_texts_of_queries_are_never_sql(world: InsightsWorld, text: str) -> None:
    quoted = json.dumps(text)
    name = "`" + text.replace("\\", "\\\\").replace("`", "\\`") + "`"
    queries = [
        f"filter eventName = {quoted} | stats count(*) as n",
        f"filter eventName like {quoted} or {name} = {quoted} | fields {name} as {name}",
        f"stats count(*) as {name} by {name}",
        f"parse @message {json.dumps(text + ' *')} as {name} | dedup {name} | limit 3",
        f"fields replace(eventName, {quoted}, {quoted}) as {name} | sort {name} | display {name}",
        f"search {quoted}",
        f"filter requestParameters.{name} in [{quoted}] | unnest {name} into {name}",
    ]

    for query in queries:
        world.ask(query)
        world.ask_group(query)

    assert world.ask("stats count(*) as n") == [{"n": "3"}]


def test_a_hostile_name_is_found_as_it_is_written(world: InsightsWorld) -> None:
    rows = world.ask(f"filter eventName = {json.dumps(_SQL)} | fields eventName")
    group = plain(world.ask_group(f"filter a = {json.dumps(_SQL)} | fields `{_SQL}` as x"))

    assert [row["eventName"] for row in rows] == [_SQL] * 3
    assert group == [{"x": "1"}]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/opentrail-x.csv'",
        "ATTACH '/tmp/opentrail-x.db'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM glob('/etc/*')",
        "INSTALL httpfs",
        "LOAD '/tmp/x.duckdb_extension'",
        "SET memory_limit = '90GB'",
        "RESET memory_limit",
        "SET enable_external_access = true",
        "EXPORT DATABASE '/tmp/opentrail-x'",
        "SELECT * FROM 'https://example.com/x.parquet'",
        "CREATE SECRET s (TYPE s3)",
    ],
)
def test_the_database_reaches_nothing_outside(tmp_path: Path, sql: str) -> None:
    own = Scratch(tmp_path)
    connection = open_database(Limits(memory_bytes=64 * 1024 * 1024), own)

    with pytest.raises(
        Exception, match=r"(?i)permission|disabled|cannot|locked|not allowed|secret"
    ):
        connection.execute(sql).fetchall()

    connection.close()
    own.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "query",
    [
        "filter a like /(x+x+)+y/",
        "filter a like /((a*)*)*$/",
        "parse @message /(?<x>(a|aa)+)$/",
        "fields " + "strlen(" * 25 + "a" + ")" * 25,
        "fields " + "tolower(concat(" * 25 + "a" + ", a))" * 25,
        "filter " + " and ".join(f"a != {n}" for n in range(700)),
        "filter a in [" + ", ".join(f'"v{n}"' for n in range(1200)) + "]",
        "fields " + ", ".join(f"concat(a, {n}) as c{n}" for n in range(300)),
        "fields a as a0" + "".join(f" | fields concat(a{n}, '') as a{n + 1}" for n in range(150)),
        "sort " + ", ".join(f"c{n} desc" for n in range(300)),
        "stats " + ", ".join(f"sum(a{n})" for n in range(200)),
        "stats count(*) by " + ", ".join(f"g{n}" for n in range(200)),
        "fields (((((((((((a = 1) = 2) = a) = b) = c) = d) = e) = f) = g) = h) = i) = j",
        "fields round(1.0, 99999999999), substr(a, 9999999999999999999, 99999999999999999999)",
        "fields fromMillis(99999999999999999999) as x, bin(1000000y), datefloor(fromMillis(9.0e30), 3mo)",
        "fields strftime(fromMillis(99999999999999), '%Y'), formatDate(fromMillis(-9.0e18), 'yyyy')",
        "fields base64decode('!!!'), hexToAscii('zz'), urldecode('%zz%'), hexToDec('0xzz')",
        "fields haversine(900, 9.0e300, -9.0e300, 1), 1 / 0, 0 % 0, sqrt(-1), log(0), (0-8) ^ 0.5",
        "stats stddev(n), variance(n), pct(n, 1000), topk(n, 99999), values(n)",
    ],
    ids=lambda query: query[:40],
)
def test_costly_and_odd_queries_are_answered_or_refused_soon(
    world: InsightsWorld, query: str
) -> None:
    began = time.monotonic()

    with suppress(MalformedQuery, QueryFailed):
        world.ask_group(query)

    assert time.monotonic() - began < 30


def test_chained_fields_are_worked_out_once_each(world: InsightsWorld) -> None:
    doubling = "fields 'ab' as a0" + "".join(
        f" | fields concat(a{n}, a{n}) as a{n + 1}" for n in range(12)
    )

    rows = world.ask_group(f"{doubling} | fields strlen(a12) as n | limit 1")

    assert rows[0]["n"] == str(2 * 2**12)


def test_results_that_are_too_large_are_refused(tmp_path: Path) -> None:
    world = InsightsWorld(
        tmp_path, limits=Limits(memory_bytes=128 * 1024 * 1024, result_bytes=20_000)
    )
    world.put(*["x" * 1000] * 40)

    with pytest.raises(QueryFailed, match="larger than"):
        world.ask_group("fields @message")

    assert len(world.ask_group("fields @timestamp")) == 40
    world.close()


def test_a_database_serves_the_next_query_after_a_failure(world: InsightsWorld) -> None:
    with pytest.raises(MalformedQuery):
        world.ask("fields f()")

    assert world.ask("stats count(*) as n") == [{"n": "3"}]


def test_directories_of_the_dead_are_swept(tmp_path: Path) -> None:
    (tmp_path / "999999999-abc").mkdir()
    own = Scratch(tmp_path)

    sweep(tmp_path)

    assert [one.name for one in tmp_path.iterdir()] == [own.path.name]
    own.close()
