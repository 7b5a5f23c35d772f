"""What the handlers of CloudWatch Logs work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from opentrail.api.outcome import Caller, Reply
from opentrail.clock import epoch_milliseconds
from opentrail.ports.events import EventReader
from opentrail.ports.journal import JournalReader
from opentrail.ports.log_events import LogEventStore
from opentrail.ports.state import StateStore

Parameters = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogsBackends:
    """What handlers read from.

    Attributes:
        events: Shows what trails deliver.
        log_events: Holds what PutLogEvents brings.
    """

    state: StateStore
    events: EventReader
    log_events: LogEventStore
    journal: JournalReader


Handler = Callable[[Parameters, Caller, LogsBackends], Reply]


def milliseconds(caller: Caller) -> int:
    """The time of the call, in milliseconds since 1970."""
    return epoch_milliseconds(caller.now)
