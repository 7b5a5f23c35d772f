"""Every ledger, and every quarantine, keeps what its port promises."""

import base64
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from opentrail.adapters.ledger import DirectoryQuarantine, MemoryLedger, SqliteLedger
from opentrail.imports import Quarantined
from opentrail.ports.ledger import Ledger, LedgerEntry, Outcome, Proof

NOW = datetime(2026, 3, 2, tzinfo=UTC)
MAKERS: dict[str, Callable[[Path], Ledger]] = {
    "memory": lambda _path: MemoryLedger(),
    "sqlite": lambda path: SqliteLedger(path / "imports.sqlite"),
}


@pytest.fixture(params=MAKERS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Ledger:
    return MAKERS[request.param](tmp_path)


def entry(key: str, source: str = "s3://a", version: str = "1") -> LedgerEntry:
    return LedgerEntry(
        source=source,
        key=key,
        size_bytes=2**40,
        version=version,
        outcome=Outcome.IMPORTED,
        sha256="ab" * 32,
        records=7,
        proof=Proof.PROVEN,
    )


def test_an_entry_is_found_as_it_was_committed(ledger: Ledger) -> None:
    run = ledger.begin(NOW)
    odd = "a/\udcff\udcfe ' \u65e5/x.json.gz"
    ledger.commit(run, [entry("k"), entry(odd), entry("k", source="s3://b", version="2")], b"{}")

    found = ledger.look_up("s3://a", ["k", odd, "absent"])

    assert set(found) == {"k", odd}
    assert found["k"].version == "1"
    assert found["k"].run == run
    assert found[odd].proof is Proof.PROVEN
    assert ledger.look_up("s3://c", ["k"]) == {}


def test_the_last_commit_of_an_object_counts(ledger: Ledger) -> None:
    first, second = ledger.begin(NOW), ledger.begin(NOW)
    ledger.commit(first, [entry("a"), entry("b")], b"1")
    ledger.commit(second, [entry("a", version="9")], b"2", finished=NOW)

    assert ledger.look_up("s3://a", ["a"])["a"].version == "9"
    assert [one.key for one in ledger.entries(first)] == ["b"]
    assert [one.key for one in ledger.entries(second)] == ["a"]


def test_runs_are_listed_newest_first_with_what_they_said_last(ledger: Ledger) -> None:
    first, second = ledger.begin(NOW), ledger.begin(NOW)
    ledger.commit(first, (), b"1")
    ledger.commit(second, (), b"2", finished=NOW)

    runs = ledger.runs()

    assert [(one.number, one.report, one.finished) for one in runs] == [
        (second, b"2", NOW),
        (first, b"1", None),
    ]
    assert second > first


def test_many_keys_are_looked_up_at_once(ledger: Ledger) -> None:
    run = ledger.begin(NOW)
    keys = [f"k/{number}" for number in range(3000)]
    ledger.commit(run, [entry(key) for key in keys], b"")

    assert set(ledger.look_up("s3://a", [*keys, "x"])) == set(keys)


def test_a_ledger_opened_again_knows_everything(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "imports.sqlite")
    run = ledger.begin(NOW)
    ledger.commit(run, [entry("k")], b"x")

    again = SqliteLedger(tmp_path / "imports.sqlite")

    assert again.look_up("s3://a", ["k"])["k"].records == 7
    assert again.begin(NOW) == run + 1


def test_a_quarantine_tells_where_bytes_stood_and_holds_them(tmp_path: Path) -> None:
    quarantine = DirectoryQuarantine(tmp_path / "q")
    bad = Quarantined(12, 3, b"\xff{\n", "not UTF-8")

    quarantine.keep("s3://a", "k\udcff", [bad], NOW, fresh=True)
    quarantine.keep("s3://a", "k\udcff", [bad], NOW, fresh=False)

    lines = quarantine.path("s3://a", "k\udcff").read_bytes().splitlines()
    told = json.loads(lines[0])
    assert len(lines) == 2
    assert base64.b64decode(told.pop("content")) == bad.content
    assert (told["source"], told["key"], told["offset"], told["reason"]) == (
        "s3://a",
        "k\udcff",
        12,
        "not UTF-8",
    )


def test_a_fresh_keeping_replaces_the_one_before(tmp_path: Path) -> None:
    quarantine = DirectoryQuarantine(tmp_path / "q")
    bad = Quarantined(0, 1, b"x", "r")
    quarantine.keep("s", "k", [bad, bad], NOW, fresh=True)

    quarantine.keep("s", "k", [bad], NOW, fresh=True)

    assert len(quarantine.path("s", "k").read_bytes().splitlines()) == 1


def test_what_is_kept_is_synced_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quarantine = DirectoryQuarantine(tmp_path / "q")
    synced: list[Path] = []
    monkeypatch.setattr(
        os, "fsync", lambda fd: synced.append(Path(f"/proc/self/fd/{fd}").readlink())
    )

    quarantine.keep("s", "k", [Quarantined(0, 1, b"x", "r")], NOW, fresh=True)

    assert synced == [quarantine.path("s", "k"), tmp_path / "q"]


def test_a_full_quarantine_goes_on_without_the_bytes(tmp_path: Path) -> None:
    quarantine = DirectoryQuarantine(tmp_path / "q", max_bytes=2000)
    bad = Quarantined(0, 1000, bytes(1000), "r")

    quarantine.keep("s", "k", [bad, bad, bad], NOW, fresh=True)

    lines = [json.loads(one) for one in quarantine.path("s", "k").read_bytes().splitlines()]
    assert ["content" in one for one in lines] == [True, False, False]
