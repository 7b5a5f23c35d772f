"""Which addresses OpenTrail calls for others: public ones, and those of networks that are allowed.

A webhook's URL is somebody's text. A name may stand for an address inside (SSRF), so the address is
looked at after resolving, and the very address that was looked at is connected to. Source:
reliability, section 2.5; the special-purpose address registries of IANA.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from opentrail.errors import InvalidInput

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

METADATA = frozenset(
    map(
        ip_address,
        (
            "169.254.169.254",  # AWS, Azure, Google, Oracle, DigitalOcean
            "169.254.170.2",  # AWS ECS
            "169.254.170.23",  # AWS EKS
            "fd00:ec2::254",  # AWS over IPv6
            "fd00:ec2::23",  # AWS EKS over IPv6
            "fd20:ce::254",  # Google over IPv6
            "100.100.100.200",  # Alibaba
            "168.63.129.16",  # Azure's host
            "192.0.0.192",  # Oracle
        ),
    )
)
"""Where clouds give out credentials: allowed by a network of that one address alone."""

_GLOBAL_UNICAST = ip_network("2000::/3")
"""Of IPv6; nothing else of it is anybody's server."""

_SPECIAL = tuple(
    map(
        ip_network,
        (
            "192.0.0.0/24",  # of protocols: some are answered by the nearest machine
            "192.88.99.0/24",  # relays of 6to4, given back
            "2001::/23",  # of protocols
            "3ffe::/16",  # the 6bone's, given back
            "3fff::/20",  # documentation
        ),
    )
)
"""Not public, whatever the release of Python in use says (`is_global`)."""

_ISATAP = frozenset({0x00005EFE, 0x02005EFE})
"""What stands before an IPv4 address in the last half of an IPv6 one. Source: RFC 5214, 6.1."""

_NAT64 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """`10.0.0.0/8`, `192.168.1.7` and the like.

    Raises:
        InvalidInput: a text is no network.
    """
    found = []
    for text in texts:
        try:
            found.append(ip_network(text))
        except ValueError as cause:
            raise InvalidInput(
                f"network {text!r}: {cause}; expected one like 10.0.0.0/8"
            ) from cause
    return tuple(found)


def why_refused(text: str, allowed: Iterable[Network]) -> str:
    """Why an address must not be called, "" if it may be.

    Args:
        text: The address, as the resolver gives it.
        allowed: Networks that may be called besides public addresses.
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return f"{text!r} is no address"
    for one in (address, *_inside(address)):
        why = _why_refused(one, allowed)
        if why:
            return f"{text} {why}"
    return ""


def _why_refused(address: Address, allowed: Iterable[Network]) -> str:
    networks = [one for one in allowed if address in one]
    if address in METADATA:
        single = any(one.num_addresses == 1 for one in networks)
        return "" if single else "gives out a machine's credentials"
    if networks:
        return ""
    return "" if _is_public(address) else "is not a public address"


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    # Multicast is "global" to ipaddress, and reserved addresses may become anything.
    public = address.is_global and not address.is_multicast and not address.is_reserved
    return public and not any(address in network for network in _SPECIAL)


def _inside(address: Address) -> list[Address]:
    """The IPv4 addresses that an IPv6 address leads to: mapped, 6to4, Teredo, NAT64, ISATAP."""
    if isinstance(address, IPv4Address):
        return []
    found: list[Address] = []
    if address.ipv4_mapped is not None:
        found.append(address.ipv4_mapped)
    if address.sixtofour is not None:
        found.append(address.sixtofour)
    if address.teredo is not None:
        found += address.teredo
    isatap = int(address) >> 32 & 0xFFFFFFFF in _ISATAP
    if isatap or any(address in network for network in _NAT64):
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return found
