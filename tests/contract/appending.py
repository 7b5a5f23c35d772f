"""Appends intents and records to small files in DIRECTORY, and prints what is durable.

Lines: `intended N`, `recorded N`, `failed N`. Meant to be killed, or to have its disk fail.
"""

import sys
from pathlib import Path

from opentrail.adapters.intents import FileIntents
from opentrail.adapters.journal import SegmentJournalWriter
from opentrail.errors import Unavailable
from opentrail.gateway.numbers import Numbers
from opentrail.ports.intents import Intent

CALLS = 24


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(directory: Path) -> None:
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


main(Path(sys.argv[1]))
