"""Verdicts, trees and the places of mistakes, by the service's own grammar."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import insights_trees
from opentrail.logs.query.errors import MalformedQuery
from opentrail.logs.query.parser import COMMANDS, parse
from opentrail.logs.query.times import UNITS
from opentrail.logs.query.tree import Call, Deferred, Field, Filter, Search, Stats

VECTORS = Path(__file__).parents[2] / "vectors" / "logs_insights" / "syntax.jsonl"
ROWS = [json.loads(line) for line in VECTORS.read_text().splitlines()]

DEVIATIONS = {
    "li-syntax/21": "a slip of the documentation: a URL without quotes; AWS's grammar refuses it",
}


def _ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


@pytest.mark.parametrize("row", ROWS, ids=_ids(ROWS))
def test_the_verdict_is_the_services(row: dict[str, Any]) -> None:
    accepts = row["expected"]["accepts"] and row["id"] not in DEVIATIONS

    if accepts:
        parse(row["query"])
    else:
        with pytest.raises(MalformedQuery):
            parse(row["query"])


REFUSED = [row for row in ROWS if not row["expected"]["accepts"]]


@pytest.mark.parametrize("row", REFUSED, ids=_ids(REFUSED))
def test_a_mistake_is_told_where_the_service_tells_it(row: dict[str, Any]) -> None:
    with pytest.raises(MalformedQuery) as told:
        parse(row["query"])

    assert told.value.start == row["base_grammar_2020"]["errors"][0]["col"]
    assert told.value.start <= told.value.end <= len(row["query"])


TREES = [row for row in ROWS if row["base_grammar_2020"].get("tree")]


def _comparable(shape: Any) -> Any:
    """Without what one side spells in full and the other as a value."""
    if isinstance(shape, tuple):
        if shape[0] in ("like", "not like"):
            return (shape[0], _comparable(shape[1]))
        if shape[0] in ("in", "not in"):
            count = shape[2] if isinstance(shape[2], int) else len(shape[2]) - 1
            return (shape[0], _comparable(shape[1]), count)
        if shape[0] == "duration":
            return ("duration", shape[1], UNITS[shape[2]])
        return tuple(map(_comparable, shape))
    return shape.strip("`") if isinstance(shape, str) else shape


@pytest.mark.parametrize("row", TREES, ids=_ids(TREES))
def test_operators_bind_as_the_services_do(row: dict[str, Any]) -> None:
    theirs = insights_trees.their_expressions(insights_trees.read(row["base_grammar_2020"]["tree"]))

    ours = insights_trees.our_expressions(parse(row["query"]))

    assert list(map(_comparable, ours)) == list(map(_comparable, theirs))


NAMED = [row for row in ROWS if "expected_stats_groups" in row]


@pytest.mark.parametrize("row", NAMED, ids=_ids(NAMED))
def test_groups_are_named_by_alias_or_text(row: dict[str, Any]) -> None:
    (stats,) = parse(row["query"]).stages

    assert isinstance(stats, Stats)
    assert [spec.name for spec in stats.groups] == row["expected_stats_groups"]


def test_what_is_no_command_is_told_with_the_services_words() -> None:
    with pytest.raises(MalformedQuery) as told:
        parse("fields @timestamp, custom_field | count()")

    assert str(told.value) == (
        "mismatched input 'count' expecting {K_PARSE, K_SEARCH, K_FIELDS, K_DISPLAY, K_FILTER, "
        "K_SORT, K_ORDER, K_HEAD, K_LIMIT, K_TAIL}"
    )
    assert (told.value.start, told.value.end) == (34, 39)


@pytest.mark.parametrize("query", ["filed @timestamp", "count(*) by eventName"])
def test_a_misspelt_first_command_is_no_search(query: str) -> None:
    with pytest.raises(MalformedQuery) as told:
        parse(query)

    assert told.value.start == 0
    assert COMMANDS[0] in str(told.value)


def test_words_without_a_command_are_a_search() -> None:
    first, second = parse('AccessDenied and not "us-east-1" | limit 5').stages

    assert isinstance(first, Search)
    assert (second.span.start, second.span.end) == (35, 42)


def test_not_binds_tighter_than_equality() -> None:
    (stage,) = parse("filter not a = 1").stages

    assert isinstance(stage, Filter)
    assert stage.condition.operator == "="  # type: ignore[union-attr]


def test_a_slash_divides_where_no_regex_can_stand() -> None:
    assert insights_trees.our_expressions(parse("fields a / b / c")) == [
        ("/", ("/", "a", "b"), "c")
    ]


@pytest.mark.parametrize(
    ("query", "text", "parts"),
    [
        ("fields j.users[1].action", "j.users.1.action", ("j", "users", "1", "action")),
        ("fields j.`user.id`", "j.user.id", ("j", "user.id")),
        ("fields `request-id`", "request-id", ("request-id",)),
        ("fields items.0.id", "items.0.id", ("items", "0", "id")),
        ("fields @timestamp", "@timestamp", ("@timestamp",)),
    ],
)
def test_names_lead_into_members(query: str, text: str, parts: tuple[str, ...]) -> None:
    (stage,) = parse(query).stages

    field = stage.specs[0].expression  # type: ignore[union-attr]
    assert isinstance(field, Field)
    assert (field.name.text, field.name.parts) == (text, parts)


@pytest.mark.parametrize(
    "command",
    ["anomaly", "lookup t a as b", "join (SOURCE 'x' | limit 5) on a = b", "relevantfields a"],
)
def test_deferred_commands_are_parsed_as_such(command: str) -> None:
    _, stage, last = parse(f"fields a | {command} | limit 1").stages

    assert isinstance(stage, Deferred)
    assert stage.command == command.split(maxsplit=1)[0]
    assert last is not None


def test_exists_asks_whether_a_field_is_there() -> None:
    (stage,) = parse("filter errorCode exists").stages

    assert isinstance(stage, Filter)
    assert isinstance(stage.condition, Call)
    assert stage.condition.name == "ispresent"


@pytest.mark.parametrize(
    "query",
    [
        "fields " + "(" * 5000 + "a" + ")" * 5000,
        "filter " + "not " * 2400 + "a",
        "filter " + "-" * 9000 + "a",
        "fields " + "f(" * 4000 + ")" * 1000,
        "fields a" + "+a" * 4900,
        "fields a" + "^a" * 4900,
        "search " + "(" * 9000,
        "search " + "not " * 2400 + "x",
        "fields `" + "\\" * 9000,
        "filter a like /" + "(" * 9000,
        'filter a = "' + "x" * 9000,
        "a" * 10_001,
        "|".join(["fields a"] * 900),
    ],
    ids=lambda query: query[:14],
)
def test_hostile_queries_are_refused_at_once(query: str) -> None:
    with pytest.raises(MalformedQuery):
        parse(query)


def test_long_chains_of_and_and_or_are_fine() -> None:
    parse("filter " + " or ".join(f'a="{number}"' for number in range(900)))
    parse("filter a in [" + ",".join(f'"{number}"' for number in range(1500)) + "]")


_PIECES = st.sampled_from(
    [
        "fields", "filter", "stats", "sort", "limit", "parse", "dedup", "display", "|", ",", "(",
        ")", "[", "]", "a", "b.c", "@message", "`x y`", '"s"', "'t'", "/r/", "1", "2.5", "5m",
        "count(*)", "by", "as", "and", "or", "not", "in", "like", "=", "!=", "*", "-", "#c\n",
        "unnest", "into", "SOURCE", "logGroups", "\\", "\u201c", "=~", "^", ".", ":",
    ]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=25).map(" ".join) | st.text(max_size=60))
def test_any_text_is_a_query_or_a_mistake_with_a_place(text: str) -> None:
    places = (0, 0)
    try:
        parse(text)
    except MalformedQuery as problem:
        places = (problem.start, problem.end)

    assert 0 <= places[0] <= places[1] <= len(text)
