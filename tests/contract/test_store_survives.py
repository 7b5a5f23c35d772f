"""Writers of the store of events, killed at any moment, and readers beside them.

Whatever was acknowledged is there exactly once, to the byte; the place never runs ahead of the
events; files that no catalog names are swept away.
"""

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest
from storing import raw

from opentrail.adapters.events import SegmentEventReader, SegmentEventStore
from opentrail.clock import SystemClock
from opentrail.ports.events import Search
from opentrail.predicate.expression import Operator
from opentrail.predicate.expression import Test as FieldTest

pytestmark = [pytest.mark.contract, pytest.mark.timeout(240)]

PROGRAM = str(Path(__file__).with_name("storing.py"))
KILLS = {"small": 6, "bulk": 4, "joining": 6}


@dataclass
class Writer:
    """A program that writes, and what it said is durable."""

    process: "subprocess.Popen[str]"
    said: list[tuple[int, int]] = field(default_factory=list)

    def listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.endswith("\n"):
                start, end = line.split()
                self.said.append((int(start), int(end)))


def start(directory: Path, how: str, first: int) -> tuple[Writer, threading.Thread]:
    process = subprocess.Popen(
        [sys.executable, PROGRAM, str(directory), how, str(first)],
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    writer = Writer(process)
    listening = threading.Thread(target=writer.listen)
    listening.start()
    return writer, listening


def kill(writer: Writer, listening: threading.Thread) -> None:
    """SIGKILL the program; processes of its own end by themselves."""
    writer.process.send_signal(signal.SIGKILL)
    writer.process.wait()
    listening.join(30)
    assert not listening.is_alive()
    assert writer.process.stdout is not None
    writer.process.stdout.close()


def wait_until_it_writes(writer: Writer) -> None:
    deadline = time.monotonic() + 60
    while not writer.said:
        assert writer.process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)


def numbers(store: SegmentEventReader) -> list[int]:
    """Of all events, after their bytes were compared."""
    found = []
    for one in store.stream(Search(limit=None, newest_first=False)):
        number = int(json.loads(one.raw)["eventID"].removeprefix("id-"))
        assert one.raw == raw(number)
        found.append(number)
    return found


def place_of(directory: Path) -> int:
    store = SegmentEventStore(directory, SystemClock())
    place = store.place() or 0
    store.close()
    return place


def check(directory: Path, acknowledged: set[int], *, contiguous_from: int | None = None) -> None:
    """Every acknowledged event once, and no file but those of the catalog."""
    store = SegmentEventStore(directory, SystemClock())
    found = numbers(store)
    assert len(found) == len(set(found)), "an event is there twice"
    assert acknowledged <= set(found), f"lost: {sorted(acknowledged - set(found))[:5]}"
    place = store.place()
    if contiguous_from is not None and place is not None:
        assert set(range(contiguous_from, place)) <= set(found), "the place runs ahead"
        assert max(found) < place, "events that the place does not know of"
    sweep_all(store, directory)
    names = {segment.entry.name for segment in store.segments()}
    stems = {path.stem for path in directory.glob("*-*.*")}
    assert stems | {path.stem for path in directory.glob("parquet/*")} <= names
    assert len(list(directory.glob("*.writer"))) == 1
    assert numbers(store) == found
    store.close()


def sweep_all(store: SegmentEventStore, directory: Path) -> None:
    """Builders of a killed program may still end a file: sweep until nothing comes."""
    for _ in range(20):
        store.sweep()
        time.sleep(0.1)
        if not store.sweep():
            break
    left = [path for path in directory.iterdir() if path.suffix[1:].isdigit()]
    assert not left, "half a dictionary"


@pytest.mark.parametrize("how", KILLS)
def test_what_was_acknowledged_survives_kills(tmp_path: Path, how: str) -> None:
    directory = tmp_path / "events"
    chance = random.Random(how)
    acknowledged: set[int] = set()
    first = 0
    for _ in range(KILLS[how]):
        writer, listening = start(directory, how, first)
        wait_until_it_writes(writer)
        time.sleep(chance.uniform(0.0, 0.7))
        kill(writer, listening)
        for begin, end in writer.said:
            acknowledged.update(range(begin, end))
        # It goes on where it knows to have been, as a worker does.
        first = max(acknowledged) + 1
        check(directory, acknowledged)
    assert len(acknowledged) > 100


def test_the_place_and_its_events_come_together(tmp_path: Path) -> None:
    directory = tmp_path / "events"
    chance = random.Random(5)
    acknowledged: set[int] = set()
    for _ in range(10):
        place = place_of(directory)
        writer, listening = start(directory, "small", place)
        wait_until_it_writes(writer)
        time.sleep(chance.uniform(0.0, 0.3))
        kill(writer, listening)
        for begin, end in writer.said:
            acknowledged.update(range(begin, end))
        check(directory, acknowledged, contiguous_from=0)


class Watcher:
    """Searches all the while: never fails, never sees an event twice, never misses one."""

    def __init__(self, directory: Path, writers: list[Writer]) -> None:
        self._reader = SegmentEventReader(directory)
        self._writers = writers
        self._stop = threading.Event()
        self.problems: list[str] = []
        self.looks = 0
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set() and not self.problems:
            try:
                self._look()
            except Exception as problem:  # noqa: BLE001 - told by the test
                self.problems.append(repr(problem))
            self.looks += 1

    def _look(self) -> None:
        said = [one for writer in self._writers for one in list(writer.said)]
        known = {number for begin, end in said for number in range(begin, end)}
        found = numbers(self._reader)
        if len(found) != len(set(found)):
            self.problems.append("an event was seen twice")
        if not known <= set(found):
            self.problems.append(f"not seen: {sorted(known - set(found))[:5]}")
        if known:
            one = max(known)
            where = FieldTest(("eventID",), Operator.EQUALS, f"id-{one}")
            if [event.raw for event in self._reader.search(Search(where=where))] != [raw(one)]:
                self.problems.append(f"not found: {one}")


@pytest.fixture
def writers() -> Iterator[list[tuple[Writer, threading.Thread]]]:
    made: list[tuple[Writer, threading.Thread]] = []
    yield made
    for one in made:
        kill(*one)


def test_two_writers_and_a_reader_at_once(
    tmp_path: Path, writers: list[tuple[Writer, threading.Thread]]
) -> None:
    """Both write the same events, in batches of their own; one joins; one is killed on the way."""
    directory = tmp_path / "events"
    SegmentEventStore(directory, SystemClock()).close()
    writers += [start(directory, how, 0) for how in ("joining", "bulk", "small")]
    for writer, _ in writers:
        wait_until_it_writes(writer)
    with Watcher(directory, [writer for writer, _ in writers]) as watcher:
        time.sleep(4)
        kill(*writers[1])
        time.sleep(3)
        kill(*writers[0])
        kill(*writers[2])

    assert watcher.problems == []
    assert watcher.looks > 3
    said = [one for writer, _ in writers for one in writer.said]
    check(directory, {number for begin, end in said for number in range(begin, end)})


def test_a_new_store_may_be_opened_by_many_at_once(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from opentrail.clock import SystemClock;"
        "from opentrail.adapters.events import SegmentEventStore as S;"
        "s = S(Path(sys.argv[1]), SystemClock());"
        'print(s.append([b\'{"eventID":"1"}\']).added)'
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "events")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(6)
    ]  # fmt: skip
    told = [one.communicate(timeout=60) for one in processes]

    assert [errors for _, errors in told if errors] == []
    assert sum(int(out) for out, _ in told) == 1
