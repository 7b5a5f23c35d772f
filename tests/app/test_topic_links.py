"""The links in topics' messages: whose trail tells that somebody followed one."""

import asyncio
import json
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from opentrail.adapters.ids import CountingIds
from opentrail.adapters.state import MemoryStateStore
from opentrail.app.responding.links import TopicLinks
from opentrail.aws.observed import ObservedCall, ObservedRequest
from opentrail.clock import SystemClock
from opentrail.gateway import Answer
from opentrail.ports.state import Change
from opentrail.targets.notification import LINK_PATH
from opentrail.targets.topic import SUBSCRIPTION_KIND, TOPIC_KIND, Protocol, Subscription, Topic

OWNER, SERVER = "222222222222", "111111111111"
TOPIC = Topic(account_id=OWNER, region="eu-west-1", name="alerts")
ASKED = Subscription(
    id="asked",
    topic_arn=TOPIC.arn,
    protocol=Protocol.HTTPS,
    endpoint="https://a.example/",
    account_id=OWNER,
    confirmed=False,
    token="a-long-token",
)


class World:
    """Links over memory; what they record, with the host that was asked."""

    def __init__(self) -> None:
        self.state = MemoryStateStore()
        for kind, one in ((TOPIC_KIND, TOPIC), (SUBSCRIPTION_KIND, ASKED)):
            self.state.apply([Change(kind, one.key, msgspec.json.encode(one), expected=0)])
        self.records: list[dict[str, Any]] = []
        responding: Any = SimpleNamespace(
            state=self.state,
            ids=CountingIds(),
            clock=SystemClock(),
            signer=SimpleNamespace(certificate_path="/c.pem", certificate=b"PEM"),
        )
        door: Any = SimpleNamespace(change=self._change)
        commit: Any = SimpleNamespace(appended=self._appended)
        self._links = TopicLinks(responding, door, self._compose, commit)

    def follow(self, **parameters: str) -> Answer:
        request = ObservedRequest(
            method="GET",
            target=f"{LINK_PATH}?{urlencode(parameters)}",
            headers=(("Host", "trail.example"),),
            body=b"",
            body_length=0,
            peer_address="203.0.113.9",
            started=SystemClock().now(),
        )
        return asyncio.run(self._links(request))

    def subscription(self) -> Subscription | None:
        document = self.state.get(SUBSCRIPTION_KIND, ASKED.key)
        return None if document is None else msgspec.json.decode(document.body, type=Subscription)

    async def _change(self, decide: Callable[[], tuple[Sequence[Change], bytes]]) -> None:
        changes, raw = decide()
        if changes:
            self.state.apply(changes)
            await self._appended(raw)

    async def _appended(self, raw: bytes) -> None:
        self.records.append(json.loads(raw))

    @staticmethod
    def _compose(call: ObservedCall) -> bytes:
        host = call.request.header("host")
        return json.dumps({"recipientAccountId": SERVER, "host": host}).encode()


def test_a_yes_is_told_in_the_topic_s_account() -> None:
    world = World()

    for _ in range(2):
        answer = world.follow(
            Action="ConfirmSubscription", TopicArn=TOPIC.arn, Token="a-long-token"
        )
        assert answer.status == 200

    found = world.subscription()
    assert found is not None
    assert found.confirmed
    told = {"recipientAccountId": OWNER, "host": "sns.eu-west-1.amazonaws.com"}
    assert world.records == [told, told]


def test_a_no_is_told_in_the_topic_s_account() -> None:
    world = World()

    assert world.follow(Action="Unsubscribe", SubscriptionArn=ASKED.arn).status == 200

    assert world.subscription() is None
    assert [one["recipientAccountId"] for one in world.records] == [OWNER]


@pytest.mark.parametrize(
    "parameters",
    [
        {"Action": "ConfirmSubscription", "TopicArn": TOPIC.arn, "Token": "guessed"},
        {"Action": "ConfirmSubscription", "TopicArn": TOPIC.arn + "x", "Token": "guessed"},
        {"Action": "ConfirmSubscription", "TopicArn": TOPIC.arn},
        {"Action": "Unsubscribe", "SubscriptionArn": f"{TOPIC.arn}:guessed"},
        {"Action": "Unsubscribe", "SubscriptionArn": TOPIC.arn},
        {"Action": "DeleteTopic", "TopicArn": TOPIC.arn},
    ],
)
def test_who_knows_nothing_writes_into_nobody_s_trail(parameters: dict[str, str]) -> None:
    world = World()

    world.follow(**parameters)

    assert world.subscription() == ASKED
    assert world.records == [{"recipientAccountId": SERVER, "host": "sns.amazonaws.com"}]
