"""Every store of events finds what its port promises, as the plain one in memory does."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opentrail.adapters.events import SegmentEventStore
from opentrail.adapters.events.memory import MemoryEventStore
from opentrail.clock import ManualClock
from opentrail.history.lookup import LookupQuery, parse_lookup
from opentrail.ports.events import EventStore, Position, Search, StoredEvent, Total
from opentrail.predicate.expression import All, Expression, FreeText, Not, Operator, Reference
from opentrail.predicate.expression import Any as AnyOf
from opentrail.predicate.expression import Test as FieldTest

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
START = int(NOW.timestamp()) - 1000
MAKERS: dict[str, Callable[[Path], EventStore]] = {
    "memory": lambda _path: MemoryEventStore(ManualClock(NOW)),
    "segments": lambda path: SegmentEventStore(path / "events", ManualClock(NOW)),
}


@pytest.fixture(params=MAKERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> EventStore:
    return MAKERS[request.param](tmp_path)


def record(number: int, second: int | None = None, **values: Any) -> bytes:
    when = datetime.fromtimestamp(START + (number if second is None else second), UTC)
    usual = {
        "eventVersion": "1.11", "userIdentity": {"type": "IAMUser", "userName": "alice",
        "arn": "arn:aws:iam::1:user/alice", "accessKeyId": "AKIA1"},
        "eventTime": when.strftime("%Y-%m-%dT%H:%M:%SZ"), "eventSource": "iam.amazonaws.com",
        "eventName": "CreateUser", "awsRegion": "us-east-1", "sourceIPAddress": "10.0.0.1",
        "requestParameters": {"userName": f"user-{number}", "count": number},
        "readOnly": False, "eventID": f"id-{number}", "eventType": "AwsApiCall",
        "eventCategory": "Management", "recipientAccountId": "1",
    }  # fmt: skip
    merged = {name: value for name, value in (usual | values).items() if value is not ...}
    return json.dumps(merged).encode()


def query(attribute: str = "", value: str = "", **parameters: Any) -> LookupQuery:
    if attribute:
        one = {"AttributeKey": attribute, "AttributeValue": value}
        parameters["LookupAttributes"] = [one]
    return parse_lookup(parameters, account_id="1", region="us-east-1", now=NOW)


def ids(found: tuple[StoredEvent, ...]) -> list[str]:
    return [json.loads(one.raw)["eventID"] for one in found]


def equals(path: str, value: str) -> FieldTest:
    return FieldTest(tuple(path.split(".")), Operator.EQUALS, value)


# Appending


def test_bytes_come_back_exactly(store: EventStore) -> None:
    raw = b'{"eventID" :"x",\n "eventTime":"2026-11-24T08:00:00Z", "n":9.82E-5, "u":"\\u00e9\xc3\xa9"}'
    store.append([raw])

    assert [one.raw for one in store.search(Search())] == [raw]


def test_an_event_that_comes_again_is_there_once(store: EventStore) -> None:
    first = store.append([record(1), record(1)], place=5)
    again = store.append([record(2), record(1)])

    assert (first.added, first.duplicates) == (1, 1)
    assert (again.added, again.duplicates) == (1, 1)
    assert ids(store.search(Search())) == ["id-2", "id-1"]
    assert store.place() == 5


def test_the_same_json_in_other_spelling_is_a_duplicate(store: EventStore) -> None:
    store.append([record(1)])
    became = store.append([json.dumps(json.loads(record(1)), indent=1).encode()])

    assert (became.added, became.duplicates, became.conflicts) == (0, 1, 0)


def test_other_content_with_a_known_id_is_kept_and_counted(store: EventStore) -> None:
    store.append([record(1)])
    became = store.append([record(1, eventName="DeleteUser")])
    within = store.append([record(3), record(3, eventName="DeleteUser"), record(3)])

    assert (became.added, became.conflicts) == (1, 1)
    assert (within.added, within.conflicts, within.duplicates) == (2, 1, 1)
    assert len(store.search(Search(where=equals("eventID", "id-1")))) == 2
    assert store.figures().conflicts == 2


def test_bytes_without_a_record_are_kept_and_counted(store: EventStore) -> None:
    became = store.append([b"no json", b"[1]", record(1)])

    assert (became.added, became.unreadable) == (3, 2)
    assert b"no json" in [one.raw for one in store.search(Search())]
    assert store.append([b"no json"]).duplicates == 1


# LookupEvents


def test_the_newest_events_come_first(store: EventStore) -> None:
    store.append([record(1), record(3)])
    store.append([record(2)])

    assert ids(store.lookup(query(), None)) == ["id-3", "id-2", "id-1"]


def test_of_equal_times_the_later_recorded_comes_first(store: EventStore) -> None:
    store.append([record(1, 0), record(2, 0)])
    store.append([record(3, 0)])

    assert ids(store.lookup(query(), None)) == ["id-3", "id-2", "id-1"]
    assert ids(store.search(Search(newest_first=False))) == ["id-1", "id-2", "id-3"]


def test_only_management_events_of_the_account_and_region_are_looked_up(store: EventStore) -> None:
    store.append(
        [record(1), record(2, recipientAccountId="2"), record(3, awsRegion="eu-west-1"),
         record(4, eventCategory="Data"), record(5, recipientAccountId=...)]
    )  # fmt: skip

    assert ids(store.lookup(query(), None)) == ["id-1"]


ATTRIBUTES = [
    ("EventId", "id-1"), ("EventName", "CreateUser"), ("EventSource", "iam.amazonaws.com"),
    ("Username", "alice"), ("AccessKeyId", "AKIA1"), ("ReadOnly", "false"),
    ("ResourceName", "user-1"), ("ResourceType", "AWS::IAM::User"),
]  # fmt: skip


@pytest.mark.parametrize(("attribute", "value"), ATTRIBUTES)
def test_each_attribute_finds_exactly(store: EventStore, attribute: str, value: str) -> None:
    other = record(2, eventName="X", eventSource="x", userIdentity={"type": "Root"}, readOnly=True,
                   requestParameters=None)  # fmt: skip
    store.append([record(1), other])

    assert ids(store.lookup(query(attribute, value), None)) == ["id-1"]
    assert store.lookup(query(attribute, f"{value}x"), None) == ()


def test_both_ends_of_a_range_belong_to_it(store: EventStore) -> None:
    store.append([record(number) for number in range(5)])

    found = store.lookup(query(StartTime=START + 1, EndTime=START + 3), None)

    assert ids(found) == ["id-3", "id-2", "id-1"]


def test_pages_stay_in_step_while_events_arrive(store: EventStore) -> None:
    store.append([record(number) for number in range(5)])
    first = store.lookup(query(MaxResults=2), None)
    store.append([record(9), record(10, 3)])

    second = store.lookup(query(MaxResults=2), first[1].position)

    assert ids(first) == ["id-4", "id-3", "id-2"]  # one more than asked tells of a next page
    assert ids(second) == ["id-2", "id-1", "id-0"]


def test_insights_events_are_looked_up_apart(store: EventStore) -> None:
    insight = record(
        1, eventCategory="Insight", eventName=..., eventSource=...,
        insightDetails={"eventName": "RunInstances", "eventSource": "ec2.amazonaws.com"},
    )  # fmt: skip
    store.append([insight, record(2)])

    assert ids(store.lookup(query(EventCategory="insight"), None)) == ["id-1"]
    name = query("EventName", "RunInstances", EventCategory="insight")
    assert ids(store.lookup(name, None)) == ["id-1"]
    assert store.lookup(query("EventName", "X", EventCategory="insight"), None) == ()


# Searching


def test_accounts_bound_what_is_seen(store: EventStore) -> None:
    store.append([record(1), record(2, recipientAccountId="2"), record(3, recipientAccountId=...)])

    assert ids(store.search(Search(accounts=frozenset({"2"})))) == ["id-2"]
    assert store.count(Search(accounts=frozenset())) == Total(0, exact=True)


def test_what_an_answer_holds_is_found_whatever_its_type(store: EventStore) -> None:
    values = [123, True, ["a", ["b"]], "", "x", 1.5, {"groupId": "y"}, None]
    store.append(
        [record(number, responseElements={"groupId": value}) for number, value in enumerate(values)]
    )

    for number, text in enumerate(["123", "true", "a", "", "x", "1.5"]):
        assert ids(store.search(Search(where=equals("responseElements.groupId", text)))) == [
            f"id-{number}"
        ], text
    assert ids(store.search(Search(where=equals("responseElements.groupId", "b")))) == ["id-2"]
    nested = equals("responseElements.groupId.groupId", "y")
    assert ids(store.search(Search(where=nested))) == ["id-6"]


def test_a_member_among_hundreds_is_found(store: EventStore) -> None:
    members = {f"tag{number}": f"value{number}" for number in range(300)}
    store.append([record(1, requestParameters={"tags": [members]}), record(2), record(3)])

    for number in (0, 150, 299):
        where = equals(f"requestParameters.tags.tag{number}", f"value{number}")
        assert ids(store.search(Search(where=where))) == ["id-1"]
    assert ids(store.search(Search(where=equals("requestParameters.userName", "user-3")))) == [
        "id-3"
    ]


def test_a_text_among_several_of_one_field_is_found_beside_others(store: EventStore) -> None:
    store.append([
        record(1, userAgent=["odd", "agent"]), record(2, userAgent="plain"),
        record(3, userAgent=["odd", "agent"], awsRegion="eu-west-1"), record(4),
    ])  # fmt: skip

    def found(*parts: FieldTest) -> list[str]:
        return ids(store.search(Search(where=All(parts))))

    assert found(equals("userAgent", "odd")) == ["id-3", "id-1"]
    assert found(equals("userAgent", "odd"), equals("awsRegion", "us-east-1")) == ["id-1"]
    assert found(equals("awsRegion", "us-east-1"), equals("userAgent", "agent")) == ["id-1"]
    assert found(equals("userAgent", "nobody"), equals("awsRegion", "us-east-1")) == []


def test_sequences_follow_what_arrives(store: EventStore) -> None:
    store.append([record(5), record(1)])
    seen = store.sequence_end()
    store.append([record(3)])

    later = Search(sequence_from=seen, newest_first=False, limit=None)

    assert ids(store.search(later)) == ["id-3"]
    assert ids(store.search(Search(sequence_before=seen))) == ["id-5", "id-1"]


def test_facets_count_each_event_once_a_value(store: EventStore) -> None:
    arns = [{"ARN": "a", "type": "t"}, {"ARN": "a"}, {"ARN": "b"}]
    store.append([record(1), record(2, eventName="X"), record(3, eventName=..., resources=arns)])

    names, resources = store.facets(Search(), [("eventName",), ("resources", "ARN")], top=1)

    assert (names.values, names.missing, names.others) == ((("CreateUser", 1),), 1, 1)
    assert (resources.values, resources.missing, resources.others) == ((("a", 1),), 2, 1)


def test_a_histogram_counts_by_interval(store: EventStore) -> None:
    store.append([record(1, 0), record(2, 1), record(3, 60)])
    start = START // 60 * 60

    assert sum(events for _, events in store.histogram(Search(), width_seconds=60)) == 3
    assert store.histogram(Search(), width_seconds=60)[0][0] == start


def test_counting_stops_where_it_is_told(store: EventStore) -> None:
    store.append([record(number) for number in range(5)])

    assert store.count(Search()) == Total(5, exact=True)
    assert store.count(Search(), at_most=3).events == 3
    assert not store.count(Search(), at_most=3).exact


# Keeping


def test_events_go_by_account_once_they_are_old(tmp_path: Path) -> None:
    for name, make in MAKERS.items():
        path = tmp_path / name
        path.mkdir()
        store = make(path)
        store.append([record(1), record(2, recipientAccountId="2"), record(3)])

        late = int(NOW.timestamp()) + 2 * 86_400
        assert store.expire({"2": late}, default_before=None) == 1
        assert ids(store.search(Search())) == ["id-3", "id-1"]
        assert store.expire({}, default_before=late) == 2
        assert store.search(Search()) == ()


def test_what_was_forgotten_can_come_again(store: EventStore) -> None:
    store.append([record(1), record(2)])
    assert store.expire({}, default_before=int(NOW.timestamp()) + 1) == 2

    assert store.append([record(1), record(1)]).added == 1
    assert ids(store.search(Search())) == ["id-1"]


def test_what_came_in_lately_stays_however_old_it_says_it_is(store: EventStore) -> None:
    store.append([record(1, eventTime="2014-03-24T21:11:59Z")])

    assert store.expire({}, default_before=int(NOW.timestamp())) == 0


def test_joining_changes_nothing_that_is_seen(tmp_path: Path) -> None:
    store = SegmentEventStore(tmp_path / "events", ManualClock(NOW))
    for number in range(20):
        store.append([record(number, number % 7)], place=number)
    before = store.search(Search())

    while store.compact():
        pass

    assert store.figures().segments == 1
    assert store.search(Search()) == before
    assert store.append([record(3, 3)]).duplicates == 1
    again = SegmentEventStore(tmp_path / "events", ManualClock(NOW))
    assert again.search(Search()) == before
    assert again.append([record(3, 3)]).duplicates == 1
    assert again.place() == 19


# Whatever is asked of whatever is kept

PATHS = [
    ("eventName",), ("readOnly",), ("eventID",), ("requestID",), ("userIdentity", "userName"),
    ("userIdentity", "arn"), ("resources", "ARN"), ("resources", "type"),
    ("requestParameters", "bucketName"), ("requestParameters", "count"), ("sourceIPAddress",),
    ("responseElements", "groupId"), ("responseElements", "x", "groupId"),
    ("userIdentity", "sessionContext", "attributes", "mfaAuthenticated"), ("userIdentity",),
]  # fmt: skip
TEXTS = ["a", "b", "ab", "10.0.0.1", "10.9.9.9", "true", "false", "7", "1.50", "é", "", "A"]
SCALARS = st.one_of(st.sampled_from(TEXTS), st.booleans(), st.none(), st.integers(-2, 12))
ODD = st.one_of(
    SCALARS, st.lists(SCALARS, max_size=3), st.dictionaries(st.sampled_from("xy"), SCALARS)
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "eventName": ODD, "readOnly": st.one_of(st.booleans(), ODD), "requestID": ODD,
        "sourceIPAddress": SCALARS, "eventID": st.one_of(st.sampled_from(["i1", "i2", "i3"]), ODD),
        "userIdentity": st.one_of(
            ODD,
            st.fixed_dictionaries({}, optional={
                "userName": ODD, "arn": SCALARS, "type": st.sampled_from(["Root", "IAMUser"]),
                "sessionContext": st.one_of(ODD, st.fixed_dictionaries(
                    {}, optional={"attributes": st.fixed_dictionaries({"mfaAuthenticated": ODD})})),
            }),
        ),
        "resources": st.one_of(ODD, st.lists(st.fixed_dictionaries(
            {}, optional={"ARN": ODD, "type": SCALARS}), max_size=3)),
        "requestParameters": st.one_of(ODD, st.fixed_dictionaries(
            {}, optional={"bucketName": ODD, "count": ODD, "name": SCALARS})),
        "eventCategory": st.sampled_from(["Management", "Data"]),
        "responseElements": st.one_of(ODD, st.fixed_dictionaries(
            {}, optional={"groupId": ODD, "x": st.fixed_dictionaries({"groupId": ODD})})),
        "eventTime": st.sampled_from(["2026-11-24T08:00:00Z", "2026-11-24T08:00:01Z", "20261124T080002Z", 5]),
        "recipientAccountId": st.sampled_from(["1", "2", 3]),
    },
)  # fmt: skip
_WITH_TEXTS = [one for one in Operator if one not in (Operator.CIDR, Operator.REGEX)]
TESTS = st.builds(
    FieldTest,
    st.sampled_from(PATHS),
    st.sampled_from(_WITH_TEXTS),
    st.sampled_from([*TEXTS, '{"x":"a"}', '"a"']),
    st.booleans(),
    st.booleans(),
) | st.builds(
    FieldTest,
    st.sampled_from(PATHS),
    st.just(Operator.REGEX),
    st.sampled_from(["", "^a", "[A-Z]", "e$", "x|1"]),
    st.booleans(),
    st.booleans(),
)
REFERENCES = st.builds(
    Reference,
    st.sampled_from(PATHS),
    st.sampled_from([Operator.EQUALS, Operator.PREFIX, Operator.SUFFIX, Operator.CONTAINS]),
    st.sampled_from(PATHS),
    st.booleans(),
)
CIDRS = st.builds(
    FieldTest, st.just(("sourceIPAddress",)), st.just(Operator.CIDR), st.just("10.0.0.0/16")
)
EXPRESSIONS: st.SearchStrategy[Expression] = st.recursive(
    st.one_of(
        TESTS, CIDRS, REFERENCES, st.builds(FreeText, st.sampled_from(["a", "TRUE", "bucket"]))
    ),
    lambda inner: st.one_of(
        st.builds(lambda parts: All(tuple(parts)), st.lists(inner, max_size=3)),
        st.builds(lambda parts: AnyOf(tuple(parts)), st.lists(inner, max_size=3)),
        st.builds(Not, inner),
    ),
    max_leaves=5,
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    batches=st.lists(st.lists(FIELDS, max_size=8), max_size=4),
    asked=st.lists(EXPRESSIONS, min_size=1, max_size=8),
    newest_first=st.booleans(),
    limit=st.sampled_from([1, 3, None]),
)
def test_segments_find_what_memory_finds(
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[list[dict[str, Any]]],
    asked: list[Expression],
    newest_first: bool,
    limit: int | None,
) -> None:
    plain = MemoryEventStore(ManualClock(NOW))
    segments = SegmentEventStore(tmp_path_factory.mktemp("e") / "events", ManualClock(NOW))
    for batch in batches:
        raws = [json.dumps(one).encode() for one in batch]
        assert plain.append(raws) == segments.append(raws)

    for where in asked:
        search = Search(where=where, newest_first=newest_first, limit=limit)
        assert segments.search(search) == plain.search(search)
        assert segments.count(search) == plain.count(search)
        paths = [("eventName",), ("resources", "ARN"), ("requestParameters", "count")]
        assert segments.facets(search, paths, top=2) == plain.facets(search, paths, top=2)
    after = Position(START, 2)
    paged = Search(after=after, newest_first=newest_first, accounts=frozenset("1"))
    assert segments.search(paged) == plain.search(paged)
    segments.close()
