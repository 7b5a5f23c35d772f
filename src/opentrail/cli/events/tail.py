"""`opentrail events tail`: watch what is recorded.

Events come from the store by their sequence; what an import brings is among them. What the journal
holds while no server runs, nobody brings into the store: it is read from the journal, and has no
sequence yet.
"""

from __future__ import annotations

import re
import sys
import time
from dataclasses import dataclass, replace
from typing import Annotated

import msgspec
import typer

from opentrail.adapters.journal import SegmentJournalReader
from opentrail.app.searching.asking import Ask, Searching
from opentrail.app.searching.following import Following
from opentrail.app.searching.shapes import VERSION, event_object, iso_epoch, one_line
from opentrail.app.settings import Settings
from opentrail.app.telemetry.status import is_running, read_status
from opentrail.app.wiring import open_searching, store_place
from opentrail.cli.events.opening import existing_settings, interruptible, one_of, read_search
from opentrail.cli.events.table import line, width
from opentrail.cli.terminal import is_terminal, messages, safe
from opentrail.clock import parse_iso_seconds
from opentrail.errors import InvalidInput
from opentrail.ports.events import Position, Search, StoredEvent
from opentrail.ports.journal import JournalDamaged
from opentrail.predicate.expression import All, Operator, Test
from opentrail.predicate.matching import matcher
from opentrail.record import read_record

POLL_SECONDS = 0.2
CATCH_UP_SECONDS = 2.0
"""What the journal holds is in the store by then, if a server runs."""

READ_BYTES = 1024 * 1024
_NOTHING = re.compile(r"0+[smhdw]", re.ASCII)


def tail(
    filter: Annotated[  # noqa: A002 - the argument's name
        list[str] | None, typer.Argument(help="Words of the filter language, joined by blanks.")
    ] = None,
    since: Annotated[str, typer.Option(help="Begin this long ago: 30s, 10m, 2h, 1d.")] = "0s",
    name: Annotated[str | None, typer.Option(help="Only events of this name.")] = None,
    follow: Annotated[bool, typer.Option(help="Wait for more.")] = True,  # noqa: FBT002 - an option
    format: Annotated[str, typer.Option(help="table, jsonl or json (with sequences).")] = "table",  # noqa: A002 - the option's name
    resume_from: Annotated[
        int | None, typer.Option(min=0, help="Begin with this sequence: none lost, none twice.")
    ] = None,
) -> None:
    """Print events, management and data, as they are recorded; jsonl prints the exact records."""
    one_of("format", format, ("table", "jsonl", "json"))
    settings = existing_settings()
    searching = open_searching(settings)
    bounded = _NOTHING.fullmatch(since) is None
    ask = Ask(filter=" ".join(filter or ()), since=since if bounded else "", limit=None)
    search = read_search(ask, searching)
    if name is not None:
        named = Test(("eventName",), Operator.EQUALS, name)
        search = replace(search, where=All((named, search.where)))
    first = 0 if bounded or not follow else None
    watch = _Watch(settings, searching, search, _Shown(format, width()))
    with interruptible():
        watch.run(first if resume_from is None else resume_from, follow=follow)


@dataclass(frozen=True, slots=True)
class _Shown:
    """How events are printed.

    Attributes:
        columns: Of the terminal, 0 without one.
    """

    form: str
    columns: int

    def event(self, event: StoredEvent, *, numbered: bool = True) -> None:
        if self.form == "table":
            self._line(event.raw)
        elif self.form == "jsonl":
            _write(one_line(event.raw))
        else:
            members = event_object(event)
            unnumbered = {} if numbered else {"position": None, "sequence": None}
            _write(msgspec.json.encode({"version": VERSION} | members | unnumbered))

    def _line(self, raw: bytes) -> None:
        try:
            sys.stdout.write(line(read_record(raw), self.columns) + "\n")
        except InvalidInput as problem:
            sys.stderr.write(f"unreadable record: {safe(str(problem))}\n")


class _Watch:
    """Prints from the store, and from the journal what is not in the store."""

    def __init__(
        self, settings: Settings, searching: Searching, search: Search, shown: _Shown
    ) -> None:
        self._settings = settings
        self._events = searching.events
        self._search = search
        self._shown = shown
        self._journal = SegmentJournalReader(settings.data / "journal")

    def run(self, first: int | None, *, follow: bool) -> None:
        """Print from the sequence `first` on; None for what comes from now on."""
        serves = _serves(self._settings)
        if not follow and serves:
            self._catch_up()
        place, end = store_place(self._settings)
        following = Following(self._events, self._search, end if first is None else first)
        try:
            self._print(following, end)
            if follow and serves:
                self._follow(following)
            self._read_journal(place, only_new=first is None, follow=follow)
        except KeyboardInterrupt:
            self._told_how_to_resume(following.sequence)
            raise

    def _catch_up(self) -> None:
        wanted = self._journal.end() if self._has_journal() else 0
        deadline = time.monotonic() + CATCH_UP_SECONDS
        while (store_place(self._settings)[0] or 0) < wanted and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS / 4)

    def _follow(self, following: Following) -> None:
        while True:
            self._print(following, self._events.sequence_end())
            time.sleep(POLL_SECONDS)

    def _print(self, following: Following, end: int) -> None:
        while following.sequence < end:
            for event in following.read(end):
                self._shown.event(event)
            sys.stdout.flush()

    def _read_journal(self, place: int | None, *, only_new: bool, follow: bool) -> None:
        while not self._has_journal():
            if not follow:
                return
            time.sleep(POLL_SECONDS)
        offset = self._journal.end() if only_new else place
        self._print_journal(self._journal.first() if offset is None else offset, follow=follow)

    def _has_journal(self) -> bool:
        """Data that was only imported has none."""
        return (self._settings.data / "journal").is_dir()

    def _print_journal(self, offset: int, *, follow: bool) -> None:
        matches = matcher(self._search.where)
        while True:
            try:
                entries = self._journal.read(offset, READ_BYTES)
            except JournalDamaged as damage:
                sys.stderr.write(f"{damage}\n")
                offset = damage.resume_offset
                continue
            for entry in entries:
                offset = entry.next_offset
                if matches(entry.raw) and self._is_in_time(entry.raw):
                    self._shown.event(StoredEvent(Position(0, 0), entry.raw), numbered=False)
            sys.stdout.flush()
            if not entries:
                if not follow:
                    return
                time.sleep(POLL_SECONDS)

    def _is_in_time(self, raw: bytes) -> bool:
        if self._search.start is None:
            return True
        try:
            when = parse_iso_seconds(read_record(raw).head.event_time)
        except (InvalidInput, ValueError):
            return True
        return when.timestamp() >= self._search.start

    def _told_how_to_resume(self, sequence: int) -> None:
        start = self._search.start
        since = f" --since {iso_epoch(start)}" if start is not None else ""
        messages.print(f"go on with --resume-from {sequence}{since}")


def _serves(settings: Settings) -> bool:
    """Whether a server brings what is recorded into the store."""
    status = read_status(settings.data)
    return status is not None and is_running(status)


def _write(text: bytes) -> None:
    """A line; on a terminal nothing of it moves the cursor."""
    shown = safe(text.decode("utf-8", "replace")).encode() if is_terminal() else text
    sys.stdout.buffer.write(shown + b"\n")
