"""Every store of findings keeps what its port promises."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opentrail.adapters.findings import MemoryFindings, SqliteFindings
from opentrail.ports.sigma.findings import FindingQuery, FindingStore, IncidentQuery, Limits
from opentrail.sigma.finding import Finding
from opentrail.sigma.incidents import Incident, Whose
from opentrail.sigma.remembering import Changes, Kept, Seen, SeenKey, WindowKey
from opentrail.sigma.rule import Level
from opentrail.sigma.windows import Chain, Window

MAKERS: dict[str, Callable[[Path], FindingStore]] = {
    "memory": lambda _: MemoryFindings(),
    "sqlite": lambda path: SqliteFindings(path / "findings.sqlite"),
}
KEEP_ALL = Limits(findings_before=0, seen_before=0, most_windows=1000, most_seen=1000)


@pytest.fixture(params=MAKERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FindingStore:
    return MAKERS[request.param](tmp_path)


def finding(number: int, **values: object) -> Finding:
    usual: dict[str, object] = {
        "id": f"id-{number}", "rule_id": "rule", "rule_title": "Title", "level": "high",
        "account_id": "1", "region": "us-east-1", "first_time": number, "last_time": number,
        "event_ids": (f"event-{number}",), "count": 1, "values": (("eventName", "X"), ("a", None)),
        "summary": "X by somebody.", "made": 100 + number,
    }  # fmt: skip
    return msgspec.convert(usual | values, Finding)


def put(store: FindingStore, *findings: Finding, place: int | None = None) -> None:
    store.commit(Changes(findings={one.id: one for one in findings}), place=place)


def ids(found: tuple[Finding, ...]) -> list[str]:
    return [one.id for one in found]


def test_a_finding_comes_back_as_it_was(store: FindingStore) -> None:
    put(store, finding(1), place=7)

    assert store.find("id-1") == finding(1)
    assert store.find("id-2") is None
    assert store.place() == 7


def test_a_finding_that_comes_again_is_one_and_keeps_when_it_was_made(store: FindingStore) -> None:
    put(store, finding(1, muted="holiday"))
    put(store, finding(1, count=5, made=900))

    (found,) = store.page(FindingQuery(with_muted=True))
    assert (found.count, found.made, found.muted) == (5, 101, "holiday")


def test_findings_are_asked_for(store: FindingStore) -> None:
    put(
        store,
        finding(1, level="low"),
        finding(2, account_id="2"),
        finding(3, rule_id="other"),
        finding(4, muted="noise"),
        finding(5),
    )

    assert ids(store.page(FindingQuery())) == ["id-5", "id-3", "id-2", "id-1"]
    assert ids(store.page(FindingQuery(with_muted=True, limit=2))) == ["id-5", "id-4"]
    assert ids(store.page(FindingQuery(at_least=Level.HIGH))) == ["id-5", "id-3", "id-2"]
    assert ids(store.page(FindingQuery(account_id="2"))) == ["id-2"]
    assert ids(store.page(FindingQuery(rule_id="other"))) == ["id-3"]
    assert ids(store.page(FindingQuery(since=103))) == ["id-5", "id-3"]


def test_of_findings_of_one_second_the_order_is_told(store: FindingStore) -> None:
    put(store, *(finding(number, made=50) for number in range(5)))

    assert ids(store.page(FindingQuery(limit=3))) == ["id-4", "id-3", "id-2"]


WINDOW = Window(
    values=(("a", "x"), ("b", None)), account_id="1", entries={"e": (5, ("e",))},
    chains=[Chain(1, 2, ("e",)), None], newest=5, opened=3, quiet_until=9, finding=finding(1),
)  # fmt: skip
KEY = WindowKey("rule", "group")


def test_windows_are_kept_until_they_are_over(store: FindingStore) -> None:
    store.commit(Changes(windows={KEY: Kept(WINDOW, 50), KEY._replace(group="b"): Kept(WINDOW, 9)}))

    found = store.window(KEY)
    assert found == WINDOW
    assert store.due(8, 10) == ()
    assert store.due(50, 10) == (KEY._replace(group="b"), KEY)
    assert store.due(50, 1) == (KEY._replace(group="b"),)
    store.commit(Changes(windows={KEY: None}))
    assert store.window(KEY) is None
    assert store.due(50, 10) == (KEY._replace(group="b"),)


def test_a_window_that_was_read_is_the_readers_own(store: FindingStore) -> None:
    store.commit(Changes(windows={KEY: Kept(WINDOW, 50)}))

    first = store.window(KEY)
    assert first is not None
    first.entries["other"] = (6, ("other",))

    assert store.window(KEY) == WINDOW


def test_values_are_remembered(store: FindingStore) -> None:
    key = SeenKey("rule", "group", "value")
    store.commit(Changes(seen={key: Seen(1, 2)}))
    store.commit(Changes(seen={key: Seen(1, 5)}))

    assert store.seen(key) == Seen(1, 5)
    assert store.seen(key._replace(value="")) is None


def test_a_second_writer_turns_nothing_back(store: FindingStore) -> None:
    key = SeenKey("rule", "group", "value")
    store.commit(Changes(seen={key: Seen(50, 90, 5)}))

    # `rules learn` read its place before the worker wrote, and knows an older past.
    store.commit(Changes(seen={key: Seen(10, 60, 3)}))

    assert store.seen(key) == Seen(10, 90, 5)


def test_two_writers_of_one_file_remember_together(tmp_path: Path) -> None:
    path = tmp_path / "findings.sqlite"
    worker, learner = SqliteFindings(path), SqliteFindings(path)
    key = SeenKey("rule", "group", "value")
    for writer, seen in ((learner, Seen(10, 20)), (worker, Seen(70, 90)), (learner, Seen(30, 40))):
        writer.commit(Changes(seen={key: seen}))

    assert worker.seen(key) == learner.seen(key) == Seen(10, 90)
    worker.close()
    learner.close()


def test_what_is_old_or_too_much_goes(store: FindingStore) -> None:
    put(store, finding(1), finding(2))
    windows: dict[WindowKey, Kept | None] = {
        WindowKey(rule, str(number)): Kept(WINDOW, number) for rule in "ab" for number in range(3)
    }
    seen = {SeenKey("rule", "g", str(number)): Seen(0, number) for number in range(6)}
    store.commit(Changes(windows=windows, seen=seen))

    assert store.expire(KEEP_ALL) == 0
    limits = Limits(findings_before=102, seen_before=2, most_windows=2, most_seen=3)
    assert store.expire(limits) == 1 + 2 + 2 + 1
    assert ids(store.page(FindingQuery())) == ["id-2"]
    assert store.window(WindowKey("a", "0")) is None
    assert store.window(WindowKey("b", "1")) == WINDOW
    assert store.seen(SeenKey("rule", "g", "2")) is None
    assert store.seen(SeenKey("rule", "g", "3")) == Seen(0, 3)


def incident(number: int, first: int, last: int, **values: object) -> Incident:
    usual: dict[str, object] = {
        "id": f"i-{number}", "account_id": "1", "actor": "alice", "first_time": first,
        "last_time": last, "level": "high", "findings": 1, "rules": ("Title",), "made": 100,
        "told": (("https://a.example.com", "high"),),
    }  # fmt: skip
    return msgspec.convert(usual | values, Incident)


def keep(store: FindingStore, *incidents: Incident) -> None:
    store.commit(Changes(incidents={one.id: one for one in incidents}))


def test_incidents_come_back_the_newest_first(store: FindingStore) -> None:
    low = incident(3, 5, 30, level="low", account_id="2", actor="bob")
    keep(store, incident(1, 0, 10), incident(2, 5, 20), low)

    def asked(**values: Any) -> list[str]:
        return [one.id for one in store.incidents(IncidentQuery(**values))]

    assert store.incident("i-1") == incident(1, 0, 10)
    assert store.incident("x") is None
    assert asked() == ["i-3", "i-2", "i-1"]
    assert asked(since=20) == ["i-3", "i-2"]
    assert asked(account_id="1", limit=1) == ["i-2"]
    assert asked(actor="bob") == asked(account_id="2") == ["i-3"]
    assert asked(at_least=Level.HIGH) == ["i-2", "i-1"]


def test_the_last_incident_of_an_actor_is_known(store: FindingStore) -> None:
    alice = Whose("1", "alice")
    keep(store, incident(1, 0, 90), incident(2, 50, 60), incident(3, 55, 56, actor="bob"))

    def last(before: int, *but: str) -> str | None:
        found = store.last_incident(alice, before, but)
        return None if found is None else found.id

    assert (last(49), last(50), last(50, "i-2"), last(50, "i-1", "i-2")) == (
        "i-1", "i-2", "i-1", None,
    )  # fmt: skip
    assert store.last_incident(Whose("2", "alice"), 99, ()) is None


def test_a_finding_keeps_its_incident_and_is_found_by_it(store: FindingStore) -> None:
    put(store, finding(1, incident_id="i-1"), finding(2))
    put(store, finding(1, count=9))

    (found,) = store.page(FindingQuery(incident_id="i-1"))
    assert (found.id, found.count) == ("id-1", 9)


def test_old_incidents_go_with_their_findings(store: FindingStore) -> None:
    keep(store, incident(1, 0, 10, made=5), incident(2, 0, 10, made=6))

    assert store.expire(replace(KEEP_ALL, findings_before=6)) == 1
    assert [one.id for one in store.incidents(IncidentQuery())] == ["i-2"]


def test_all_of_a_commit_is_durable(tmp_path: Path) -> None:
    path = tmp_path / "findings.sqlite"
    first = SqliteFindings(path)
    first.commit(
        Changes(
            windows={KEY: Kept(WINDOW, 50)},
            seen={SeenKey("r", "g", ""): Seen(1, 1)},
            findings={"id-1": finding(1)},
            incidents={"i-1": incident(1, 0, 9)},
        ),
        place=12,
    )
    first.close()

    again = SqliteFindings(path)
    assert (again.place(), again.window(KEY), again.find("id-1")) == (12, WINDOW, finding(1))
    assert again.incident("i-1") == incident(1, 0, 9)
    again.close()


FINDINGS = st.builds(
    lambda number, level, account, muted, made: finding(
        number, level=level, account_id=account, muted=muted, made=made
    ),
    st.integers(0, 9),
    st.sampled_from(list(Level)),
    st.sampled_from("12"),
    st.sampled_from(["", "noise"]),
    st.integers(0, 5),
)
QUERIES = st.builds(
    lambda account, level, since, muted, limit: FindingQuery(
        account_id=account, at_least=level, since=since, with_muted=muted, limit=limit
    ),
    st.sampled_from(["", "1"]),
    st.sampled_from(list(Level)),
    st.integers(0, 5),
    st.booleans(),
    st.integers(1, 5),
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.lists(FINDINGS, max_size=5), max_size=4), st.lists(QUERIES, max_size=5))
def test_the_file_answers_as_memory_does(
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[list[Finding]],
    queries: list[FindingQuery],
) -> None:
    plain, file = MemoryFindings(), SqliteFindings(tmp_path_factory.mktemp("f") / "f.sqlite")
    for batch in batches:
        put(plain, *batch)
        put(file, *batch)

    for query in queries:
        assert file.page(query) == plain.page(query)
    limits = Limits(findings_before=2, seen_before=0, most_windows=1, most_seen=1)
    assert file.expire(limits) == plain.expire(limits)
    file.close()
