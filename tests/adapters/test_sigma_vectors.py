"""Rules find what another program's SQL finds, in real records and in made ones."""

import json
import sqlite3
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opentrail.predicate.expression import Expression
from opentrail.predicate.index import Predicate, PredicateIndex
from opentrail.predicate.matching import record_matcher
from opentrail.predicate.reading import decoded, texts_at
from opentrail.sigma.detection import KEYS
from sigma_samples import WHERES, corpora, fields_of, restated, rule_text, usable

FIELDS = sorted({field for where in WHERES.values() for field in fields_of(where)})


@cache
def lowered() -> dict[str, Expression]:
    found = {}
    for key, where in WHERES.items():
        (rule,) = usable(rule_text(restated(where))).rules.values()
        found[key] = rule.where
    return found


class Peer:
    """One table of one record, its texts compared whatever their case."""

    def __init__(self) -> None:
        self._database = sqlite3.connect(":memory:")
        columns = ", ".join(f"`{field}` TEXT COLLATE NOCASE" for field in FIELDS)
        self._database.execute(f"CREATE TABLE record ({columns})")

    def finds(self, record: dict[str, Any]) -> set[str]:
        self._database.execute("DELETE FROM record")
        marks = ", ".join("?" * len(FIELDS))
        values = [self._column(record, field) for field in FIELDS]
        self._database.execute(f"INSERT INTO record VALUES ({marks})", values)
        # NOT COALESCE is of its time: the other program leaves an unknown NOT unknown elsewhere.
        return {
            key
            for key, where in WHERES.items()
            if self._database.execute(f"SELECT 1 FROM record WHERE {where}").fetchone()
        }

    @staticmethod
    def _column(record: dict[str, Any], field: str) -> str | None:
        """A text as it is; several, and objects, as JSON."""
        path = field.split(".")
        texts = texts_at(record, path)
        if texts:
            return texts[0] if len(texts) == 1 else json.dumps(texts)
        value: Any = record
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return None if value is None else json.dumps(value, separators=(",", ":"))


PEER = Peer()


def ours(record: dict[str, Any]) -> set[str]:
    read = decoded(json.dumps(record).encode())
    assert read is not None
    return {key for key, one in lowered().items() if record_matcher(one)(read)}


@pytest.mark.parametrize("key", WHERES)
def test_each_rule_finds_the_record_that_is_made_for_it_alone(key: str) -> None:
    """Every field with its first text, in another case: but for rules that ask for no such field."""
    record: dict[str, Any] = {}
    for field, values in fields_of(WHERES[key]).items():
        if values[0] and not (field == "errorCode" and "IS NULL" in WHERES[key]):
            put(record, field, values[0].swapcase())
    if "NOT COALESCE" in WHERES[key]:
        record = {name: record[name] for name in ("eventSource", "eventName")}

    assert key in ours(record)
    assert PEER.finds(record) == ours(record)


def test_real_records_are_found_by_the_same_rules() -> None:
    found = 0
    for record in corpora():
        expected = PEER.finds(record)
        assert ours(record) == expected
        found += len(expected)
    assert found > 10


@cache
def values_for(field: str) -> st.SearchStrategy[Any]:
    texts = sorted({one for where in WHERES.values() for one in fields_of(where).get(field, [])})
    texts += [one.upper() for one in texts] + [f"x{one}y" for one in texts] + ["other"]
    text = st.sampled_from(texts)
    if field in ("requestParameters", "responseElements"):
        return st.none() | st.dictionaries(st.sampled_from(["a", "Status"]), text, max_size=2)
    return st.none() | text


RECORDS = st.fixed_dictionaries({}, optional={field: values_for(field) for field in FIELDS})


def put(record: dict[str, Any], field: str, value: Any) -> None:
    *way, last = field.split(".")
    for name in way:
        inner = record.get(name)
        record[name] = record = inner if isinstance(inner, dict) else {}
    record[last] = value


@settings(max_examples=300, deadline=None)
@given(RECORDS)
def test_made_records_are_found_by_the_same_rules(flat: dict[str, Any]) -> None:
    record: dict[str, Any] = {}
    for field, value in sorted(flat.items()):
        put(record, field, value)

    assert ours(record) == PEER.finds(record)


def test_an_index_of_all_rules_finds_the_same_as_each_by_itself() -> None:
    index = PredicateIndex(
        {key: Predicate(record_matcher(one), one) for key, one in lowered().items()}, KEYS
    )
    for record in corpora():
        assert set(index.matching(record)) == ours(record)
