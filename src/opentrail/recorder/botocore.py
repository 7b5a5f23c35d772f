"""Records of the calls of a botocore session, composed as the gateway composes them.

botocore tells of each request before it is sent and of each answer; both are told in the calling
thread, one after the other, whether the answer came over the network or from moto's mock. Each
attempt of a retried call is a record of its own, as it is at AWS.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import botocore.session
import msgspec
from botocore import handlers
from botocore.awsrequest import AWSPreparedRequest

from opentrail.adapters.identities import MemoryIdentities
from opentrail.adapters.ids import SystemIds
from opentrail.aws.observed import ObservedCall, ObservedRequest, ObservedResponse
from opentrail.clock import Clock, SystemClock
from opentrail.record.principal import Principal
from opentrail.recorder.recorder import Recorder

Sink = Callable[[bytes], None]
"""Takes the bytes of one record."""

LOCAL_ADDRESS = "127.0.0.1"
DEFAULT_ACCOUNT = "123456789012"


class BotocoreRecorder:
    """Hooks botocore; gives the record of each call to a sink.

    Args of the constructor:
        sink: Called in the thread of the call, before the caller has its answer.
        principal: Who calls with keys that no answer made known; None records the key alone.
        account_id: The account that the records are delivered to.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        principal: Principal | None = None,
        account_id: str = DEFAULT_ACCOUNT,
        clock: Clock | None = None,
    ) -> None:
        self._sink = sink
        self._clock = clock or SystemClock()
        self._recorder = Recorder(
            MemoryIdentities(principal),
            SystemIds(),
            default_account=account_id,
            default_region="us-east-1",
        )
        self._current = threading.local()

    def attach(self, session: botocore.session.Session) -> None:
        """Record the clients that `session` makes from now on."""
        session.register("before-send", self._sent, unique_id=f"opentrail-sent-{id(self)}")
        session.register(
            "response-received", self._received, unique_id=f"opentrail-received-{id(self)}"
        )

    def attach_everywhere(self) -> None:
        """Record the clients of every session made from now on, until `detach_everywhere`."""
        handlers.BUILTIN_HANDLERS.append(("before-send", self._sent))
        handlers.BUILTIN_HANDLERS.append(("response-received", self._received))

    def detach_everywhere(self) -> None:
        """Sessions made from now on are not recorded."""
        for entry in (("before-send", self._sent), ("response-received", self._received)):
            if entry in handlers.BUILTIN_HANDLERS:
                handlers.BUILTIN_HANDLERS.remove(entry)

    def _sent(self, request: AWSPreparedRequest, **_: Any) -> None:
        self._current.request = observed_request(request, self._clock.now())

    def _received(
        self, response_dict: Mapping[str, Any] | None, exception: Exception | None, **_: Any
    ) -> None:
        request = getattr(self._current, "request", None)
        if request is None:
            return
        self._current.request = None
        observed = ObservedCall(
            request=request,
            response=_observed_answer(request, response_dict),
            failure="" if exception is None else f"{type(exception).__name__}: {exception}",
            ended=self._clock.now(),
        )
        for raw in self._recorder.begin(request, "", "").records(observed):
            self._sink(raw)


def observed_request(request: AWSPreparedRequest, when: datetime) -> ObservedRequest:
    """A request as botocore is about to send it; a body that streams is told by its length."""
    body = request.body or b""
    kept = body.encode() if isinstance(body, str) else body
    kept = bytes(kept) if isinstance(kept, bytes | bytearray) else b""
    _scheme, _, rest = str(request.url).partition("://")
    host, slash, target = rest.partition("/")
    headers = tuple((str(name), _text(value)) for name, value in request.headers.items())
    if not any(name.lower() == "host" for name, _ in headers):
        headers = (("Host", host), *headers)
    told = next((text for name, text in headers if name.lower() == "content-length"), "")
    return ObservedRequest(
        method=str(request.method),
        target=slash + target or "/",
        headers=headers,
        body=kept,
        body_length=int(told) if told.isdecimal() and not kept else len(kept),
        peer_address=LOCAL_ADDRESS,
        started=when,
    )


def observed_response(answer: Mapping[str, Any]) -> ObservedResponse:
    """An answer as botocore parsed it; a body that streams is told by its length."""
    body = answer["body"] if isinstance(answer["body"], bytes) else b""
    headers = tuple((str(name), _text(value)) for name, value in answer["headers"].items())
    told = next((text for name, text in headers if name.lower() == "content-length"), "")
    return ObservedResponse(
        status=int(answer["status_code"]),
        headers=headers,
        body=body,
        body_length=int(told) if told.isdecimal() and not body else len(body),
    )


def _observed_answer(
    request: ObservedRequest, answer: Mapping[str, Any] | None
) -> ObservedResponse | None:
    if answer is None:
        return None
    found = observed_response(answer)
    # What a HEAD answer says of its length is that of a body which does not come.
    return msgspec.structs.replace(found, body_length=0) if request.method == "HEAD" else found


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
