"""URLs of webhooks, their secrets and signatures, and addresses that may be called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentrail.targets.address import parse_networks, why_refused
from opentrail.targets.backoff import pause_seconds, why_given_up
from opentrail.targets.webhook import (
    InvalidUrl,
    WebhookUrl,
    parse_url,
    signature_headers,
    webhook_secret,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.example", WebhookUrl(scheme="https", host="a.example", port=443, path="/")),
        ("http://a.example:8080/x?y=z#f", WebhookUrl(scheme="http", host="a.example", port=8080, path="/x?y=z")),
        ("https://[::1]:1/", WebhookUrl(scheme="https", host="::1", port=1, path="/")),
        ("HTTPS://A.example/", WebhookUrl(scheme="https", host="a.example", port=443, path="/")),
        ("http://u:p%40@a.example/", WebhookUrl(scheme="http", host="a.example", port=80, path="/", user="u:p@")),
    ],
)  # fmt: skip
def test_urls_are_read(text: str, expected: WebhookUrl) -> None:
    assert parse_url(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "a.example", "ftp://a.example", "file:///etc/passwd", "https://", "https:///x", "http://a b/",
        "http://a\r\nHost: b/", "http://a.example:0/", "http://a.example:99999/", "http://a.example:x/",
        "http://é.example/", "http://a.example\\@b/", "http://[::1/", "http://" + "a" * 3000, "javascript:alert(1)",
        "http://a_(b).example/", "http://%31/",
    ],
)  # fmt: skip
def test_other_texts_are_no_urls(text: str) -> None:
    with pytest.raises(InvalidUrl):
        parse_url(text)


@given(st.text(max_size=200))
def test_any_text_is_a_url_or_refused(text: str) -> None:
    try:
        url = parse_url("http://" + text)
    except InvalidUrl:
        return
    assert "\r" not in url.path + url.host_header
    assert "\n" not in url.path + url.host_header


def test_what_is_shown_holds_no_secret() -> None:
    shown = parse_url("https://user:password@a.example/secret?token=secret").shown
    assert shown == "https://a.example"


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """The example of the specification's reference libraries."""
    headers = dict(
        signature_headers(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            delivery_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
            seconds=1614265330,
            body=b'{"test": 2432232314}',
        )
    )

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-id"] == headers["Idempotency-Key"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"


def test_each_webhook_has_its_own_secret() -> None:
    secrets = {
        webhook_secret(master, account, url)
        for master in (b"a", b"b")
        for account in ("1", "2")
        for url in ("https://a/", "https://b/")
    }
    assert len(secrets) == 8
    assert all(one.startswith("whsec_") for one in secrets)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "1.1.1.1"])
def test_public_addresses_may_be_called(address: str) -> None:
    assert why_refused(address, ()) == ""


@pytest.mark.parametrize(
    "address",
    [
        "fec0::1", "feff::1", "3fff::1", "3fff:fff::1", "192.88.99.1", "5f00::1", "100:0:0:1::1", "3ffe::1",
        "192.0.0.8", "192.0.0.9", "192.0.0.10", "64:ff9b::10.0.0.1", "64:ff9b:1::8.8.8.8", "2002:a00:1::1",
        "2001:0:a00:1::1", "2001:0:808:808:0:0:f5ff:fffe", "::10.0.0.1", "::ffff:0:10.0.0.1", "168.63.129.16",
        "2606:4700::5efe:10.0.0.1", "2606:4700::200:5efe:169.254.169.254", "4000::1", "2001:20::1",
    ],
)  # fmt: skip
def test_special_addresses_may_not_be_called_whatever_they_lead_to(address: str) -> None:
    assert why_refused(address, ())


@pytest.mark.parametrize(
    ("address", "networks", "allowed"),
    [
        ("10.1.2.3", ["10.0.0.0/8"], True), ("10.1.2.3", ["192.168.0.0/16"], False),
        ("169.254.169.254", ["169.254.0.0/16"], False), ("169.254.169.254", ["0.0.0.0/0"], False),
        ("169.254.169.254", ["169.254.169.254"], True), ("::1", ["::1/128"], True),
        ("::ffff:10.0.0.1", ["10.0.0.0/8"], False), ("::ffff:10.0.0.1", ["10.0.0.0/8", "::ffff:0:0/96"], True),
        ("fec0::1", ["fec0::/10"], True), ("168.63.129.16", ["168.63.0.0/16"], False),
        ("64:ff9b::8.8.8.8", ["64:ff9b::/96"], True), ("64:ff9b::10.0.0.1", ["64:ff9b::/96"], False),
        ("fe80::1%eth0", ["fe80::/10"], True), ("nonsense", ["0.0.0.0/0"], False),
    ],
)  # fmt: skip
def test_networks_of_one_s_own_may_be_allowed(
    address: str, networks: list[str], allowed: bool
) -> None:
    assert (why_refused(address, parse_networks(networks)) == "") is allowed


@given(st.integers(1, 10**6), st.text(max_size=20))
def test_pauses_grow_and_are_bounded(attempts: int, delivery_id: str) -> None:
    pause = pause_seconds(delivery_id, attempts)
    assert 0.5 <= pause <= 600


def test_pauses_of_many_are_spread() -> None:
    pauses = {round(pause_seconds(str(number), 5), 3) for number in range(100)}
    assert len(pauses) > 90


def test_attempts_and_age_end_it() -> None:
    assert not why_given_up(attempts=1, max_attempts=1, age_seconds=59, max_age_seconds=60)
    assert why_given_up(attempts=2, max_attempts=1, age_seconds=0, max_age_seconds=60)
    assert why_given_up(attempts=1, max_attempts=9, age_seconds=61, max_age_seconds=60)
