"""One HTTP POST to somebody's server, that can neither lead elsewhere nor hold us up.

The name is resolved once, every address that it stands for is looked at, and the connection is made
to one of those. No redirect is followed, no proxy of the environment is used. The whole takes at
most `seconds`, however slowly the server answers, and of its answer a small part is read.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from opentrail.errors import InvalidInput, Unavailable
from opentrail.targets.address import Network, why_refused
from opentrail.targets.webhook import WebhookUrl

CONNECT_SECONDS = 5.0
MOST_HEAD_BYTES = 32 * 1024
MOST_INTERIM = 8
"""Answers of the kind 100 Continue that may come before the real one."""

_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: .*)?")
_RECEIVED_BYTES = 16 * 1024
_SENT_BYTES = 64 * 1024


class AddressRefused(InvalidInput):
    """A name stands for an address that must not be called."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What the server answered.

    Attributes:
        headers: By lower-case name; of equal ones the last.
        content: The first bytes of the body, without the marks of chunks.
    """

    status: int
    headers: dict[str, str]
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Poster:
    """Posts.

    Attributes:
        allowed: Networks that may be called besides public addresses.
        seconds: For the whole of it.
        most_bytes: Of the body that are read.
    """

    allowed: tuple[Network, ...]
    tls: ssl.SSLContext
    seconds: float = 10.0
    most_bytes: int = 1024

    def post(self, url: WebhookUrl, headers: Sequence[tuple[str, str]], body: bytes) -> Posted:
        """The server's answer.

        Raises:
            AddressRefused: its name stands for an address that must not be called.
            Unavailable: it does not answer in time, or not in HTTP.
        """
        deadline = time.monotonic() + self.seconds
        try:
            with self._connected(url, deadline) as connection:
                _send(connection, _request(url, headers, body), deadline)
                return self._answer(connection, deadline)
        except TimeoutError as cause:
            raise Unavailable(
                f"{url.shown} did not answer within {self.seconds:g} s", code="Timeout"
            ) from cause
        except ssl.SSLError as cause:
            raise Unavailable(f"{url.shown}: TLS failed: {cause}", code="Tls") from cause
        except OSError as cause:
            raise Unavailable(f"{url.shown}: {cause}", code="Network") from cause

    def _connected(self, url: WebhookUrl, deadline: float) -> socket.socket:
        problem: OSError | None = None
        for family, address in self._addresses(url):
            connection = socket.socket(family, socket.SOCK_STREAM)
            try:
                connection.settimeout(min(CONNECT_SECONDS, _left(deadline)))
                connection.connect(address)
                if url.scheme == "https":
                    connection.settimeout(_left(deadline))
                    return self.tls.wrap_socket(connection, server_hostname=url.host)
            except OSError as cause:
                connection.close()
                problem = cause
                if isinstance(cause, ssl.SSLError):
                    raise
                continue
            return connection
        raise problem or OSError("its name stands for no address")

    def _addresses(self, url: WebhookUrl) -> list[tuple[int, Any]]:
        """What the name stands for now, all of it looked at."""
        try:
            found = socket.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as cause:
            raise Unavailable(f"{url.host} can't be resolved: {cause}", code="Dns") from cause
        for _family, _type, _protocol, _name, address in found:
            why = why_refused(str(address[0]), self.allowed)
            if why:
                raise AddressRefused(
                    f"{url.host}: {why}; networks of your own are allowed with "
                    "OPENTRAIL_TARGET_NETWORKS"
                )
        return [(family, address) for family, _, _, _, address in found]

    def _answer(self, connection: socket.socket, deadline: float) -> Posted:
        received = b""
        for _ in range(MOST_INTERIM):
            head, received = _head(connection, received, deadline)
            status, headers = _read_head(head)
            if status >= 200:
                content = self._content(connection, headers, received, deadline)
                return Posted(status, headers, content)
        raise Unavailable("the server sends one interim answer after the other", code="Protocol")

    def _content(
        self, connection: socket.socket, headers: dict[str, str], received: bytes, deadline: float
    ) -> bytes:
        """The first bytes; what does not come in time is left out."""
        chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        told = headers.get("content-length", "")
        wanted = self.most_bytes
        if told.isascii() and told.isdigit() and len(told) < 19 and not chunked:
            wanted = min(wanted, int(told))
        # The marks of chunks take room, too.
        raw_wanted = wanted + 256 if chunked else wanted
        try:
            while len(received) < raw_wanted and not (chunked and received.endswith(b"0\r\n\r\n")):
                connection.settimeout(_left(deadline))
                piece = connection.recv(_RECEIVED_BYTES)
                if not piece:
                    break
                received += piece
        except OSError:
            pass  # the status is known: what was delivered is delivered
        return (_unchunked(received) if chunked else received)[:wanted]


def _request(url: WebhookUrl, headers: Sequence[tuple[str, str]], body: bytes) -> bytes:
    lines = [f"POST {url.path} HTTP/1.1", f"Host: {url.host_header}"]
    lines += [f"{name}: {value}" for name, value in headers]
    lines += [f"Content-Length: {len(body)}", "Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def _send(connection: socket.socket, content: bytes, deadline: float) -> None:
    """As `sendall`, whose time-out begins anew with each part where TLS is spoken."""
    rest = memoryview(content)
    while rest:
        connection.settimeout(_left(deadline))
        rest = rest[connection.send(rest[:_SENT_BYTES]) :]


def _head(connection: socket.socket, received: bytes, deadline: float) -> tuple[bytes, bytes]:
    """The bytes of a head without the empty line that ends it, and what came behind it."""
    while (end := received.find(b"\r\n\r\n")) < 0:
        if len(received) > MOST_HEAD_BYTES:
            raise Unavailable(
                f"the head of its answer is longer than {MOST_HEAD_BYTES} bytes", code="Protocol"
            )
        connection.settimeout(_left(deadline))
        piece = connection.recv(_RECEIVED_BYTES)
        if not piece:
            raise Unavailable("the connection ended before an answer", code="Protocol")
        received += piece
    return received[:end], received[end + 4 :]


def _read_head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.split(b"\r\n")
    found = _STATUS.fullmatch(first)
    if found is None:
        raise Unavailable(f"it answers {first[:60]!r}, which is no HTTP", code="Protocol")
    headers = {}
    for line in lines:
        name, _, value = line.partition(b":")
        headers[name.strip().lower().decode("latin-1")] = value.strip().decode("latin-1")
    return int(found[1]), headers


def _unchunked(received: bytes) -> bytes:
    """The content of the chunks that came, as far as they can be understood."""
    content = b""
    while received:
        size, found, received = received.partition(b"\r\n")
        digits = size.partition(b";")[0].strip()
        try:
            length = int(digits, 16) if len(digits) <= 8 else -1
        except ValueError:
            break
        if not found or length <= 0:
            break
        content += received[:length]
        received = received[length + 2 :]
    return content


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
