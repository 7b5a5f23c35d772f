"""Where a call came from, when proxies that are trusted stand before the gateway.

Each proxy adds to `X-Forwarded-For` whom it was called by. Read from the right, the first address
that is not a trusted proxy's own is the source; what stands further left is the caller's word and
is never believed. Without trusted proxies the header is not looked at.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from opentrail.errors import InvalidInput

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks by CIDR or single address.

    Raises:
        InvalidInput: a text is neither.
    """
    found: list[Network] = []
    for text in texts:
        try:
            found.append(ipaddress.ip_network(text))
        except ValueError as cause:
            raise InvalidInput(
                f"trusted proxy {text!r}: {cause}; expected one like 10.0.0.0/8"
            ) from cause
    return tuple(found)


def source_address(peer: str, forwarded: Sequence[str], trusted: tuple[Network, ...]) -> str:
    """The source of a call.

    Args:
        peer: The other end of the connection.
        forwarded: The values of the `X-Forwarded-For` headers, in order.
        trusted: The networks of proxies whose word is taken.
    """
    source = peer
    entries = [part.strip() for value in forwarded for part in value.split(",")]
    while _is_trusted(source, trusted) and entries:
        address = _address(entries.pop())
        if address is None:
            # Not an address: the last one that is known is told.
            break
        source = str(address)
    return source


def _is_trusted(text: str, trusted: tuple[Network, ...]) -> bool:
    address = _address(text) if trusted else None
    return address is not None and any(address in network for network in trusted)


@lru_cache(maxsize=4096)
def _address(text: str) -> Address | None:
    """An address, with or without a port or brackets; None if it is none."""
    bare = text.strip('"')
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ipaddress.ip_address(bare)
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return mapped or found
