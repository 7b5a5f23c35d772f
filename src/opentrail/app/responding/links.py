"""What links in topics' messages lead to: the signing certificate, a subscriber's yes and no.

Whoever follows a link signs nothing: the token of a confirmation and the ARN of a subscription are
known to the subscriber alone. The call is recorded as SNS's own, for the topic's account if one of
the two was right; else for the server's, as any call that nobody signed: no stranger writes into
the trail of an account that they choose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

import msgspec

from opentrail.api.errors import ApiError, as_api_error
from opentrail.api.outcome import Reply
from opentrail.api.sns.subscriptions import confirmed, unsubscribed
from opentrail.api.wire import Call, Protocol, write_answer, write_error
from opentrail.app.door import OwnDoor
from opentrail.app.responding.opening import Responding
from opentrail.arn import Arn
from opentrail.aws.models import service_model
from opentrail.aws.observed import ObservedCall, ObservedRequest, ObservedResponse, first_headers
from opentrail.gateway import Answer, GroupCommit
from opentrail.ports.state import Change
from opentrail.recording.compose import encode
from opentrail.targets.notification import LINK_PATH

_ACTIONS = frozenset({"ConfirmSubscription", "Unsubscribe"})
"""What a link may do."""

_MODEL = "sns"
_PEM = "application/x-pem-file"


@dataclass(frozen=True, slots=True)
class _Done:
    """An answer, and the record of it."""

    answer: Answer
    raw: bytes
    changes: tuple[Change, ...] = ()


class TopicLinks:
    """A LocalDoor."""

    def __init__(
        self,
        responding: Responding,
        door: OwnDoor,
        compose: Callable[[ObservedCall], bytes],
        commit: GroupCommit,
    ) -> None:
        self._responding = responding
        self._door = door
        self._compose = compose
        self._commit = commit
        self._certificate_path = responding.signer.certificate_path

    @property
    def targets(self) -> tuple[bytes, ...]:
        """The request targets that are answered."""
        return (LINK_PATH.encode(), self._certificate_path.encode())

    async def __call__(self, request: ObservedRequest) -> Answer:
        """The certificate; or what SNS answers, and then the record is durable."""
        if request.raw_path == self._certificate_path:
            return Answer(200, (("Content-Type", _PEM),), self._responding.signer.certificate)
        done: list[_Done] = []

        def decide() -> tuple[Sequence[Change], bytes]:
            done.append(self._done(request))
            return done[-1].changes, done[-1].raw

        await self._door.change(decide)
        if not done[-1].changes:
            await self._commit.appended(done[-1].raw)
        return done[-1].answer

    def _done(self, request: ObservedRequest) -> _Done:
        given = dict(parse_qsl(request.raw_query))
        call: Call | None = None
        request_id = self._responding.ids.request_id()
        reply = Reply({})
        try:
            call = _call(given)
            reply = self._reply(given)
        except Exception as problem:  # noqa: BLE001 - the door's outermost handler
            error = as_api_error(problem)
            status = error.status
            headers, body = write_error(Protocol.QUERY, call, error, request_id)
        else:
            status = 200
            headers, body = write_answer(call, reply.output, request_id)
        answer = Answer(status, headers, body)
        raw = self._record(request, answer, _known_subscription(given, reply))
        return _Done(answer, raw, reply.changes)

    def _reply(self, given: Mapping[str, str]) -> Reply:
        state = self._responding.state
        if given["Action"] == "Unsubscribe":
            return unsubscribed(state, given.get("SubscriptionArn", ""))
        token = given.get("Token", "")
        return confirmed(state, given.get("TopicArn", ""), token, authenticated=False)

    def _record(self, request: ObservedRequest, answer: Answer, known: Arn | None) -> bytes:
        """As of a call to SNS, in the account and region of the subscription if it was known."""
        host = f"sns.{known.region}.amazonaws.com" if known is not None else "sns.amazonaws.com"
        kept = tuple(one for one in request.headers if one[0].lower() != "host")
        headers = (("Host", host), *kept)
        as_sent = msgspec.structs.replace(
            request,
            target=f"/?{request.raw_query}",
            headers=headers,
            first_headers=first_headers(headers),
        )
        response = ObservedResponse(
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            body_length=len(answer.body),
        )
        ended = self._responding.clock.now()
        call = ObservedCall(request=as_sent, response=response, failure="", ended=ended)
        raw = self._compose(call)
        if known is None:
            return raw
        return encode(msgspec.json.decode(raw) | {"recipientAccountId": known.account})


def _known_subscription(given: Mapping[str, str], reply: Reply) -> Arn | None:
    """The subscription whose token or ARN was right, None if none was."""
    confirmed_arn = reply.output.get("SubscriptionArn")
    if confirmed_arn:
        return Arn.parse(confirmed_arn)
    return Arn.parse(given["SubscriptionArn"]) if reply.changes else None


def _call(given: Mapping[str, str]) -> Call:
    action = given.get("Action", "")
    if action not in _ACTIONS:
        raise ApiError("InvalidParameterException", "Invalid parameter: Action")
    return Call(_MODEL, service_model(_MODEL).operation_model(action), Protocol.QUERY)
