"""With digests, an import says which events are proven, and finds what was tampered with."""

import gzip
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from import_samples import record
from imports_world import World, balances
from workers_world import ACCOUNT, Walk

from opentrail.adapters.sources import MemorySource
from opentrail.imports import KeyKind, read_key
from opentrail.imports.report import ImportReport, exit_code
from opentrail.ports.ledger import Proof
from opentrail.ports.objects import ObjectContent
from opentrail.ports.sources import Source, SourceObject
from opentrail.workers.importing import tally
from opentrail.workers.importing.proofs import DigestReading, Proofs
from opentrail.workers.imports import Importer, ImportOptions
from opentrail.workers.verification import Scope


class Logs:
    """A trail's bucket of some hours, and an import of it."""

    def __init__(self, path: Path) -> None:
        self.walk = Walk(path)
        self.walk.trail()
        self.hours(3)
        self.walk.minutes(5)
        self.world = World()

    def hours(self, count: int) -> None:
        for _ in range(count):
            self.walk.call()
            self.walk.call()
            self.walk.minutes(60)

    @property
    def objects(self) -> dict[str, ObjectContent]:
        return self.walk.store.buckets["audit"]

    def keys(self, kind: KeyKind) -> list[str]:
        return sorted(key for key in self.objects if read_key(key).kind is kind)

    def change(self, key: str, records: list[bytes]) -> None:
        body = gzip.compress(b'{"Records":[' + b",".join(records) + b"]}")
        self.objects[key] = ObjectContent(body, self.objects[key].metadata)

    def prove(self, source: Source, keys: Sequence[str]) -> Proofs:
        scope = Scope(bucket="audit", until=self.walk.clock.now())
        return DigestReading(self.walk.store, self.walk.trust(), scope, keys).read()

    def run(self, **options: bool) -> ImportReport:
        self.world.source.objects = {key: one.body for key, one in self.objects.items()}
        return self.world.run(ImportOptions(**options), prove=self.prove)  # type: ignore[arg-type]


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    return Logs(tmp_path)


def test_listed_log_files_with_their_hashes_are_proven(logs: Logs) -> None:
    report = logs.run()

    assert report.proof is not None
    assert report.proof.verdict == "VALID"
    assert report.proof.objects == {"proven": 3}
    assert (report.proof.records_proven, report.proof.records_unproven) == (6, 0)
    assert report.proof.digests == len(logs.keys(KeyKind.DIGEST)) > 0
    assert balances(report)
    assert exit_code(report) == 0
    assert logs.run().proof == report.proof


def test_a_changed_log_file_is_imported_unproven_and_found(logs: Logs) -> None:
    key = logs.keys(KeyKind.LOG_FILE)[1]
    logs.change(key, [record(1)])

    report = logs.run()

    assert report.proof is not None
    assert report.proof.objects == {"proven": 2, "hash-differs": 1}
    assert [(kind, subject) for kind, subject, _ in report.proof.findings] == [
        ("log-file-changed", key)
    ]
    assert record(1) in logs.world.events.raws
    assert exit_code(report) == 1


def test_only_proven_events_are_taken_when_asked(logs: Logs) -> None:
    key = logs.keys(KeyKind.LOG_FILE)[1]
    logs.change(key, [record(1)])

    report = logs.run(only_proven=True)

    assert record(1) not in logs.world.events.raws
    assert report.records.added == 4
    assert report.skipped["not proven: hash-differs"] == 1
    assert exit_code(report) == 1
    assert logs.run().records.added == 1  # no longer asked for


def test_what_was_left_out_is_taken_later_with_another_time_of_change_too(logs: Logs) -> None:
    class Touched(MemorySource):
        def find(self, key: str) -> SourceObject | None:
            found = super().find(key)
            return found and replace(found, version=f"touched-{found.version}")

    logs.change(logs.keys(KeyKind.LOG_FILE)[1], [record(1)])
    logs.run(only_proven=True)
    logs.world.source = Touched()

    report = logs.run()

    assert report.records.added == 1
    assert record(1) in logs.world.events.raws


def test_a_message_about_a_proven_log_file_takes_no_proof_away(logs: Logs) -> None:
    key = logs.keys(KeyKind.LOG_FILE)[1]
    logs.run()
    source = logs.world.source
    told = source.find(key)
    assert told is not None

    importer = Importer(logs.world.tools(prove=logs.prove))
    importer.run([(source, importer.plan_some(source, [told]))])

    assert logs.world.ledger.look_up(source.name, [key])[key].proof is Proof.PROVEN


def test_a_log_file_that_no_digest_lists_is_told(logs: Logs) -> None:
    key = logs.keys(KeyKind.LOG_FILE)[0].replace("Z_", "Z_A", 1)[:-9] + ".json.gz"
    logs.objects[key] = ObjectContent(gzip.compress(b'{"Records":[' + record(1) + b"]}"))

    report = logs.run()

    assert read_key(key).kind is KeyKind.LOG_FILE
    assert report.proof is not None
    assert report.proof.objects == {"proven": 3, "in-no-digest": 1}
    assert report.proof.records_unproven == 1


def test_a_digest_that_comes_later_proves_what_was_imported(logs: Logs) -> None:
    logs.walk.call()
    logs.walk.minutes(5)
    before = logs.run()
    logs.walk.minutes(60)
    logs.world.source.read = None  # type: ignore[method-assign,assignment] # nothing is read again

    after = logs.run()

    assert before.proof is not None
    assert after.proof is not None
    assert before.proof.objects == {"proven": 3, "in-no-digest": 1}
    assert after.proof.objects == {"proven": 4}
    assert after.objects.imported == 0
    assert logs.run().proof == after.proof


def test_what_was_imported_without_digests_is_verified_when_asked(logs: Logs) -> None:
    logs.world.source.objects = {key: one.body for key, one in logs.objects.items()}
    logs.world.run()

    report = logs.run()

    assert report.proof is not None
    assert report.proof.objects == {"proven": 3}
    assert report.records.duplicates == 6


@pytest.mark.parametrize("how", ["signature", "content", "absent"])
def test_log_files_of_a_broken_digest_are_not_proven(logs: Logs, how: str) -> None:
    log_file = logs.keys(KeyKind.LOG_FILE)[1]
    [key] = [
        key
        for key in logs.keys(KeyKind.DIGEST)
        if log_file in gzip.decompress(logs.objects[key].body).decode()
    ]
    digest = logs.objects[key]
    if how == "absent":
        del logs.objects[key]
    elif how == "content":
        body = gzip.decompress(digest.body).replace(b'"oldestEventTime"', b'"newestEventTimf"', 1)
        logs.objects[key] = ObjectContent(gzip.compress(body), digest.metadata)
    else:
        logs.objects[key] = ObjectContent(digest.body, {**digest.metadata, "signature": "00" * 256})

    report = logs.run()

    assert report.proof is not None
    assert report.proof.verdict == "INVALID"
    assert report.proof.objects["proven"] == 2
    assert report.records.added == 6
    assert exit_code(report) == 1


def test_a_listed_log_file_that_is_missing_is_found(logs: Logs) -> None:
    key = logs.keys(KeyKind.LOG_FILE)[1]
    del logs.objects[key]

    report = logs.run()

    assert report.proof is not None
    assert [("log-file-missing", key)] == [one[:2] for one in report.proof.findings]
    assert exit_code(report) == 1


def test_what_is_missing_beyond_what_a_report_holds_is_counted(
    logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally, "MAX_FINDINGS", 1)
    for key in logs.keys(KeyKind.LOG_FILE):
        del logs.objects[key]

    report = logs.run()

    assert report.proof is not None
    assert (len(report.proof.findings), report.proof.findings_more) == (1, 2)
    assert report.proof.verdict == "INVALID"


def test_without_digests_nothing_can_be_told(logs: Logs) -> None:
    for key in logs.keys(KeyKind.DIGEST):
        del logs.objects[key]

    report = logs.run()

    assert report.proof is not None
    assert report.proof.verdict == "UNVERIFIABLE"
    assert exit_code(report) == 3


def test_days_without_a_digest_are_told(logs: Logs) -> None:
    for key in logs.keys(KeyKind.DIGEST):
        moved = key.replace("/2026/11/24/", "/2026/11/27/").replace("20261124", "20261127")
        logs.objects[moved] = logs.objects[key]

    logs.world.source.objects = {key: one.body for key, one in logs.objects.items()}
    report = logs.world.run()

    coverage = {(one.account_id, one.region): one for one in report.coverage}
    assert coverage[ACCOUNT, "us-east-1"].gaps == (("2026-11-25", "2026-11-26"),)
    assert coverage[ACCOUNT, "us-east-1"].first == "2026-11-24"
