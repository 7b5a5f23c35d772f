"""What an exchange is given: the client, where its call goes, and how it becomes a record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from opentrail.aws.observed import ObservedCall, ObservedRequest
from opentrail.aws.sigv4 import SignatureRefused
from opentrail.clock import Clock
from opentrail.gateway.keeper import Keeper
from opentrail.gateway.policy import ModePair, SignatureCheck
from opentrail.gateway.turns import Turns
from opentrail.gateway.upstream import UpstreamPool


class Begun(Protocol):
    """A call as far as its request tells it; what is learned once is not looked for again."""

    event_id: str
    data: bool
    """Whether it is a data event, else a management event."""

    @property
    def unknown_key(self) -> str:
        """The access key that signed it, if nobody knows whose it is; else ""."""

    @property
    def refusal(self) -> SignatureRefused | None:
        """Why the call must not be forwarded."""

    def intent(self) -> bytes:
        """The record to be written if the outcome never becomes known."""

    def records(self, observed: ObservedCall) -> Sequence[bytes]:
        """The call's records, at least one; never raises."""


@dataclass(frozen=True, slots=True)
class Recording:
    """How calls become records that are kept.

    Attributes:
        begin: Reads a request, whole or not, for a record with that event id ("" for a new one);
            the third is the SHA-256 of its body in hex, "" if unknown. Never raises.
        turns: Whose call is noted next.
        upstream_seconds: Longest silence of an upstream that is accepted.
        look_up: Tries to find out whose an unknown access key is; None if that is not wanted.
    """

    begin: Callable[[ObservedRequest, str, str], Begun]
    keeper: Keeper
    clock: Clock
    turns: Turns
    upstream_seconds: float = 900.0
    look_up: Callable[[str], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """Where calls of a service go, and what is asked of them."""

    pool: UpstreamPool
    modes: ModePair
    check: SignatureCheck = SignatureCheck.OFF


class Client(Protocol):
    """The client's side of an exchange."""

    peer_address: str
    tls: tuple[str, str] | tuple[()]

    def send(self, data: bytes) -> None:
        """Write to the client."""

    def hold_body(self, *, hold: bool) -> None:
        """Read no more of the request, or go on."""

    def finished(self, *, keep_alive: bool) -> None:
        """The answer is out; the connection may take the next request or ends."""

    def abort(self) -> None:
        """End the connection so that the client sees a broken answer."""
