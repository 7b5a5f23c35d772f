"""Posts to servers that hang, lead elsewhere, or send without end; and to addresses inside."""

import base64
import hashlib
import hmac
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from webhooks import raw_server, receiver

from opentrail.adapters.targets.posting import AddressRefused, Poster
from opentrail.adapters.targets.webhook import WebhookTarget
from opentrail.errors import Unavailable
from opentrail.ports.targets.outbox import Delivery
from opentrail.ports.targets.target import Outcome
from opentrail.targets.address import parse_networks
from opentrail.targets.webhook import parse_url, webhook_secret

LOOPBACK = parse_networks(["127.0.0.0/8", "::1"])
POSTER = Poster(allowed=LOOPBACK, tls=ssl.create_default_context(), seconds=1.0)
SECRET = webhook_secret(b"master", "123456789012", "x")


def delivery(target: str, **values: object) -> Delivery:
    made = Delivery(
        id="d-1",
        account_id="123456789012",
        region="us-east-1",
        target=target,
        cause="arn:c",
        payload=b'{"a": 1}',
        created=1,
    )
    return replace(made, **values)  # type: ignore[arg-type]


def webhook(poster: Poster = POSTER) -> WebhookTarget:
    return WebhookTarget(poster, lambda account, target: webhook_secret(b"master", account, target))


NOW = datetime(2026, 7, 1, tzinfo=UTC)


def test_a_webhook_gets_a_signed_post() -> None:
    with receiver() as server:
        answer = webhook().send(delivery(server.url("/hook?x=1")), NOW)
        (got,) = server.wait(1)

    assert (answer.outcome, answer.status, answer.content) == (Outcome.DELIVERED, "200", b"ok")
    assert (got.path, got.body) == ("/hook?x=1", b'{"a": 1}')
    assert got.headers["content-type"] == "application/json"
    assert got.headers["webhook-id"] == got.headers["idempotency-key"] == "d-1"
    assert got.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    # Verified as the specification of Standard Webhooks tells it.
    key = base64.b64decode(webhook_secret(b"master", "123456789012", server.url("/hook?x=1"))[6:])
    signed = f"d-1.{int(NOW.timestamp())}.".encode() + got.body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert got.headers["webhook-signature"] == f"v1,{expected}"


def test_attributes_become_headers_and_the_user_a_password() -> None:
    with receiver() as server:
        url = server.url().replace("http://", "http://me:s%20ecret@")
        attributes = (
            ("header:X-Mine", "1"),
            ("header:Content-Type", "text/plain"),
            ("header:Bad\r\nX-Injected", "1"),
            ("header:X-Bad", "a\r\nX-Injected: 1"),
            ("header:Host", "elsewhere"),
            ("header:webhook-id", "forged"),
            ("role", "r"),
        )
        webhook().send(delivery(url, attributes=attributes), NOW)
        (got,) = server.wait(1)

    assert got.headers["x-mine"] == "1"
    assert got.headers["content-type"] == "text/plain"
    assert got.headers["authorization"] == "Basic " + base64.b64encode(b"me:s ecret").decode()
    assert got.headers["host"] == f"127.0.0.1:{server.port}"
    assert got.headers["webhook-id"] == "d-1"
    assert "x-injected" not in got.headers


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.DELIVERED), (204, Outcome.DELIVERED), (302, Outcome.REFUSED), (400, Outcome.REFUSED),
        (401, Outcome.FAILED), (404, Outcome.REFUSED), (409, Outcome.FAILED), (410, Outcome.REFUSED),
        (429, Outcome.FAILED), (500, Outcome.FAILED), (503, Outcome.FAILED),
    ],
)  # fmt: skip
def test_statuses_tell_whether_to_try_again(status: int, outcome: Outcome) -> None:
    with receiver() as server:
        server.answers = [status]
        assert webhook().send(delivery(server.url()), NOW).outcome is outcome


def _answer(connection: socket.socket, content: bytes) -> None:
    connection.recv(65536)
    connection.sendall(content)


def _hang(connection: socket.socket) -> None:
    connection.recv(65536)
    time.sleep(20)


def _drip(connection: socket.socket) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def _endless_head(connection: socket.socket) -> None:
    _answer(connection, b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-Header: " + b"x" * 10_000 + b"\r\n")


def _interim(connection: socket.socket) -> None:
    connection.recv(65536)
    while True:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


HOSTILE: dict[str, tuple[Callable[[socket.socket], None], str]] = {
    "hangs": (_hang, "Timeout"),
    "drips": (_drip, "Timeout"),
    "endless head": (_endless_head, "Protocol"),
    "endless interim": (_interim, "Protocol"),
    "says nothing": (lambda connection: _answer(connection, b""), "Protocol"),
    "no http": (lambda connection: _answer(connection, b"SSH-2.0-OpenSSH\r\n\r\n"), "Protocol"),
    "no status": (lambda connection: _answer(connection, b"HTTP/1.1 0x0 OK\r\n\r\n"), "Protocol"),
}


@pytest.mark.parametrize(("behave", "code"), HOSTILE.values(), ids=HOSTILE)
def test_servers_that_do_not_answer_are_left_in_time(
    behave: Callable[[socket.socket], None], code: str
) -> None:
    with raw_server(behave) as port:
        began = time.monotonic()
        with pytest.raises(Unavailable) as caught:
            POSTER.post(parse_url(f"http://127.0.0.1:{port}/"), [], b"x" * 1000)

    assert time.monotonic() - began < 3
    assert caught.value.code == code


def test_a_port_that_nobody_listens_on_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unavailable) as caught:
        POSTER.post(parse_url(f"http://127.0.0.1:{port}/"), [], b"")
    assert caught.value.code == "Network"


def test_a_server_that_reads_nothing_is_left_in_time() -> None:
    with raw_server(lambda connection: time.sleep(20)) as port:
        began = time.monotonic()
        with pytest.raises(Unavailable):
            POSTER.post(parse_url(f"http://127.0.0.1:{port}/"), [], b"x" * 50_000_000)
    assert time.monotonic() - began < 3


def test_of_gigabytes_a_kilobyte_is_read() -> None:
    def gigabytes(connection: socket.socket) -> None:
        _answer(connection, b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"g" * 1_000_000)

    with raw_server(gigabytes) as port:
        began = time.monotonic()
        posted = POSTER.post(parse_url(f"http://127.0.0.1:{port}/"), [], b"")

    assert (posted.status, posted.content) == (200, b"g" * 1024)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n", b"abcdefg"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\nabc\r\n0\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef", b"abc"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 30 + b"\r\n\r\nabc", b"abc"),
        (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\nabc", b"abc"),
    ],
)  # fmt: skip
def test_answers_are_read_as_far_as_they_matter(content: bytes, expected: bytes) -> None:
    with raw_server(lambda connection: _answer(connection, content)) as port:
        posted = POSTER.post(parse_url(f"http://127.0.0.1:{port}/"), [], b"")
    assert (posted.status, posted.content) == (200, expected)


def test_a_redirect_to_the_metadata_address_is_not_followed() -> None:
    location = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest/meta-data/\r\n\r\n"
    with raw_server(lambda connection: _answer(connection, location)) as port:
        answer = webhook().send(delivery(f"http://127.0.0.1:{port}/"), NOW)
    assert (answer.outcome, answer.status) == (Outcome.REFUSED, "302")
    assert "not followed" in answer.detail


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "0.0.0.0", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1",
        "100.100.100.200", "224.0.0.1", "255.255.255.255", "[::1]", "[::]", "[fe80::1]", "[fc00::1]",
        "[fec0::1]", "[fd00:ec2::254]", "[::ffff:127.0.0.1]", "[::ffff:169.254.169.254]", "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
    ],
)  # fmt: skip
def test_addresses_inside_are_refused(host: str) -> None:
    strict = replace(POSTER, allowed=())
    with pytest.raises(AddressRefused):
        strict.post(parse_url(f"http://{host}/"), [], b"")


@pytest.mark.parametrize("host", ["localhost", "127.1", "0x7f000001", "2130706433", "0"])
def test_no_spelling_of_an_address_inside_is_called(host: str) -> None:
    strict = replace(POSTER, allowed=())
    with pytest.raises((AddressRefused, Unavailable)) as caught:
        strict.post(parse_url(f"http://{host}/"), [], b"")
    if isinstance(caught.value, Unavailable):
        assert caught.value.code == "Dns"  # a spelling that this resolver does not know


def test_the_address_that_was_looked_at_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that stands for another address at each look (DNS rebinding)."""
    looked = []

    def resolve(host: str, port: int, **_: object) -> list[object]:
        looked.append(host)
        address = "127.0.0.1" if len(looked) == 1 else "169.254.169.254"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    with receiver() as server:
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        POSTER.post(parse_url(f"http://rebinding.example:{server.port}/"), [], b"")
        assert len(server.got) == 1
        assert looked == ["rebinding.example"]
        with pytest.raises(AddressRefused):
            POSTER.post(parse_url(f"http://rebinding.example:{server.port}/"), [], b"")


def test_one_bad_address_among_good_ones_refuses_all(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 80)) for one in ("127.0.0.1", "10.0.0.1")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(AddressRefused):
        POSTER.post(parse_url("http://two.example/"), [], b"")


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with receiver() as server:
        assert webhook().send(delivery(server.url()), NOW).outcome is Outcome.DELIVERED


def certificate(path: Path, address: str) -> Path:
    """A file with a key and its own certificate, for a server at the address."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    file = path / f"{address}.pem"
    file.write_bytes(private + made.public_bytes(pem))
    return file


@pytest.mark.parametrize(
    ("address", "known", "code"),
    [("127.0.0.1", True, ""), ("127.0.0.1", False, "Tls"), ("127.0.0.2", True, "Tls")],
)
def test_tls_needs_a_certificate_that_is_known_and_of_the_host(
    tmp_path: Path, address: str, known: bool, code: str
) -> None:
    file = certificate(tmp_path, address)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(file)

    def behave(connection: socket.socket) -> None:
        with server_side.wrap_socket(connection, server_side=True) as wrapped:
            _answer(wrapped, b"HTTP/1.1 200 OK\r\n\r\nabc")

    context = ssl.create_default_context(cafile=str(file) if known else None)
    poster = replace(POSTER, tls=context, seconds=5.0)
    with raw_server(behave) as port:
        url = parse_url(f"https://127.0.0.1:{port}/")
        if not code:
            assert poster.post(url, [], b"").content == b"abc"
            return
        with pytest.raises(Unavailable) as caught:
            poster.post(url, [], b"")
    assert caught.value.code == code


def test_a_server_that_speaks_no_tls_is_told() -> None:
    plain = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    server = raw_server(lambda connection: _answer(connection, plain))
    with server as port, pytest.raises(Unavailable) as caught:
        POSTER.post(parse_url(f"https://127.0.0.1:{port}/"), [], b"")
    assert caught.value.code == "Tls"
