"""The engine's SQL and the naive evaluator agree, over log events and over the store."""

import json
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import insights_naive as naive
import odd_events
from insights_world import InsightsWorld, queried, record
from opentrail.logs.names import GroupKey
from opentrail.logs.query.parser import parse
from opentrail.logs.query.tree import Fields, Filter, Name
from opentrail.predicate.reading import decoded, text_of

_FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InsightsWorld]:
    found = InsightsWorld(tmp_path_factory.mktemp("insights"))
    yield found
    found.close()


_TEXTS = ["", "a", "B", "ab", "AccessDenied", "10", "9", "007", "1.50", "-3", " 5 ", "1e3", "1_0",
          "inf", "nan", "true", "é", "a'b", 'q"x', "10.0.0.1", "%", "a10", "a9", "x\ty"]  # fmt: skip
_SCALARS = (
    st.sampled_from(_TEXTS)
    | st.integers(-20, 20)
    | st.sampled_from([0.5, -2.25, 1e9, 3.0])
    | st.booleans()
    | st.none()
)
_EVENTS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "a": _SCALARS, "b": _SCALARS, "c": st.integers(-5, 5),
            "d": st.fixed_dictionaries({}, optional={"x": _SCALARS, "l": st.lists(_SCALARS, max_size=3)}),
        },
    ),
    min_size=1, max_size=10,
)  # fmt: skip

_quoted = st.sampled_from(_TEXTS).map(json.dumps).map(lambda one: one.replace("\\t", "\t"))
_FIELDS = st.sampled_from(["a", "b", "c", "d.x", "d.l.0", "d.l.1", "nothing", "d"])
_NUMBERS = st.sampled_from(["0", "1", "2.5", "10", "900"])
_ATOMS = _FIELDS | _FIELDS | _quoted | _NUMBERS
_COMPARED = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])


def _nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    one_number = st.sampled_from(
        ["abs", "ceil", "floor", "round", "sqrt", "log", "toNumber", "toInt"]
    )
    one_text = st.sampled_from(
        ["strlen", "tolower", "trim", "ltrim", "rtrim", "urlencode", "md5", "isempty", "isblank",
         "ispresent", "isNumeric"]
    )  # fmt: skip
    two_texts = st.sampled_from(["strcontains", "startsWith", "endsWith", "concat", "coalesce"])
    return st.one_of(
        st.tuples(inner, _COMPARED, inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, st.sampled_from("+-*/%"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda t: f"({t[0]} {t[1]} {t[2]})"
        ),
        inner.map(lambda one: f"(not {one})"),
        inner.map(lambda one: f"(-{one})"),
        st.tuples(one_number | one_text, inner).map(lambda t: f"{t[0]}({t[1]})"),
        st.tuples(two_texts, inner, inner).map(lambda t: f"{t[0]}({t[1]}, {t[2]})"),
        st.tuples(inner, inner, inner).map(lambda t: f"if({t[0]}, {t[1]}, {t[2]})"),
        st.tuples(inner, inner, inner).map(lambda t: f"replace({t[0]}, {t[1]}, {t[2]})"),
        st.tuples(inner, inner, inner).map(lambda t: f"substr({t[0]}, {t[1]}, {t[2]})"),
        st.tuples(st.sampled_from(["greatest", "least"]), inner, inner).map(
            lambda t: f"{t[0]}({t[1]}, {t[2]})"
        ),
        st.tuples(inner, st.booleans(), _quoted).map(
            lambda t: f"({t[0]} {'not ' if t[1] else ''}like {t[2]})"
        ),
        st.tuples(inner, st.sampled_from(["/a/", "/^[0-9]+$/", "/(?i)access/", "/./"])).map(
            lambda t: f"({t[0]} like {t[1]})"
        ),
        st.tuples(inner, st.booleans(), st.lists(_quoted | _NUMBERS, max_size=4)).map(
            lambda t: f"({t[0]} {'not ' if t[1] else ''}in [{', '.join(t[2])}])"
        ),
        inner.map(lambda one: f"tolower(concat({one}, jsonParse(a)))"),
    )


_EXPRESSIONS = st.recursive(_ATOMS, _nested, max_leaves=6)


class _Groups:
    """A new group for each example."""

    def __init__(self, world: InsightsWorld) -> None:
        self.world = world
        self.number = 0

    def put(self, events: Sequence[Any]) -> GroupKey:
        self.number += 1
        group = GroupKey("111122223333", "us-east-1", f"g{self.number}-{id(self)}")
        self.world.put(*map(json.dumps, events), group=group)
        return group

    def ask(self, group: GroupKey, query: str) -> list[dict[str, str]]:
        return self.world.ask(query, groups=[queried(group)])


@pytest.fixture
def groups(world: InsightsWorld) -> _Groups:
    return _Groups(world)


def _lookup(event: Any, number: int) -> Callable[[Name], naive.Value]:
    def look(name: Name) -> naive.Value:
        if name.text == "@timestamp":
            return ("time", 1_700_000_000_000 + 1000 * number)
        found = naive.leaf(naive.walk(event, name.parts))
        return None if found is None else ("text", found)

    return look


@_FEW
@given(events=_EVENTS, expressions=st.lists(_EXPRESSIONS, min_size=8, max_size=8))
def test_expressions_give_the_same(
    groups: _Groups, events: list[Any], expressions: list[str]
) -> None:
    query = "fields " + ", ".join(f"{one} as r{n}" for n, one in enumerate(expressions))
    (stage,) = parse(query).stages
    assert isinstance(stage, Fields)
    expected = [
        {
            spec.name: shown
            for spec in stage.specs
            if (shown := naive.text(naive.evaluate(spec.expression, _lookup(event, number))))
            is not None
        }
        for number, event in enumerate(events)
    ]

    found = groups.ask(groups.put(events), f"{query} | sort @timestamp")

    shown = [{name: text for name, text in row.items() if name != "@ptr"} for row in found]
    assert shown == expected


@_FEW
@given(events=_EVENTS, condition=_EXPRESSIONS)
def test_filters_keep_the_same(groups: _Groups, events: list[Any], condition: str) -> None:
    query = f"filter {condition}"
    (stage,) = parse(query).stages
    assert isinstance(stage, Filter)
    kept = [
        number
        for number, event in enumerate(events)
        if naive.truth(naive.evaluate(stage.condition, _lookup(event, number)))
    ]

    found = groups.ask(groups.put(events), f"{query} | fields toMillis(@timestamp) as t | sort t")

    assert [int(row["t"]) for row in found] == [1_700_000_000_000 + 1000 * one for one in kept]
    assert groups.world.statistics.records_matched == len(kept)
    # What can hold for no event is asked of none.
    assert groups.world.statistics.records_scanned == len(events) or not kept


_AGGREGATES = ["count(*)", "count(a)", "sum(a)", "avg(a)", "min(a)", "max(a)", "count_distinct(a)",
               "earliest(a)", "latest(a)", "sortsFirst(a)", "sortsLast(a)", "pct(a, 50)",
               "values(a)", "stddev(a)", "variance(a)"]  # fmt: skip


def _aggregated(name: str, values: Sequence[naive.Value]) -> str | None:
    texts = [one for one in map(naive.text, values) if one is not None]
    told = [one for one in map(naive.number, values) if one is not None]
    present = [one for one in values if one is not None]
    found: Any = {
        "count(*)": lambda: float(len(values)),
        "count(a)": lambda: float(len(texts)),
        "sum(a)": lambda: float(sum(told)) if told else None,
        "avg(a)": lambda: sum(told) / len(told) if told else None,
        "min(a)": lambda: naive.number_text(min(told)) if told else min(texts, default=None),
        "max(a)": lambda: naive.number_text(max(told)) if told else max(texts, default=None),
        "count_distinct(a)": lambda: float(len(set(texts))),
        "earliest(a)": lambda: texts[0] if texts else None,
        "latest(a)": lambda: texts[-1] if texts else None,
        "sortsFirst(a)": lambda: (
            naive.text(min(present, key=naive.natural_key)) if present else None
        ),
        "sortsLast(a)": lambda: (
            naive.text(max(present, key=naive.natural_key)) if present else None
        ),
        "pct(a, 50)": lambda: statistics.median(told) if told else None,
        "values(a)": lambda: naive.leaf(sorted(set(texts), key=str.encode)) if texts else None,
        "stddev(a)": lambda: statistics.stdev(told) if len(told) > 1 else None,
        "variance(a)": lambda: statistics.variance(told) if len(told) > 1 else None,
    }[name]()
    return naive.number_text(found) if isinstance(found, float) else found


def _nearly(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return one is other
    told, wanted = naive.number_of(one), naive.number_of(other)
    if told is not None and wanted is not None:
        return told == pytest.approx(wanted, rel=1e-9, abs=1e-9)
    return one == other


@_FEW
@given(events=_EVENTS, by=st.sampled_from(["", "c", "b", "bin(2s)"]))
def test_stats_compute_the_same(groups: _Groups, events: list[Any], by: str) -> None:
    grouped: dict[str | None, list[naive.Value]] = {}
    for number, event in enumerate(events):
        look = _lookup(event, number)
        key = None
        if by:
            (stage,) = parse(f"fields {by}").stages
            assert isinstance(stage, Fields)
            key = naive.text(naive.evaluate(stage.specs[0].expression, look))
        value = look(Name("a", ("a",), parse("fields a").stages[0].span))
        grouped.setdefault(key, []).append(value)

    query = "stats " + ", ".join(f"{one} as r{n}" for n, one in enumerate(_AGGREGATES))
    found = groups.ask(groups.put(events), f"{query} by {by}" if by else query)

    rows = {row.get(by): row for row in found}
    assert rows.keys() == grouped.keys()
    for key, values in grouped.items():
        for number, name in enumerate(_AGGREGATES):
            shown, wanted = rows[key].get(f"r{number}"), _aggregated(name, values)
            assert _nearly(shown, wanted), (name, shown, wanted)


@_FEW
@given(events=_EVENTS, keys=st.lists(st.sampled_from(["a", "b", "c", "d.x"]), min_size=1,
                                      max_size=2, unique=True), down=st.booleans())  # fmt: skip
def test_sorting_and_leaving_out_doubles_is_the_same(
    groups: _Groups, events: list[Any], keys: list[str], down: bool
) -> None:
    names = [Name(key, tuple(key.split(".")), parse("fields a").stages[0].span) for key in keys]
    values = [[_lookup(event, n)(name) for name in names] for n, event in enumerate(events)]
    # Of equals the newest comes first, whichever way the keys are sorted.
    order = sorted(range(len(events)), reverse=True)
    order.sort(key=lambda n: [naive.natural_key(one) for one in values[n]], reverse=down)
    group = groups.put(events)
    direction = "desc" if down else "asc"
    sort = "sort " + ", ".join(f"{key} {direction}" for key in keys)

    found = groups.ask(group, f"fields toMillis(@timestamp) as t | {sort}")
    distinct = groups.ask(
        group, f"fields toMillis(@timestamp) as t | {sort} | dedup {', '.join(keys)}"
    )

    if down:
        # Equal keys stay newest first.
        groups_of: dict[str, list[int]] = {}
        for n in order:
            key = repr([naive.natural_key(one) for one in values[n]])
            groups_of.setdefault(key, []).append(n)
        order = [n for same in groups_of.values() for n in sorted(same, reverse=True)]
    assert [(int(row["t"]) - 1_700_000_000_000) // 1000 for row in found] == order
    seen: set[str] = set()
    kept = []
    for n in order:
        texts = [naive.text(one) for one in values[n]]
        if None in texts or repr(texts) not in seen:
            kept.append(n)
        seen.add(repr(texts))
    assert [(int(row["t"]) - 1_700_000_000_000) // 1000 for row in distinct] == kept


# the store of events


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[InsightsWorld, list[bytes]]]:
    """Odd records, some in open files and some too new for them."""
    found = InsightsWorld(tmp_path_factory.mktemp("stored"))
    records = odd_events.Records(3)
    for _ in range(8):
        found.store.append(records.some(60))
    found.store.compact()
    found.store.append(records.some(80))
    events = [one.raw for one in found.engine_events()]
    yield found, events
    found.close()


_PROMOTED = {  # fields that are texts, or nothing
    "eventVersion", "eventSource", "eventName", "eventType", "eventCategory", "awsRegion",
    "sourceIPAddress", "userAgent", "errorCode", "recipientAccountId", "vpcEndpointId", "eventID",
    "requestID", "sharedEventID", "readOnly", "managementEvent", "userIdentity.type",
    "userIdentity.arn", "userIdentity.userName", "userIdentity.accessKeyId",
    "userIdentity.accountId", "userIdentity.principalId",
    "userIdentity.sessionContext.sessionIssuer.arn",
    "userIdentity.sessionContext.sessionIssuer.userName",
    "userIdentity.sessionContext.attributes.mfaAuthenticated",
}  # fmt: skip
_ASKED = [
    *sorted(_PROMOTED), "errorMessage", "apiVersion", "requestParameters.bucketName",
    "requestParameters.key", "requestParameters.list.0.name", "requestParameters.Host.1.0",
    "responseElements.credentials.accessKeyId", "resources.0.ARN", "resources.1.type",
    "additionalEventData.bytes", "tlsDetails.tlsVersion", "insightDetails.eventName",
]  # fmt: skip


def _expected(raw: bytes, field: str) -> str | None:
    found = naive.walk(decoded(raw) or _repaired(raw, field), field.split("."))
    if field in _PROMOTED:
        # A column holds the one text that a field has: of true and "true" the same.
        shown = text_of(found)
        truths = {"true": "1", "false": "0"} if field in ("readOnly", "managementEvent") else {}
        return None if shown is None else _spelled(truths.get(shown, shown))
    return _spelled(found)


def _repaired(raw: bytes, field: str) -> Any:
    """Bytes that are no UTF-8 hold no record for the columns; others read what can be read."""
    if field in _PROMOTED:
        return {}
    return decoded(raw.decode("utf-8", "replace").encode()) or {}


def _spelled(found: Any) -> str | None:
    shown = naive.leaf(found) if not isinstance(found, str) else str(found)
    return None if shown is None else shown.encode("utf-8", "replace").decode()


@pytest.mark.parametrize("field", _ASKED)
def test_fields_of_odd_records_are_what_they_say(
    stored: tuple[InsightsWorld, list[bytes]], field: str
) -> None:
    world, events = stored
    expected = Counter((_expected(raw, field), raw.decode("utf-8", "replace")) for raw in events)

    shown = world.ask(f"fields {field} as x, @message | limit 10000")
    computed = world.ask(f"stats count(*) as n by {field} as x")
    present = world.ask(f"filter ispresent({field}) | stats count(*) as n")

    assert Counter((row.get("x"), row["@message"]) for row in shown) == expected
    texts = Counter(text for text, _ in expected.elements())
    assert {row.get("x"): int(row["n"]) for row in computed} == dict(texts)
    assert int(present[0]["n"]) == len(events) - texts[None]


def test_the_store_answers_as_the_records_do(world: InsightsWorld) -> None:
    raws = [
        record(n, eventName=f"Name{n % 3}", requestParameters={"n": n, "deep": [n % 2]})
        for n in range(40)
    ]
    world.store.append(raws)

    rows = world.ask(
        "filter eventName = 'Name1' and requestParameters.n >= 10 | sort requestParameters.n desc "
        "| fields requestParameters.n as n, requestParameters.deep.0 as d | limit 5"
    )

    assert [(row["n"], row["d"]) for row in rows] == [
        ("37", "1"), ("34", "0"), ("31", "1"), ("28", "0"), ("25", "1"),
    ]  # fmt: skip
    assert world.statistics.records_matched == 10
    assert world.statistics.records_scanned == 40
    assert world.statistics.bytes_scanned == sum(map(len, raws))
