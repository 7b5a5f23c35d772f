"""The walk of an import: everything once, whatever happens between its steps."""

import gzip
import json
from collections.abc import Sequence
from concurrent.futures import Future

import pytest
from import_samples import log_file, log_key, record, records
from imports_world import World, balances

from opentrail.adapters.sources import MemorySource
from opentrail.errors import IntegrityError, Unavailable
from opentrail.imports import Limits
from opentrail.imports.report import exit_code
from opentrail.ports.events import Appended
from opentrail.ports.ledger import Outcome
from opentrail.ports.sources import SourceObject
from opentrail.workers.imports import ImportOptions

SMALL = ImportOptions(batch_bytes=2000, batch_objects=3, jobs=2)


def filled(world: World, files: int = 6, each: int = 4) -> list[bytes]:
    """Log files with duplicates, damage, look-alikes and digests around them."""
    raws = records(files * each)
    for number in range(files):
        some = raws[number * each : (number + 1) * each]
        world.source.objects[log_key(number)] = log_file(some)
    world.source.objects[log_key(70)] = log_file(raws[:3])
    world.source.objects[log_key(71)] = gzip.compress(b'{"Records":[' + record(900) + b",{]}")
    world.source.objects[log_key(0, folder="CloudTrail-Digest")] = b"x"
    world.source.objects["AWSLogs/111122223333/Config/a.json.gz"] = b"x"
    world.source.objects["README.md"] = b"# Logs\n"
    world.source.objects["empty.json"] = b""
    return [*raws, record(900)]


def test_everything_listed_and_found_is_accounted_for() -> None:
    world = World()
    expected = filled(world)

    report = world.run()

    assert sorted(world.events.raws) == sorted(expected)
    assert balances(report)
    assert report.objects.listed == 12
    assert report.objects.imported == 8
    assert report.skipped == {
        "digest file, not events": 1,
        "logs of Config, not of CloudTrail": 1,
        "no CloudTrail records": 1,
        "empty": 1,
    }
    assert report.records.duplicates == 3
    assert report.records.quarantined == 1
    assert [one.length for one in world.quarantine.kept["memory://a", log_key(71)]] == [3]
    assert exit_code(report) == 1


def test_a_second_run_reads_nothing() -> None:
    world = World()
    filled(world)
    world.run()
    read: list[str] = []

    class Watched(MemorySource):
        def read(self, one: SourceObject) -> bytes:
            read.append(one.key)
            return super().read(one)

    watched = Watched()
    watched.objects = world.source.objects
    report = world.run(source=watched)

    assert read == []
    assert report.records.found == 0
    assert report.objects.unchanged == 9
    assert balances(report)
    assert exit_code(report) == 0


@pytest.mark.parametrize("after", [False, True])
def test_killed_between_any_two_steps_and_run_again_nothing_is_lost_or_doubled(after: bool) -> None:
    at = 0
    while True:
        world = World()
        expected = filled(world)
        killed = world.run_killed(at, SMALL, after=after)
        report = world.run(SMALL)

        assert sorted(world.events.raws) == sorted(expected), at
        assert balances(report)
        assert len(world.quarantine.kept["memory://a", log_key(71)]) == 1
        assert world.run().records.found == 0
        if not killed:
            break
        at += 1
    assert at > 20


def test_objects_are_read_in_the_order_of_their_times_across_accounts() -> None:
    world = World()
    places = [("444455556666", "us-east-1"), ("111122223333", "eu-west-1")]
    for number, minute in enumerate([30, 10, 20, 0]):
        account, region = places[number % 2]
        key = log_key(minute, account=account, region=region)
        world.source.objects[key] = log_file([record(minute)])
    world.source.objects["a/no-time.json"] = record(99)

    world.run()

    assert world.events.raws == [record(one) for one in (0, 10, 20, 30, 99)]


def test_a_late_key_that_sorts_before_is_found() -> None:
    world = World()
    world.source.objects[log_key(50)] = log_file([record(50)])
    world.run()
    world.source.objects[log_key(5)] = log_file([record(5)])

    report = world.run()

    assert report.objects.imported == 1
    assert world.events.raws == [record(50), record(5)]


def test_a_changed_object_is_read_again_and_said() -> None:
    world = World()
    world.source.objects[log_key(1)] = log_file(records(2))
    world.run()
    world.source.objects[log_key(1)] = log_file(records(3))

    report = world.run()

    assert (report.objects.imported, report.objects.changed) == (1, 1)
    assert (report.records.added, report.records.duplicates) == (1, 2)


def test_a_touched_object_is_unchanged() -> None:
    class Touched(MemorySource):
        version = "1"

        def find(self, key: str) -> SourceObject | None:
            return SourceObject(key=key, size_bytes=len(self.objects[key]), version=self.version)

    world, source = World(), Touched()
    source.objects[log_key(1)] = log_file(records(2))
    world.run(source=source)
    source.version = "2"

    report = world.run(source=source)
    again = world.run(source=source)

    for one in (report, again):
        assert (one.objects.imported, one.objects.unchanged) == (0, 1)
    assert report.bytes_read > 0
    assert again.bytes_read == 0


def test_the_same_event_with_other_content_is_kept_and_counted() -> None:
    world = World()
    other = record(1, userAgent="another")
    world.source.objects[log_key(1)] = log_file([record(1), record(1), other])

    report = world.run()

    assert world.events.raws == [record(1), other]
    assert (report.records.added, report.records.duplicates, report.records.conflicts) == (2, 1, 1)


class Troubled(MemorySource):
    """Fails so often, with such a problem."""

    def __init__(self, failures: int, problem: Exception) -> None:
        super().__init__()
        self.failures = failures
        self.problem = problem

    def read(self, one: SourceObject) -> bytes:
        if self.failures:
            self.failures -= 1
            raise self.problem
        return super().read(one)


def test_an_answer_that_fails_is_asked_for_again() -> None:
    world, source = World(), Troubled(3, Unavailable("SlowDown"))
    source.objects[log_key(1)] = log_file(records(2))

    report = world.run(source=source)

    assert report.records.added == 2
    assert world.pauses == [0.5, 1.0, 2.0]
    assert exit_code(report) == 0


@pytest.mark.parametrize(
    "problem", [Unavailable("AccessDenied"), IntegrityError("can't be decrypted")]
)
def test_an_object_that_fails_is_told_and_tried_in_the_next_run(problem: Exception) -> None:
    world, source = World(), Troubled(4, problem)
    if isinstance(problem, IntegrityError):
        source.failures = 1
    source.objects[log_key(1)] = log_file(records(2))

    report = world.run(source=source)
    again = world.run(source=source)

    assert report.objects.failed == 1
    assert report.told[0].reason == str(problem)
    assert balances(report)
    assert exit_code(report) == 1
    assert again.records.added == 2


def test_a_source_that_stops_answering_ends_the_run_and_the_next_goes_on() -> None:
    world, source = World(), Troubled(0, Unavailable("connection refused"))
    for number in range(40):
        source.objects[log_key(number)] = log_file([record(number)])
    world.run(ImportOptions(batch_objects=3, jobs=1), source=source)
    for number in range(40, 80):
        source.objects[log_key(number)] = log_file([record(number)])
    source.failures = 1000

    with pytest.raises(Unavailable, match="stopped answering"):
        world.run(source=source)
    source.failures = 0
    report = world.run(source=source)

    assert json.loads(world.ledger.runs()[1].report)["state"] == "failed"
    assert report.objects.unchanged == 40
    assert report.records.added == 40


def test_interrupted_what_was_read_is_kept() -> None:
    class Interrupted(MemorySource):
        def read(self, one: SourceObject) -> bytes:
            if one.key == log_key(2):
                raise KeyboardInterrupt
            return super().read(one)

    world, source = World(), Interrupted(is_remote=False)
    for number in range(4):
        source.objects[log_key(number)] = log_file([record(number)])

    with pytest.raises(KeyboardInterrupt):
        world.run(source=source)
    [run] = world.ledger.runs()
    world.source.objects = source.objects
    again = world.run()

    told = json.loads(run.report)
    assert (told["state"], told["records"]["found"], told["records"]["added"]) == (
        "interrupted",
        2,
        2,
    )
    assert (again.objects.unchanged, again.records.added) == (2, 2)


def test_a_large_object_is_appended_in_batches() -> None:
    world = World()
    many = records(500)
    world.source.objects[log_key(1)] = log_file(many)
    options = ImportOptions(
        limits=Limits(piece_bytes=10_000, record_bytes=5000), batch_bytes=20_000
    )

    report = world.run(options)

    assert len(world.events.batches) > 5
    assert world.events.raws == many
    entry = world.ledger.look_up("memory://a", [log_key(1)])[log_key(1)]
    assert (entry.records, entry.outcome) == (500, Outcome.IMPORTED)
    assert report.records.added == 500


def test_what_was_quarantined_is_forgotten_when_the_object_is_mended() -> None:
    world = World()
    world.source.objects[log_key(1)] = log_file([record(1), b"{"])
    world.run()
    world.source.objects[log_key(1)] = log_file([record(1), record(2)])

    world.run()

    assert world.quarantine.kept["memory://a", log_key(1)] == []


def test_the_report_of_a_run_is_in_the_ledger() -> None:
    world = World()
    filled(world)

    report = world.run()

    [run] = world.ledger.runs()
    assert json.loads(run.report)["records"]["added"] == report.records.added
    assert run.finished is not None
    assert sum(one.records for one in world.ledger.entries(1)) == report.records.found - 1


def test_names_that_are_no_utf_8_are_told_as_escapes() -> None:
    world = World()
    world.source.objects["a\udcff.json"] = record(1)[:-1]
    world.source.objects["AWSLogs/111122223333/\udcfe/x.log"] = b"x"

    report = world.run()

    assert report.told[0].key == "a\\xff.json"
    assert report.records.quarantined == 1
    assert report.skipped == {"logs of \\xfe, not of CloudTrail": 1}


def test_why_an_object_failed_is_kept_though_its_name_is_no_utf_8() -> None:
    world, source = World(), Troubled(4, Unavailable("a\udcff.json: Permission denied"))
    source.objects["a\udcff.json"] = record(1)

    world.run(source=source)

    [entry] = world.ledger.entries(1)
    assert entry.reason == "a\\xff.json: Permission denied"


class Later(Future[Appended]):
    """A batch that is appended when somebody waits for it."""

    def __init__(self, world: World, raws: Sequence[bytes], *, fails: bool) -> None:
        super().__init__()
        self.world, self.raws, self.fails = world, tuple(raws), fails

    def done(self) -> bool:
        return False

    def result(self, timeout: float | None = None) -> Appended:
        if self.fails:
            raise Unavailable("disk full")
        return self.world.events.append(self.raws)


class Appending:
    """Batches side by side; one fails."""

    def __init__(self, world: World, failing: int) -> None:
        self.world, self.failing, self.submitted = world, failing, 0

    def submit(self, raws: Sequence[bytes]) -> Future[Appended]:
        self.submitted += 1
        return Later(self.world, raws, fails=self.submitted == self.failing)


def test_objects_are_noted_when_their_records_are_durable_not_before() -> None:
    world = World()
    expected = filled(world)
    appending = Appending(world, failing=3)

    with pytest.raises(Unavailable, match="disk full"):
        world.run(SMALL, store=appending)
    noted = [one for one in world.ledger.entries(1) if one.outcome is Outcome.IMPORTED]
    held = set(world.events.raws)
    report = world.run(SMALL, store=Appending(world, failing=0))

    assert appending.submitted > 3
    assert 0 < sum(one.records for one in noted) <= len(held) < len(expected)
    assert sorted(world.events.raws) == sorted(expected)
    assert balances(report)
