"""The segments of one moment, open."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path

from opentrail.adapters.events.catalog import Catalog
from opentrail.adapters.events.segments.arrays import read_ahead
from opentrail.adapters.events.segments.records import Dictionaries
from opentrail.adapters.events.segments.segment import Segment, columns_path

_TRIES = 40
_PAUSE_SECONDS = 0.025


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the store holds at a revision of its catalog.

    Attributes:
        segments: In the order they were added.
    """

    revision: int
    segments: tuple[Segment, ...]


class Snapshots:
    """Gives the newest snapshot; segments stay open from one to the next."""

    def __init__(self, directory: Path, catalog: Catalog, dictionaries: Dictionaries) -> None:
        self._directory = directory
        self._catalog = catalog
        self._dictionaries = dictionaries
        self._lock = threading.Lock()
        self._newest = Snapshot(-1, ())

    def newest(self) -> Snapshot:
        """What every change that ended before this call has made."""
        revision = self._catalog.revision()
        newest = self._newest
        if newest.revision >= revision:
            return newest
        with self._lock:
            if self._newest.revision >= revision:
                # Somebody who was here before has opened it.
                return self._newest
            for _ in range(_TRIES):
                try:
                    self._newest = self._opened()
                except FileNotFoundError:
                    # Joined with others, and removed, since the catalog was read: looked at anew.
                    time.sleep(_PAUSE_SECONDS)
                    continue
                return self._newest
            self._newest = self._opened()
            return self._newest

    def _opened(self) -> Snapshot:
        revision = self._catalog.revision()
        entries = self._catalog.segments()
        known = {one.entry.number: one for one in self._newest.segments}
        # After a restart the disk has to give them: one after the other it takes seconds.
        read_ahead(
            columns_path(self._directory, entry) for entry in entries if entry.number not in known
        )
        return Snapshot(
            revision,
            tuple(
                known.get(entry.number) or Segment(self._directory, entry, self._dictionaries)
                for entry in entries
            ),
        )
