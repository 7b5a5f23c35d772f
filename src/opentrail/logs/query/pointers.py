"""@ptr: the place of a log event, as results tell it and GetLogRecord takes it."""

from __future__ import annotations

import base64
from typing import NamedTuple

from opentrail.errors import InvalidInput
from opentrail.logs.event import EventPlace, read_place
from opentrail.logs.names import GroupKey


class Pointer(NamedTuple):
    """A log event.

    Attributes:
        group: Where it was found; None: in the store, by a query of all events.
    """

    group: GroupKey | None
    place: EventPlace

    @property
    def text(self) -> str:
        """One word."""
        group = "" if self.group is None else self.group.state_key
        return base64.urlsafe_b64encode(f"{self.place.digits}{group}".encode()).decode()


def read_pointer(text: str) -> Pointer:
    """The event that a pointer tells.

    Raises:
        InvalidInput: it is none.
    """
    try:
        plain = base64.b64decode(text, altchars=b"-_", validate=True).decode()
        place = read_place(plain[:56])
        group = GroupKey(*plain[56:].split("/", 2)) if plain[56:] else None
    except (ValueError, TypeError, InvalidInput):
        raise InvalidInput(f"{text[:60]!r} points to no log event") from None
    return Pointer(group, place)
