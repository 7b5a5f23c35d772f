"""Appends intents and records to small files in a directory, and says what is durable.

Meant to be killed, or to have its disk fail. Reads directories from its input, a line each; for
each a child of its own appends: forked, as to import it all anew took most of the time. The answers
are two lines: the child's process id, as soon as it waits for SIGCONT, and `ended`. What the child
says is in the file beside the directory, `….said`: lines `intended N`, `recorded N`, `failed N`,
and `done`.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import TextIO

from opentrail.adapters.intents import FileIntents
from opentrail.adapters.journal import SegmentJournalWriter
from opentrail.errors import Unavailable
from opentrail.gateway.numbers import Numbers
from opentrail.ports.intents import Intent

CALLS = 24
PR_SET_PTRACER = 0x59616D61


def append(directory: Path, said: TextIO) -> None:
    def say(text: str) -> None:
        said.write(text + "\n")
        said.flush()

    journal = SegmentJournalWriter(directory / "journal", segment_bytes=1200)
    intents = FileIntents(directory / "intents", file_bytes=600)
    numbers = Numbers(intents, journal.end())
    for _ in range(CALLS):
        number = numbers.take(noted=True)
        try:
            intents.append([Intent(number, b'{"unknown":%d}' % number)])
        except Unavailable:
            numbers.give_back(number)
            say(f"failed {number}")
            continue
        say(f"intended {number}")
        for _attempt in range(3):
            try:
                end = journal.append([b'{"known":%d,"pad":"%s"}' % (number, b"x" * 100)], [number])
            except Unavailable:
                say(f"failed {number}")
            else:
                say(f"recorded {number}")
                numbers.recorded_until(number, end[-1])
                break
    say("done")


def child(directory: Path) -> None:
    # Some kernels let only ancestors look on; strace is none of this process.
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(-1), 0, 0, 0)
    os.kill(os.getpid(), signal.SIGSTOP)
    with Path(f"{directory}.said").open("w") as said:
        append(directory, said)


def main() -> None:
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            try:
                child(Path(line.rstrip("\n")))
            finally:
                os._exit(0)
        os.waitid(os.P_PID, process, os.WSTOPPED | os.WNOWAIT)
        sys.stdout.write(f"{process}\n")
        sys.stdout.flush()
        os.waitpid(process, 0)
        sys.stdout.write("ended\n")
        sys.stdout.flush()


main()
