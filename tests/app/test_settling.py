"""What a start finds of the run before: every forwarded call ends with a record, or is counted."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opentrail.adapters.intents import FileIntents, MemoryIntents
from opentrail.adapters.journal import MemoryJournal, SecondDiskJournal
from opentrail.app.writing.settling import Settled, settle_calls
from opentrail.gateway.numbers import Numbers
from opentrail.ports.intents import Intent, IntentLog, Progress


def settle(
    journal: MemoryJournal, intents: IntentLog, disk: SecondDiskJournal | None = None
) -> Settled:
    return settle_calls(
        journal,
        journal,
        intents,
        disk,
        lambda found: b"gap %d %d" % (found.lost, found.unknown),
    )


def raws(journal: MemoryJournal) -> list[bytes]:
    return [entry.raw for entry in journal.read(0, 1 << 20)]


def test_a_call_with_an_intent_and_no_record_gets_its_unknown_outcome() -> None:
    journal, intents = MemoryJournal(), MemoryIntents()
    numbers = Numbers(intents, 0)
    for _ in range(3):
        number = numbers.take(noted=True)
        intents.append([Intent(number, b"unknown %d" % number)])
    numbers.recorded_until(2, journal.append([b"known 2"], [2])[-1])

    found = settle(journal, intents)

    assert found == Settled(late=0, unknown=2, lost=0)
    assert raws(journal) == [b"known 2", b"unknown 1", b"unknown 3", b"gap 0 2"]
    assert settle(journal, intents) == Settled(0, 0, 0)  # once is enough
    assert Numbers(intents, journal.end()).take(noted=True) == 4


def test_a_record_that_was_kept_but_not_noted_is_found() -> None:
    journal, intents = MemoryJournal(), MemoryIntents()
    numbers = Numbers(intents, 0)
    intents.append([Intent(numbers.take(noted=True), b"unknown")])
    journal.append([b"known"], [1])  # killed between this and the note

    assert settle(journal, intents) == Settled(0, 0, 0)
    assert raws(journal) == [b"known"]


def test_calls_without_intent_and_record_are_counted() -> None:
    journal, intents = MemoryJournal(), MemoryIntents()
    numbers = Numbers(intents, 0)
    taken = [numbers.take(noted=False) for _ in range(5)]
    numbers.recorded_until(taken[2], journal.append([b"known"], [taken[2]])[-1])
    numbers.take(noted=True)  # killed before its intent was durable: it was not forwarded

    assert settle(journal, intents) == Settled(late=0, unknown=0, lost=4)
    assert raws(journal)[-1] == b"gap 4 0"


def test_what_waited_on_the_second_disk_is_appended_once(tmp_path: Path) -> None:
    journal, intents = MemoryJournal(), MemoryIntents()
    numbers = Numbers(intents, 0)
    disk = SecondDiskJournal(tmp_path / "spool", limit_bytes=1 << 20)
    taken = [numbers.take(noted=False) for _ in range(3)]
    for place, number in enumerate(taken, 1):
        disk.put([b"late %d" % place], number)
    journal.append([b"late 1"], taken[:1])  # moved, and killed before the disk was told

    assert settle(journal, intents, disk) == Settled(late=2, unknown=0, lost=0)
    assert raws(journal) == [b"late 1", b"late 2", b"late 3"]


def test_a_progress_that_went_back_means_only_more_to_look_through() -> None:
    journal, intents = MemoryJournal(), MemoryIntents()
    numbers = Numbers(intents, 0)
    for _ in range(4):
        number = numbers.take(noted=True)
        intents.append([Intent(number, b"unknown")])
        numbers.recorded_until(number, journal.append([b"known"], [number])[-1])
    intents.note(
        Progress(settled=2, next_number=3, journal_offset=1)
    )  # as a loss of power may leave it

    assert settle(journal, intents) == Settled(0, 0, 0)
    assert intents.progress().next_number == 5


@pytest.mark.parametrize("size", [200, 4096])
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.booleans(), st.integers(1, 40)), max_size=60))
def test_open_intents_survive_every_turn_of_the_files(
    tmp_path: Path, size: int, steps: list[tuple[bool, int]]
) -> None:
    for old in tmp_path.glob("*"):
        old.unlink()
    log = FileIntents(tmp_path, file_bytes=size)
    numbers, open_ = Numbers(log, 0), {}
    for close, length in steps:
        number = numbers.take(noted=True)
        open_[number] = b"%d" % number * length
        log.append([Intent(number, open_[number])])
        if close:
            oldest = next(iter(open_))
            del open_[oldest]
            numbers.recorded_until(oldest, 0)
    log.close()

    again = FileIntents(tmp_path, file_bytes=size)
    progress = again.progress()

    assert progress.next_number == len(steps) + 1
    assert progress.settled == next(iter(open_), len(steps) + 1)
    kept = {one.number: one.raw for one in again.read() if one.number >= progress.settled}
    assert kept == open_
    again.close()


def test_one_long_call_does_not_make_the_files_grow(tmp_path: Path) -> None:
    log = FileIntents(tmp_path, file_bytes=4096)
    numbers = Numbers(log, 0)
    log.append([Intent(numbers.take(noted=True), b"long")])
    for _ in range(500):
        number = numbers.take(noted=True)
        log.append([Intent(number, b"x" * 50)])
        numbers.recorded_until(number, 0)

    assert sum(path.stat().st_size for path in tmp_path.glob("intents-*")) <= 2 * 4096
    assert any(one.raw == b"long" for one in log.read())
    log.close()
