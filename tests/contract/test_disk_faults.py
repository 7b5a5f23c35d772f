"""R02 and R03: killed, or refused by the disk, at every n-th call of the operating system.

strace really injects: the process is killed at the n-th pwrite, fdatasync, fsync, rename or open
of the journal's and the intents' files, or that call fails with EIO or ENOSPC. Afterwards every
record that was told durable is in the journal once, and every call that had an intent has a
record, of its outcome or of that it is unknown.
"""

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from opentrail.adapters.intents import FileIntents
from opentrail.adapters.journal import SegmentJournalReader, SegmentJournalWriter
from opentrail.app.writing.settling import settle_calls

pytestmark = [
    pytest.mark.contract,
    pytest.mark.timeout(420),
]

SYSCALLS = ("pwrite64", "fdatasync", "fsync", "rename", "openat", "ftruncate", "close")
NAMES = (
    "journal", "journal/spare", "journal/spare.tmp", "journal/end", "intents/progress",
    "intents/intents-0", "intents/intents-1",
    *(f"journal/{base:020d}.seg" for base in (0, 1120, 2247)),
)  # fmt: skip
"""Where the undisturbed program writes; faults come before it takes another way."""

PROGRAM = Path(__file__).with_name("appending.py")


@dataclass(frozen=True)
class Told:
    intended: set[int]
    recorded: set[int]
    done: bool


def run(directory: Path, *strace: str) -> Told:
    """Run the program, below strace if it is told what to do to the calls on `directory`."""
    directory.mkdir()
    command = [sys.executable, str(PROGRAM), str(directory)]
    if strace:
        files = [word for name in NAMES for word in ("-P", str(directory / name))]
        command = ["strace", "-f", "-qq", *files, *strace, *command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    words = [line.split() for line in done.stdout.splitlines()]
    return Told(
        {int(word[1]) for word in words if word[0] == "intended"},
        {int(word[1]) for word in words if word[0] == "recorded"},
        words[-1:] == [["done"]],
    )


def check(directory: Path, told: Told) -> None:
    writer = SegmentJournalWriter(directory / "journal", segment_bytes=1200)
    reader = SegmentJournalReader(directory / "journal")
    intents = FileIntents(directory / "intents", file_bytes=600)
    settle_calls(reader, writer, intents, None, lambda _found: b'{"gap":true}')
    found: Counter[tuple[str, int]] = Counter()
    offset = 0
    while entries := reader.read(offset, 1 << 20):
        for entry in entries:
            record = json.loads(entry.raw)
            found[next(iter(record)), entry.number] += 1
        offset = entries[-1].next_offset
    known = {number for kind, number in found if kind == "known"}
    unknown = {number for kind, number in found if kind == "unknown"}
    assert told.recorded <= known, sorted(told.recorded - known)
    assert told.intended <= known | unknown, sorted(told.intended - known - unknown)
    assert not known & unknown
    assert all(count == 1 for count in found.values()), found
    writer.close()
    intents.close()


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, int]]:
    """Every call that the undisturbed program makes: (its name, the how manieth of that name)."""
    directory = tmp_path_factory.mktemp("faults")
    trace = directory / "trace"
    told = run(directory / "plain", "-o", str(trace), "-e", f"trace={','.join(SYSCALLS)}")
    assert told.done
    assert len(told.recorded) == 24
    segments = {path.name for path in (directory / "plain" / "journal").glob("*.seg")}
    assert {f"journal/{name}" for name in segments} <= set(NAMES)
    check(directory / "plain", told)
    made = Counter(word for word in re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.MULTILINE))
    return [(name, n) for name, count in sorted(made.items()) for n in range(1, count + 1)]


@pytest.mark.parametrize("fault", ["signal=SIGKILL", "error=EIO", "error=ENOSPC"])
def test_at_every_call_of_the_system(
    tmp_path: Path, points: list[tuple[str, int]], fault: str
) -> None:
    reached = []

    def disturbed(point: tuple[str, int]) -> str:
        directory = tmp_path / f"{point[0]}-{point[1]}"
        inject = f"inject={point[0]}:{fault}:when={point[1]}"
        told = run(directory, "-o", "/dev/null", "-e", inject)
        reached.append(not told.done or len(told.intended | told.recorded) < 24)
        try:
            check(directory, told)
        except AssertionError as problem:
            return f"{point[0]} {point[1]}: {problem}"
        shutil.rmtree(directory)
        return ""

    with ThreadPoolExecutor(2) as pool:
        problems = [one for one in pool.map(disturbed, points) if one]

    # strace counts each thread's calls by itself, so a few of the points are never reached.
    assert fault != "signal=SIGKILL" or sum(reached) > 100
    assert not problems, "\n".join(problems[:10])
