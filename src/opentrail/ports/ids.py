"""Fresh identifiers; a port, so that tests and replays are exact."""

from __future__ import annotations

from typing import Protocol


class Ids(Protocol):
    """Makes ids that nobody has had before."""

    def event_id(self) -> str:
        """A GUID in lower case with dashes."""
        ...

    def request_id(self) -> str:
        """A GUID in lower case with dashes."""
        ...

    def unique16(self) -> str:
        """Sixteen letters and digits: the tail of a log file's name."""
        ...
