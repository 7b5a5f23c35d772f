"""Which door takes a call: OpenTrail's own API, or the service behind the endpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from opentrail.aws.routing import read_scope, service_id
from opentrail.errors import InvalidInput
from opentrail.gateway import (
    Client,
    Exchange,
    LocalDoor,
    LocalExchange,
    ProxyExchange,
    RequestHead,
    Upstream,
    UpstreamPool,
)
from opentrail.gateway.observing import observed_head
from opentrail.gateway.policy import FailModes, SignatureCheck
from opentrail.gateway.route import Recording, Route
from opentrail.gateway.source_address import Network
from opentrail.recorder.signatures import Signatures

OWN_PATHS = b"/-/"

ANY = "*"

KNOWN_SERVICES = 1024
"""Names remembered; a caller may invent more of them than there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What an exchange needs, whichever door it is.

    Attributes:
        answers: Whether OpenTrail's own API answers for a service, by its signing name.
        by_target: Doors of OpenTrail's own paths, below `/-/`, whatever query follows. No bucket
            can be called `-`, so no call of S3 in path style is meant by them.
    """

    own: LocalDoor
    answers: Callable[[str], bool]
    by_target: Mapping[bytes, LocalDoor]
    recording: Recording
    modes: FailModes
    checks: Signatures | None = None
    trusted: tuple[Network, ...] = ()


@dataclass(slots=True)
class Upstreams:
    """Services by signing name; `*` takes every service that is not named."""

    named: Mapping[str, Upstream]
    pools: dict[str, UpstreamPool] = field(default_factory=dict)
    routes: dict[str, Route] = field(default_factory=dict)

    def of(self, service: str) -> Upstream:
        """Where calls of `service` go.

        Raises:
            InvalidInput: neither the service nor `*` is named.
        """
        found = self.named.get(service) or self.named.get(ANY)
        if found is None:
            raise InvalidInput(
                f"no upstream for {service}; name one with --upstream {service}=URL "
                "or --upstream '*'=URL"
            )
        return found

    def url(self, service: str) -> str:
        """The URL of the upstream for `service`.

        Raises:
            InvalidInput: neither the service nor `*` is named.
        """
        return str(self.of(service))

    def texts(self) -> tuple[str, ...]:
        """What `parse_upstreams` makes these of."""
        return tuple(f"{name}={upstream}" for name, upstream in self.named.items())

    def exchange(self, doors: Doors, client: Client, head: RequestHead) -> Exchange:
        """The door for a request, chosen by its head alone."""
        request = observed_head(head, client, doors.recording.clock, doors.trusted)
        own = head.target.startswith(OWN_PATHS)
        target = head.target.partition(b"?")[0] if own else head.target
        door = doors.by_target.get(target)
        if door is not None:
            return LocalExchange(client, head, request, door)
        service = service_id(request, read_scope(request))
        if doors.answers(service):
            return LocalExchange(client, head, request, doors.own)
        return ProxyExchange(client, head, request, self._route(doors, service), doors.recording)

    def close(self) -> None:
        """Close the idle connections."""
        for pool in self.pools.values():
            pool.close()

    def _route(self, doors: Doors, service: str) -> Route:
        found = self.routes.get(service)
        if found is None:
            check = doors.checks.mode(service) if doors.checks else SignatureCheck.OFF
            found = Route(self._pool(service), doors.modes.of(service), check)
            if len(self.routes) < KNOWN_SERVICES:
                self.routes[service] = found
        return found

    def _pool(self, service: str) -> UpstreamPool:
        name = service if service in self.named else ANY
        pool = self.pools.get(name)
        if pool is None:
            pool = self.pools[name] = UpstreamPool(self.named.get(name))
        return pool


def parse_upstreams(texts: Sequence[str]) -> Upstreams:
    """`s3=http://127.0.0.1:8333` and the like.

    Raises:
        InvalidInput: no `name=`, no URL, or a name twice.
    """
    named: dict[str, Upstream] = {}
    for text in texts:
        name, equals, url = text.partition("=")
        if not equals or not name.strip():
            raise InvalidInput(f"upstream {text!r}: expected SERVICE=URL, as s3=http://host:port")
        if name in named:
            raise InvalidInput(f"upstream {name} is named twice")
        named[name.strip()] = Upstream.parse(url.strip())
    return Upstreams(named)
