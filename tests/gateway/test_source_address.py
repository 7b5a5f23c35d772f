"""A header tells the source of a call only when trusted proxies stand before the gateway."""

import pytest

from opentrail.errors import InvalidInput
from opentrail.gateway.source_address import parse_networks, source_address

PROXIES = parse_networks(["10.0.0.0/8", "fd00::/8", "192.0.2.7"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "source"),
    [
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.1.1.1", [], "10.1.1.1"),
        ("10.1.1.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.1.1.1", ["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
        ("10.1.1.1", ["6.6.6.6, 198.51.100.1, 10.2.2.2"], "198.51.100.1"),
        ("10.1.1.1", ["6.6.6.6", "198.51.100.1, 192.0.2.7"], "198.51.100.1"),
        ("10.1.1.1", ["10.3.3.3, 10.2.2.2"], "10.3.3.3"),
        ("10.1.1.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.1.1.1", ["[2001:db8::1]:443"], "2001:db8::1"),
        ("fd00::1", ["2001:db8::1"], "2001:db8::1"),
        ("::ffff:10.1.1.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.1.1.1", ["198.51.100.1, unknown"], "10.1.1.1"),
        ("10.1.1.1", ["<script>"], "10.1.1.1"),
        ("10.1.1.1", [""], "10.1.1.1"),
        ("", ["198.51.100.1"], ""),
    ],
)
def test_the_source_of_a_call(peer: str, forwarded: list[str], source: str) -> None:
    assert source_address(peer, forwarded, PROXIES) == source


def test_without_trusted_proxies_the_header_is_the_callers_word() -> None:
    assert source_address("10.1.1.1", ["198.51.100.1"], ()) == "10.1.1.1"


@pytest.mark.parametrize("text", ["", "10.0.0.0/33", "host", "10.0.0.1/8"])
def test_what_is_no_network_is_told(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_networks([text])
