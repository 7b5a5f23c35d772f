"""Where the records of an in-process recorder go: a local journal, or a server.

A server is sent records in the background, in order and numbered, so that it notices what never
came. What could not be sent when the program ends, or when too much waits, is lost, and the server
says so in a record of its own as soon as it hears of this source again.
"""

from __future__ import annotations

import atexit
import http.client
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from opentrail.adapters.ids import SystemIds
from opentrail.adapters.journal import SegmentJournalWriter
from opentrail.errors import Unavailable
from opentrail.record.principal import Principal, PrincipalType

SIGNING_NAME = "opentrail"
RECORDS_PATH = "/-/records"
IDENTITY_PATH = "/-/identity"
SOURCE_HEADER = "X-OpenTrail-Source"
FIRST_HEADER = "X-OpenTrail-First"

BATCH_RECORDS = 100
BATCH_BYTES = 900_000
LONGEST_WAIT_SECONDS = 0.2
MOST_WAITING = 10_000
TIMEOUT_SECONDS = 10.0
LAST_ATTEMPTS_SECONDS = 5.0


def journal_sink(directory: Path) -> Callable[[bytes], None]:
    """A sink that appends to a journal in local files; a record is durable on return."""
    journal = SegmentJournalWriter(directory)

    def sink(raw: bytes) -> None:
        journal.append([raw])

    return sink


class ServerSink:
    """Sends records to a running OpenTrail; call it, or give it to a BotocoreRecorder.

    Attributes:
        lost: Records that found no room, since the server did not answer for long.
    """

    def __init__(self, endpoint: str, *, access_key_id: str, secret_access_key: str) -> None:
        parts = urlsplit(endpoint)
        self._secure = parts.scheme == "https"
        self._place = parts.netloc
        self._endpoint = f"{parts.scheme}://{parts.netloc}"
        self._key = Credentials(access_key_id, secret_access_key)
        self._source = SystemIds().event_id()
        self._waiting: queue.Queue[tuple[int, bytes]] = queue.Queue(MOST_WAITING)
        self._number = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._sent = threading.Thread(target=self._send, name="opentrail-sink", daemon=True)
        self._sent.start()
        self.lost = 0
        atexit.register(self.close)

    def __call__(self, raw: bytes) -> None:
        with self._lock:
            self._number += 1
            try:
                self._waiting.put_nowait((self._number, raw))
            except queue.Full:
                self.lost += 1

    def principal(self) -> Principal:
        """Whose the key is, as the server knows it.

        Raises:
            Unavailable: the server does not answer, or refuses the key.
        """
        found = msgspec.json.decode(self._request("GET", IDENTITY_PATH, b"", {}))
        return Principal(
            type=PrincipalType(found["type"]),
            account_id=found["accountId"],
            principal_id=found["principalId"],
            arn=found["arn"],
            user_name=found["userName"],
        )

    def close(self) -> None:
        """Send what waits, for a few seconds at the most."""
        atexit.unregister(self.close)
        self._stop.set()
        self._sent.join(LAST_ATTEMPTS_SECONDS)

    def _send(self) -> None:
        batch: list[tuple[int, bytes]] = []
        while not (self._stop.is_set() and self._waiting.empty() and not batch):
            batch = batch or self._batch()
            if not batch:
                continue
            try:
                self._post(batch)
                batch = []
            except (Unavailable, OSError, http.client.HTTPException):
                time.sleep(LONGEST_WAIT_SECONDS)

    def _batch(self) -> list[tuple[int, bytes]]:
        """What waits; numbers in a row, so a batch ends where one is missing."""
        try:
            found = [self._waiting.get(timeout=LONGEST_WAIT_SECONDS)]
        except queue.Empty:
            return []
        size = len(found[0][1])
        while len(found) < BATCH_RECORDS and size < BATCH_BYTES - 256 * 1024:
            if self._waiting.empty() or self._waiting.queue[0][0] != found[-1][0] + 1:
                break
            found.append(self._waiting.get())
            size += len(found[-1][1])
        return found

    def _post(self, batch: list[tuple[int, bytes]]) -> None:
        body = b"\n".join(raw for _, raw in batch)
        headers = {SOURCE_HEADER: self._source, FIRST_HEADER: str(batch[0][0])}
        self._request("POST", RECORDS_PATH, body, headers)

    def _request(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
        request = AWSRequest(method, self._endpoint + path, data=body, headers=headers)
        SigV4Auth(self._key, SIGNING_NAME, "us-east-1").add_auth(request)
        prepared = request.prepare()
        kind: Any = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._place, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, path, body=body, headers=dict(prepared.headers.items()))
            answer = connection.getresponse()
            content: bytes = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            text = content[:500].decode("utf-8", "replace")
            raise Unavailable(f"{self._endpoint}{path} answered {answer.status}: {text}")
        return content
