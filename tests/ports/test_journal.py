"""What every journal promises."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opentrail.adapters.journal import MemoryJournal, SegmentJournalReader, SegmentJournalWriter
from opentrail.errors import Unavailable
from opentrail.ports.journal import Entry, JournalDamaged, JournalReader, JournalWriter

Pair = tuple[JournalWriter, JournalReader]


def memory(_path: Path) -> Pair:
    journal = MemoryJournal()
    return journal, journal


def segments(path: Path) -> Pair:
    return SegmentJournalWriter(path, segment_bytes=4096), SegmentJournalReader(path)


@pytest.fixture(params=[memory, segments])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Pair:
    make: Callable[[Path], Pair] = request.param
    return make(tmp_path / "journal")


def everything(reader: JournalReader, offset: int = 0) -> list[Entry]:
    found: list[Entry] = []
    while entries := reader.read(offset, 1000):
        found.extend(entries)
        offset = entries[-1].next_offset
    return found


def test_what_was_appended_is_read_in_order(pair: Pair) -> None:
    writer, reader = pair
    raws = [b"%d " % number * 40 for number in range(300)]

    for start in range(0, 300, 7):
        writer.append(raws[start : start + 7])

    assert [entry.raw for entry in everything(reader)] == raws


def test_an_offset_leads_to_its_entry_and_the_next(pair: Pair) -> None:
    writer, reader = pair
    writer.append([b"first"])

    second, third, after = writer.append([b"second", b"third"])

    assert reader.read(second, 1)[0] == Entry(second, third, b"second")
    assert reader.read(third, 1)[0] == Entry(third, after, b"third")
    assert reader.read(after, 1) == ()
    assert reader.end() == after


def test_an_empty_journal_reads_as_nothing(pair: Pair) -> None:
    _writer, reader = pair

    assert reader.read(reader.first(), 1000) == ()
    assert reader.end() == 0


def test_an_entry_larger_than_a_segment_is_kept(pair: Pair) -> None:
    writer, reader = pair
    large = b"x" * 600_000

    writer.append([b"small"])
    writer.append([large])
    writer.append([b"after"])

    assert [entry.raw for entry in everything(reader)] == [b"small", large, b"after"]


def test_appends_of_many_threads_are_all_there(pair: Pair) -> None:
    writer, reader = pair

    def append(name: int) -> None:
        for number in range(50):
            writer.append([b"%d-%d" % (name, number)])

    threads = [threading.Thread(target=append, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    wanted = {b"%d-%d" % (name, number) for name in range(4) for number in range(50)}
    assert {entry.raw for entry in everything(reader)} == wanted


def test_a_new_writer_goes_on_where_the_last_stopped(tmp_path: Path) -> None:
    first = SegmentJournalWriter(tmp_path, segment_bytes=4096)
    first.append([b"one", b"two"])
    first.close()

    second = SegmentJournalWriter(tmp_path, segment_bytes=4096)
    second.append([b"three"])

    raws = [entry.raw for entry in everything(SegmentJournalReader(tmp_path))]
    assert raws == [b"one", b"two", b"three"]


def test_a_torn_last_write_is_cut_at_every_byte(tmp_path: Path) -> None:
    writer = SegmentJournalWriter(tmp_path, segment_bytes=4096)
    (_start, torn_at, end) = writer.append([b"whole", b"torn apart"])
    writer.close()
    segment = tmp_path / f"{0:020d}.seg"
    content = segment.read_bytes()

    for cut in range(torn_at, end):
        segment.write_bytes(content[:cut] + bytes(len(content) - cut))
        again = SegmentJournalWriter(tmp_path, segment_bytes=4096)
        again.append([b"after"])
        again.close()

        raws = [entry.raw for entry in everything(SegmentJournalReader(tmp_path))]
        assert raws == [b"whole", b"after"]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 130), bit=st.integers(0, 7))
def test_a_flipped_bit_never_yields_a_wrong_entry(tmp_path: Path, position: int, bit: int) -> None:
    for old in tmp_path.glob("*"):
        old.unlink()
    raws = [b"alpha" * 5, b"beta" * 5, b"gamma" * 5]
    writer = SegmentJournalWriter(tmp_path, segment_bytes=4096)
    writer.append(raws)
    writer.close()
    segment = tmp_path / f"{0:020d}.seg"
    content = bytearray(segment.read_bytes())
    content[position % 106] ^= 1 << bit
    segment.write_bytes(content)
    SegmentJournalWriter(tmp_path, segment_bytes=4096).close()
    reader = SegmentJournalReader(tmp_path)

    found, offset = [], 0
    while True:
        try:
            entries = reader.read(offset, 1)
        except JournalDamaged as damage:
            offset = max(damage.resume_offset, offset + 1)
            continue
        if not entries:
            break
        found.append(entries[0].raw)
        offset = entries[0].next_offset

    assert len(found) == 2
    assert [raw for raw in raws if raw in found] == found


def test_a_failed_sync_is_told_and_the_next_append_uses_a_new_segment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = SegmentJournalWriter(tmp_path, segment_bytes=4096)
    writer.append([b"one"])

    def refuse(_fd: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("os.fdatasync", refuse)
        with pytest.raises(Unavailable, match="Input/output error"):
            writer.append([b"lost"])
    writer.append([b"two"])

    raws = [entry.raw for entry in everything(SegmentJournalReader(tmp_path))]
    assert raws in ([b"one", b"two"], [b"one", b"lost", b"two"])
    assert len(list(tmp_path.glob("*.seg"))) == 2


def test_segments_that_nobody_needs_are_given_up_and_offsets_stay(tmp_path: Path) -> None:
    writer = SegmentJournalWriter(tmp_path, segment_bytes=4096)
    places = [writer.append([b"x" * 1000])[0] for _ in range(40)]
    reader = SegmentJournalReader(tmp_path)

    assert writer.trim(places[20]) > 0
    first = reader.first()

    assert 0 < first <= places[20]
    assert reader.read(places[20], 1)[0].offset == places[20]
    assert writer.trim(places[-1]) > 0
    kept = [place for place in places if place >= reader.first()]
    assert len(kept) >= 3 * 3  # the last few segments stay
    assert writer.append([b"more"])[0] > places[-1]
    writer.close()
    assert SegmentJournalWriter(tmp_path, segment_bytes=4096).trim(0) == 0
