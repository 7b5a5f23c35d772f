"""What a handler is given and what it gives back.

A handler reads and decides; the door applies its changes together with the call's record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from opentrail.ports.destinations import Destinations
from opentrail.ports.events import EventReader
from opentrail.ports.insights.call_counts import CallCounts
from opentrail.ports.journal import JournalReader
from opentrail.ports.objects import ObjectStore
from opentrail.ports.signers import Signer
from opentrail.ports.state import Change, StateStore
from opentrail.record.principal import Credential
from opentrail.trail.quotas import Quotas


class TakesEffect(Enum):
    """Under which configuration the call's own record falls."""

    WITH = "with"
    """Already under the changed one (CreateTrail, StartLogging, …)."""
    AFTER = "after"
    """Still under the one before (StopLogging, DeleteTrail)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls, checked.

    Attributes:
        region: The region of the signature's scope.
        service: The signing name of the service that is called.
    """

    credential: Credential
    account_id: str
    region: str
    request_id: str
    now: datetime
    service: str = "cloudtrail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backends:
    """What handlers read from.

    Attributes:
        regions: The enabled regions.
        checks_bucket_policies: Whether a bucket's policy must let CloudTrail write.
        token_secret: Signs page tokens.
    """

    state: StateStore
    store: ObjectStore
    signer: Signer
    events: EventReader
    counts: CallCounts
    journal: JournalReader
    destinations: Destinations
    regions: tuple[str, ...]
    quotas: Quotas = field(default_factory=Quotas)
    checks_bucket_policies: bool = True
    token_secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """A handler's decision: the output members and what is to change.

    Attributes:
        behind: What cannot be undone and is no change of state: done when the call's record is
            durable, so nothing is lost by a call that nobody can find.
    """

    output: Mapping[str, Any]
    changes: tuple[Change, ...] = ()
    takes_effect: TakesEffect = TakesEffect.WITH
    behind: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A whole answer, with the changes that go with it; `behind` as of the Reply."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    changes: tuple[Change, ...] = ()
    takes_effect: TakesEffect = TakesEffect.WITH
    behind: Callable[[], None] | None = None
