"""A webhook: its URL, and the headers by which its owner knows who sent what, and when.

The headers are those of Standard Webhooks 1.0: `webhook-id` is the idempotency key,
`webhook-signature` is `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, so that its
libraries verify it. Source: the specification of Standard Webhooks, "Signature scheme".
"""

from __future__ import annotations

import base64
import hmac
import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from opentrail.errors import InvalidInput

SECRET_PREFIX = "whsec_"  # noqa: S105 - what a secret's text begins with
HEADER = "header:"
"""What names of a delivery's attributes begin with that become headers."""

_PORTS = {"http": 80, "https": 443}
MOST_URL = 2048
_URL = re.compile(r"[!-\[\]-~]+")
"""Browsers take a backslash for a slash, so that what it stands before is another host to them."""
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]{0,4096}")
_OWN_HEADERS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "expect", "upgrade", "te"}
)


class InvalidUrl(InvalidInput):
    """A text is no URL of a webhook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookUrl:
    """Where to post to.

    Attributes:
        host: A name or an address, without brackets.
        path: With the query; at least `/`.
        user: `name:password` before the host, "" if there is none.
    """

    scheme: str
    host: str
    port: int
    path: str
    user: str = field(default="", repr=False)

    @property
    def host_header(self) -> str:
        """The value of `Host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def shown(self) -> str:
        """The URL without what may be secret: chat services have their secrets in the path."""
        return f"{self.scheme}://{self.host_header}"


def is_webhook(target: str) -> bool:
    """Whether a delivery's target is the URL of a webhook."""
    return target.lower().startswith(("http://", "https://"))


def shown_target(target: str) -> str:
    """A delivery's target without what may be secret."""
    if not is_webhook(target):
        return target
    try:
        return parse_url(target).shown
    except InvalidUrl:
        return target.partition(":")[0]


def parse_url(text: str) -> WebhookUrl:
    """The URL in `text`.

    Raises:
        InvalidUrl: it is none that can be posted to; the message does not repeat it, since it may
            hold a secret.
    """
    if not _URL.fullmatch(text) or len(text) > MOST_URL:
        raise InvalidUrl(
            f"the URL is not up to {MOST_URL} printable ASCII characters without a backslash"
        )
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as cause:
        raise InvalidUrl(f"the URL can't be read: {cause}") from cause
    if parts.scheme not in _PORTS:
        raise InvalidUrl("the URL begins with neither http:// nor https://")
    host = parts.hostname or ""
    if not _HOST.fullmatch(host) or port == 0:
        raise InvalidUrl("the URL names no host that can be called")
    user, at, _ = parts.netloc.rpartition("@")
    return WebhookUrl(
        scheme=parts.scheme,
        host=host,
        port=port or _PORTS[parts.scheme],
        path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        user=unquote(user) if at else "",
    )


def webhook_secret(master: bytes, account_id: str, target: str) -> str:
    """The secret that an account and the owner of a webhook share.

    Each webhook has its own, worked out from one that never leaves the installation: whoever knows
    one can sign nothing for another.
    """
    key = hmac.digest(master, f"webhook\0{account_id}\0{target}".encode(), "sha256")
    return SECRET_PREFIX + base64.b64encode(key).decode()


def signature_headers(
    secret: str, *, delivery_id: str, seconds: int, body: bytes
) -> tuple[tuple[str, str], ...]:
    """The headers of a signed message.

    Args:
        secret: As `webhook_secret` gives it.
        seconds: Epoch seconds of this attempt.
    """
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{delivery_id}.{seconds}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return (
        ("webhook-id", delivery_id),
        ("webhook-timestamp", str(seconds)),
        ("webhook-signature", f"v1,{signature}"),
        ("Idempotency-Key", delivery_id),
    )


def attribute_headers(
    attributes: tuple[tuple[str, str], ...],
) -> tuple[tuple[str, str], ...]:
    """The headers among a delivery's attributes; those that could break out are left out."""
    found = []
    for key, value in attributes:
        name = key.removeprefix(HEADER)
        if name == key or name.lower() in _OWN_HEADERS or name.lower().startswith("webhook-"):
            continue
        if _HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value):
            found.append((name, value))
    return tuple(found)
