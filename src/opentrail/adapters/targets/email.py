"""E-mail by SMTP."""

from __future__ import annotations

import re
import smtplib
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from opentrail.adapters.targets.upstream import delivered, text_of
from opentrail.errors import InvalidInput, Unavailable
from opentrail.ports.targets.outbox import Delivery
from opentrail.ports.targets.target import Answer, Target
from opentrail.targets.mail import MAILTO, check_address

TIMEOUT_SECONDS = 15.0
MOST_SUBJECT = 100
_PORTS = {"smtp": 587, "smtps": 465}
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where e-mail is given to.

    Attributes:
        tls: From the first byte on (`smtps`); else it begins when the server offers it.
        user: "" for none.
        sender: The address that messages come from.
    """

    host: str
    port: int
    tls: bool
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)


def parse_mail_server(url: str, sender: str) -> MailServer | None:
    """`smtp://user:password@host:587`, `smtps://…`; None for no URL.

    Raises:
        InvalidInput: it is no such URL, or the sender is no address.
    """
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise InvalidInput("the mail server's URL begins with neither smtp:// nor smtps://")
    check_address(sender)
    return MailServer(
        host=parts.hostname,
        port=parts.port or _PORTS[parts.scheme],
        tls=parts.scheme == "smtps",
        sender=sender,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


class EmailTarget(Target):
    """See ports.targets.target."""

    event_name = "EmailSent"

    def __init__(self, server: MailServer | None, tls: ssl.SSLContext) -> None:
        self._server = server
        self._tls = tls

    def send(self, delivery: Delivery, now: datetime) -> Answer:
        if self._server is None:
            raise Unavailable(
                "no mail server is named; name one with OPENTRAIL_SMTP_URL", code="NoServer"
            )
        message = _message(delivery, self._server.sender, now)
        try:
            self._give(self._server, message)
        except smtplib.SMTPRecipientsRefused as problem:
            code, text = next(iter(problem.recipients.values()))
            raise _refusal(code, text) from problem
        except smtplib.SMTPResponseException as problem:
            raise _refusal(problem.smtp_code, problem.smtp_error) from problem
        except (smtplib.SMTPException, OSError) as problem:
            raise Unavailable(f"{self._server.host}: {problem}", code="Smtp") from problem
        return delivered("250")

    def _give(self, server: MailServer, message: EmailMessage) -> None:
        with self._connected(server) as connection:
            connection.ehlo()
            if not server.tls and connection.has_extn("starttls"):
                connection.starttls(context=self._tls)
                connection.ehlo()
            if server.user:
                connection.login(server.user, server.password)
            connection.send_message(message)

    def _connected(self, server: MailServer) -> smtplib.SMTP:
        if server.tls:
            return smtplib.SMTP_SSL(
                server.host, server.port, timeout=TIMEOUT_SECONDS, context=self._tls
            )
        return smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)


def _message(delivery: Delivery, sender: str, now: datetime) -> EmailMessage:
    recipient = delivery.target[len(MAILTO) :]
    check_address(recipient)
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(display_name="OpenTrail", addr_spec=sender)
    message["To"] = recipient
    # A subject may hold an event's text: nothing of it may begin another header.
    subject = _UNPRINTABLE.sub(" ", delivery.attribute("subject"))
    message["Subject"] = subject[:MOST_SUBJECT] or f"OpenTrail: {delivery.cause}"[:MOST_SUBJECT]
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{delivery.id}@opentrail>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text_of(delivery), cte="quoted-printable")
    return message


def _refusal(code: int, text: bytes | str) -> Exception:
    told = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    if 400 <= code < 500 or code < 0:
        return Unavailable(f"the mail server answers {code} {told[:300]}", code=str(code))
    return InvalidInput(f"the mail server refuses: {code} {told[:300]}")
