"""`opentrail sessions` over a store that is filled the way the server fills it."""

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from opentrail.adapters.events import SegmentEventReader, SegmentEventStore
from opentrail.adapters.sessions import FILE_NAME, SqliteSessionIndex
from opentrail.cli.sessions import sessions
from opentrail.clock import ManualClock
from opentrail.ports.events import Search
from opentrail.ports.sessions import derived, rewrite
from opentrail.predicate.matching import matcher
from opentrail.search.parser import parse_filter
from opentrail.sessions.timeline import Counts, timeline
from opentrail.workers.sessions import EXPIRE_EVERY, SessionsWorker
from sessions.story import HERE, across_accounts, console, raw, record, stolen_key, user

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
SINCE = ["--since", "2026-07-01"]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    clock = ManualClock(NOW)
    store = SegmentEventStore(tmp_path / "events", clock)
    store.append(raw(*across_accounts(), *stolen_key(), *console()))
    worker = SessionsWorker(
        SegmentEventReader(tmp_path / "events"), SqliteSessionIndex(tmp_path / FILE_NAME), clock
    )
    worker.step()
    monkeypatch.setenv("OPENTRAIL_DATA", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "500")
    return tmp_path


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(sessions, arguments)
    assert result.exit_code == code, result.output
    return result.output


def test_sessions_of_a_person_are_listed(data: Path) -> None:
    listed = json.loads(run("list", *SINCE, "--person", "anna@example.com", "--format", "json"))

    assert {one["session"] for one in listed["sessions"]} >= {"ASIASSO", "ASIAA", "ASIAB"}
    assert all("anna@example.com" in one["names"] for one in listed["sessions"])
    assert "ASIAB" in run("list", *SINCE, "--person", "sso:*")
    assert "ASIAB" not in run("list", *SINCE, "--person", "nobody")


def test_the_list_has_four_formats(data: Path) -> None:
    rows = list(csv.DictReader(run("list", *SINCE, "--format", "csv").splitlines()))
    lines = [json.loads(one) for one in run("list", *SINCE, "--format", "jsonl").splitlines()]

    assert [one["session"] for one in rows] == [one["session"] for one in lines]
    assert all(row["session"] in run("list", *SINCE) for row in rows)
    run("list", "--format", "xml", code=2)


def test_a_session_is_shown_with_its_chain_and_its_timeline(data: Path) -> None:
    shown = run("show", "ASIAB")

    assert shown.index("sso:anna@example.com") < shown.index("└─ ASIASSO") < shown.index("└─ ASIAB")
    assert "Invoke" in shown
    assert "1 events: 0 reads, 1 writes, 0 denied" in shown


def test_a_session_is_found_by_an_event_and_by_a_key(data: Path) -> None:
    events = [json.loads(one) for one in run("show", "ASIAB", "--format", "jsonl").splitlines()]

    assert run("show", events[0]["eventID"]) == run("show", "ASIAB")
    assert "session   AKIACARL2/2026-07-01" in run("show", "AKIACARL2")
    assert "session   AIDADORA@2026-07-01T11:00:00Z" in run("show", "ASIAC2")
    assert "session" in run("show", "latest")
    run("show", "nothing", code=2)


def test_who_made_a_key_is_pointed_at(data: Path) -> None:
    shown = run("show", "AKIACARL2")

    assert f"! key AKIACARL2 was created by arn:aws:iam::{HERE}:user/mallory" in shown
    assert "2 events: 0 reads, 2 writes, 1 denied" in shown


def test_a_console_session_shows_its_sign_in(data: Path) -> None:
    shown = json.loads(run("show", "ASIAC1", "--format", "json"))

    assert [one["event_name"] for one in shown["timeline"]] == [
        "ListBuckets",
        "PutObject",
        "Decrypt",
    ]
    assert "sign-in   2026-07-01T11:00:00Z from 198.51.100.7" in run("show", "ASIAC1")


def test_a_strangers_text_moves_no_cursor(data: Path) -> None:
    evil = user("x\x1b[2Jy", "AKIAEVIL")
    store = SegmentEventStore(data / "events", ManualClock(NOW))
    store.append(raw(record("11:30:00", "A\x1b]0;b\x07\u202e", evil, userAgent="\r\n\x1b[1A")))
    index = SqliteSessionIndex(data / FILE_NAME)
    SessionsWorker(SegmentEventReader(data / "events"), index, ManualClock(NOW)).step()

    for shown in (run("list", *SINCE), run("show", "AKIAEVIL")):
        assert "\x1b" not in shown
        assert "\u202e" not in shown


def test_without_an_index_the_command_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENTRAIL_DATA", str(tmp_path))

    run("list", code=3)


def test_the_worker_takes_in_what_came_since_and_forgets_what_is_gone(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    store = SegmentEventStore(tmp_path / "events", clock)
    index = SqliteSessionIndex(tmp_path / FILE_NAME)
    worker = SessionsWorker(SegmentEventReader(tmp_path / "events"), index, clock)

    assert worker.step() == 0
    store.append(raw(*stolen_key()))
    clock.advance(timedelta(seconds=1))
    assert worker.step() == 4
    assert worker.step() == 0
    assert index.find_session("AKIACARL2/2026-07-01") is not None
    clock.advance(timedelta(days=400))
    store.append(raw(record("23:00:00", "ListUsers", user("late", "AKIALATE"))))
    store.expire({}, default_before=int(datetime(2026, 7, 1, 22, tzinfo=UTC).timestamp()))
    clock.advance(EXPIRE_EVERY)
    worker.step()

    assert index.find_session("AKIACARL2/2026-07-01") is None
    assert index.find_session("AKIALATE/2026-07-01") is not None


def test_a_timeline_tells_what_changed() -> None:
    anna = user("anna", "AKIAANNA")
    counts = Counts()

    moments = list(
        timeline(
            raw(
                record("09:00:00", "ListUsers", anna),
                record("09:05:00", "CreateUser", anna, sourceIPAddress="203.0.113.9"),
                record("10:05:00", "GetUser", anna, errorCode="Client.UnauthorizedOperation"),
                record("10:05:01", "PutUser", anna, errorCode="Throttling", userAgent="curl"),
            ),
            counts,
        )
    )

    assert [one.changes for one in moments] == [
        (),
        ("other address",),
        ("after 1 h 0 min of silence", "other address"),
        ("other user agent",),
    ]
    assert (counts.reads, counts.writes, counts.denied, counts.failed) == (2, 2, 1, 1)
    assert counts.addresses == ["198.51.100.7", "203.0.113.9"]
    assert (counts.first, counts.last) == ("2026-07-01T09:00:00Z", "2026-07-01T10:05:01Z")


def test_a_store_finds_a_persons_events_by_the_rewritten_filter(data: Path) -> None:
    index, reader = SqliteSessionIndex(data / FILE_NAME), SegmentEventReader(data / "events")
    every = [one.raw for one in reader.stream(Search(limit=None))]

    for text in ("person = anna@example.com", "NOT person like 'arn:*' AND session exists"):
        asked = parse_filter(text)
        found = reader.search(Search(where=rewrite(asked, index), limit=None))
        passes = matcher(asked, derived(index))

        assert [one.raw for one in found] == [raw for raw in every if passes(raw)]
        assert found
