"""A head's bytes as the text that is decoded and recorded."""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

from opentrail.aws.observed import Headers, ObservedRequest
from opentrail.clock import Clock
from opentrail.gateway.head import RawHeaders, RequestHead
from opentrail.gateway.source_address import Network, source_address

FORWARDED = "x-forwarded-for"


class Peer(Protocol):
    """The other end of a connection."""

    peer_address: str
    tls: tuple[str, str] | tuple[()]
    """Version and cipher suite; () without TLS."""


def observed_head(
    head: RequestHead, peer: Peer, clock: Clock, trusted: tuple[Network, ...] = ()
) -> ObservedRequest:
    """The request as far as its head tells it, begun now; the body is still empty.

    Args:
        trusted: Proxies whose `X-Forwarded-For` is believed.
    """
    headers, first = text_headers(head.headers)
    peer_address = peer.peer_address
    if trusted and FORWARDED in first:
        told = [value for name, value in headers if name.lower() == FORWARDED]
        peer_address = source_address(peer_address, told, trusted)
    return ObservedRequest(
        method=head.method.decode("latin-1"),
        target=head.target.decode("latin-1"),
        headers=headers,
        first_headers=first,
        body=b"",
        body_length=0,
        peer_address=peer_address,
        started=clock.now(),
        tls=peer.tls,
    )


def text_headers(raw: RawHeaders) -> tuple[Headers, dict[str, str]]:
    """Headers as text, byte for byte (Latin-1), and the first value of each by lower-case name."""
    headers: list[tuple[str, str]] = []
    first: dict[str, str] = {}
    for name, value in raw:
        spelled, lower = _name(name)
        text = value.strip().decode("latin-1")
        headers.append((spelled, text))
        first.setdefault(lower, text)
    return tuple(headers), first


@lru_cache(maxsize=1024)
def _name(raw: bytes) -> tuple[str, str]:
    """A header's name as received and in lower case; clients use few."""
    text = raw.decode("latin-1")
    return text, text.lower()
