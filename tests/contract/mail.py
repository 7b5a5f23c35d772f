"""A mail server that keeps what it is given."""

import email
import email.message
import email.policy
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Mail:
    """One message."""

    sender: str
    recipients: list[str]
    raw: bytes

    @property
    def message(self) -> Any:
        return email.message_from_bytes(self.raw, policy=email.policy.default)

    @property
    def text(self) -> str:
        return str(self.message.get_content())


@dataclass
class MailServer:
    """What was given, and what is answered to recipients."""

    port: int = 0
    got: list[Mail] = field(default_factory=list)
    to_recipients: bytes = b"250 ok"
    greeting: bytes = b"220 here"


@contextmanager
def mail_server() -> Iterator[MailServer]:
    found = MailServer()

    class Handler(socketserver.StreamRequestHandler):
        def say(self, line: bytes) -> None:
            self.wfile.write(line + b"\r\n")

        def handle(self) -> None:
            self.say(found.greeting)
            sender, recipients = "", []
            while line := self.rfile.readline():
                word = line[:4].upper()
                if word in (b"EHLO", b"HELO"):
                    self.say(b"250 here")
                elif word == b"MAIL":
                    sender = line.decode().partition("<")[2].partition(">")[0]
                    self.say(b"250 ok")
                elif word == b"RCPT":
                    recipients.append(line.decode().partition("<")[2].partition(">")[0])
                    self.say(found.to_recipients)
                elif word == b"DATA":
                    self.say(b"354 go on")
                    lines = iter(self.rfile.readline, b".\r\n")
                    raw = b"".join(one.removeprefix(b".") for one in lines)
                    found.got.append(Mail(sender, recipients, raw))
                    self.say(b"250 taken")
                elif word == b"QUIT":
                    self.say(b"221 bye")
                    return
                else:
                    self.say(b"250 ok")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    server = Server(("127.0.0.1", 0), Handler)
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
