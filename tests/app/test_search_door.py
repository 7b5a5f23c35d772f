"""The door below `/-/events/`: who may search, how many at once, and tails that lose nothing."""

import asyncio
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from events_world import START, record
from opentrail.adapters.events.memory import MemoryEventStore
from opentrail.api.authorization import anyone
from opentrail.app.searching import tails
from opentrail.app.searching.asking import Searching
from opentrail.app.searching.door import MOST_OF_ACCOUNT, Admitting, SearchDoor
from opentrail.app.searching.following import Following, PieceLimits
from opentrail.app.searching.recorded import SearchRecords
from opentrail.app.searching.tails import MOST_OF_ACCOUNT as MOST_TAILS_OF_ACCOUNT
from opentrail.app.searching.tails import Tails, read_last_id
from opentrail.aws.observed import ObservedRequest
from opentrail.clock import ManualClock, SystemClock
from opentrail.errors import InvalidInput
from opentrail.gateway import Answer, Streaming
from opentrail.ports.events import Search, StoredEvent
from opentrail.record.principal import Credential, Principal, PrincipalType

SECRET = "s" * 40
KEYS = {
    key: Credential(
        access_key_id=key,
        secret_access_key=SECRET,
        principal=Principal(
            type=PrincipalType.IAM_USER, account_id=account, arn=f"arn:aws:iam::{account}:user/x",
            user_name="x",
        ),
    )
    for key, account in (("AKIAONE", "111111111111"), ("AKIATWO", "222222222222"))
}  # fmt: skip


class Identities:
    def find(self, access_key_id: str) -> Credential | None:
        return KEYS.get(access_key_id)

    def account_alias(self, _account: str) -> str:
        return ""


class Ids:
    def event_id(self) -> str:
        return "event"

    request_id = event_id


class Recorder:
    identities, ids, account, region = Identities(), Ids(), "999999999999", "us-east-1"


class Commit:
    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    async def appended(self, raw: bytes) -> tuple[int, int]:
        self.records.append(json.loads(raw))
        return 0, 0


class World:
    def __init__(self, store: MemoryEventStore) -> None:
        self.commit = Commit()
        clock: Any = SystemClock()
        stand_in: Any = self.commit
        recorder: Any = Recorder()
        identities: Any = Identities()
        self.door = SearchDoor(
            Searching(store),
            Admitting(identities=identities, authorize=anyone, clock=clock),
            records=SearchRecords(recorder),
            commit=stand_in,
        )

    async def call(self, name: str, asked: Any, key: str = "AKIAONE") -> tuple[int, Any]:
        answer = await self.door(request(name, asked, key))
        assert isinstance(answer, Answer)
        return answer.status, json.loads(answer.body)


def request(
    name: str, asked: Any, key: str = "AKIAONE", method: str = "POST", **more: str
) -> ObservedRequest:
    body = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
    target = f"/-/events/{name}"
    signed = AWSRequest(method, f"http://here{target}", data=body, headers=more)
    SigV4Auth(Credentials(key, SECRET), "opentrail", "us-east-1").add_auth(signed)
    headers = tuple(signed.prepare().headers.items())
    return ObservedRequest(
        method=method, target=target, headers=(*headers, ("Host", "here")), body=body,
        body_length=len(body), peer_address="10.0.0.9", started=datetime.now(UTC),
    )  # fmt: skip


@pytest.fixture
def store() -> MemoryEventStore:
    made = MemoryEventStore(ManualClock(datetime.fromtimestamp(START, UTC)))
    made.append([record(number) for number in range(10)])
    return made


def test_a_call_is_answered_and_recorded(store: MemoryEventStore) -> None:
    world = World(store)

    status, content = asyncio.run(
        world.call("search", {"filter": "eventName = PutObject", "limit": 4})
    )

    assert status == 200
    assert [one["record"]["requestParameters"]["key"] for one in content["events"]] == [
        "key-9",
        "key-8",
        "key-7",
        "key-6",
    ]
    (kept,) = world.commit.records
    assert (kept["eventName"], kept["requestParameters"]) == (
        "SearchEvents",
        {"filter": "eventName = PutObject", "limit": 4},
    )
    assert (kept["userIdentity"]["userName"], kept["recipientAccountId"]) == ("x", "111111111111")


def test_a_histogram_chooses_a_width_that_shows_something(store: MemoryEventStore) -> None:
    _, by_itself = asyncio.run(World(store).call("histogram", {}))
    _, within = asyncio.run(
        World(store).call(
            "histogram", {"since": "2026-07-02T13:46:00Z", "until": "2026-07-02T13:48:00Z"}
        )
    )
    _, nothing = asyncio.run(World(store).call("histogram", {"filter": "eventName = x"}))

    assert (by_itself["widthSeconds"], sum(one["events"] for one in by_itself["intervals"])) == (
        1800,
        10,
    )
    assert (within["widthSeconds"], len(within["intervals"])) == (5, 2)
    assert nothing["intervals"] == []


def test_another_account_s_key_finds_nothing(store: MemoryEventStore) -> None:
    world = World(store)

    status, content = asyncio.run(world.call("count", {}, "AKIATWO"))

    assert (status, content["total"]) == (200, {"events": 0, "exact": True})


def test_the_account_can_not_be_asked_for(store: MemoryEventStore) -> None:
    status, content = asyncio.run(
        World(store).call("count", {"accounts": ["111111111111"]}, "AKIATWO")
    )

    assert (status, content["__type"]) == (400, "ValidationException")


@pytest.mark.parametrize(
    "asked",
    [
        b"",
        b"[]",
        b"nonsense",
        b"{",
        b'{"filter": 1}',
        b'{"limit": "x"}',
        b'{"filter": "\xff"}',
        b"[" * 50_000,
        b'{"widthSeconds": -1}',
    ],
)
@pytest.mark.parametrize("name", ["search", "count", "facets", "histogram", "show", "tail"])
def test_whatever_is_sent_is_answered_and_recorded(
    store: MemoryEventStore, name: str, asked: bytes
) -> None:
    world = World(store)

    answer = asyncio.run(world.door(request(name, asked)))

    assert answer.status in {200, 400}
    assert len(world.commit.records) == 1


def test_a_wrong_signature_is_refused_and_recorded(store: MemoryEventStore) -> None:
    world = World(store)
    right = request("search", {})
    wrong = ObservedRequest(
        method="POST", target=right.target, headers=right.headers, body=b'{"limit":1}', body_length=11,
        peer_address="", started=right.started,
    )  # fmt: skip

    answer = asyncio.run(world.door(wrong))

    assert answer.status == 403
    assert world.commit.records[0]["errorCode"] == "InvalidSignatureException"


def test_an_account_s_slow_searches_keep_nobody_else_waiting(
    store: MemoryEventStore,
) -> None:
    class Slow(MemoryEventStore):
        go = threading.Event()

        def count(self, search: Search, *, at_most: int | None = None) -> Any:
            if search.accounts == {"111111111111"}:
                self.go.wait(20)
            return super().count(search, at_most=at_most)

    slow = Slow(SystemClock())

    async def calls() -> list[tuple[int, Any]]:
        world = World(slow)
        waiting = [asyncio.ensure_future(world.call("count", {})) for _ in range(MOST_OF_ACCOUNT)]
        await asyncio.sleep(0.1)
        refused = await world.call("count", {})
        other = await world.call("count", {}, "AKIATWO")
        slow.go.set()
        return [refused, other, *await asyncio.gather(*waiting)]

    statuses = [status for status, _ in asyncio.run(calls())]

    assert statuses == [429, *[200] * (MOST_OF_ACCOUNT + 1)]


class Client:
    """An Outlet that reads events, and goes after some of them."""

    def __init__(self, most: int, *, room: bool = True) -> None:
        self.most = most
        self.room = room
        self.events: list[Any] = []
        self.last_id = ""
        self.was_cut = False
        self.gone = asyncio.Event()

    def send(self, data: bytes) -> None:
        for line in data.decode().splitlines():
            if line.startswith("data: ") and len(self.events) < self.most:
                self.events.append(json.loads(line[6:]))
            if line.startswith("id: ") and len(self.events) <= self.most and not self.gone.is_set():
                self.last_id = line[4:]
        if len(self.events) >= self.most:
            self.gone.set()

    async def has_room(self, seconds: float) -> bool:
        await asyncio.sleep(0)
        return self.room and not self.gone.is_set()

    def cut(self) -> None:
        self.was_cut = True


async def in_thread(work: Callable[[], object]) -> object:
    return await asyncio.get_running_loop().run_in_executor(None, work)


@settings(deadline=None, max_examples=40)
@given(
    appends=st.lists(st.lists(st.integers(0, 500), max_size=12), min_size=1, max_size=8),
    breaks=st.lists(st.integers(1, 10), max_size=6),
    since=st.none() | st.integers(0, 500),
)
def test_a_tail_that_breaks_and_comes_back_sees_each_event_once_in_order(
    appends: list[list[int]], breaks: list[int], since: int | None
) -> None:
    store = MemoryEventStore(SystemClock())
    start = None if since is None else START + since
    expected: list[str] = []
    seen: list[str] = []

    async def watch() -> None:
        last_id = ""
        waiting = list(appends)
        for most in [*breaks, 10_000]:
            if waiting:
                append(waiting.pop(0))
            sequence, begun = read_last_id(last_id) if last_id else (0, start)
            client = Client(most)
            open_tails = Tails(store, in_thread)  # a new server
            task = asyncio.ensure_future(
                open_tails.send(client, Search(start=begun), sequence, "1")
            )
            if most == 10_000:
                for one in waiting:
                    append(one)
            left = len(expected) - len(seen)
            deadline = asyncio.get_running_loop().time() + 30
            while not client.gone.is_set() and len(client.events) < left:
                assert asyncio.get_running_loop().time() < deadline
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            seen.extend(one["record"]["requestID"] for one in client.events)
            last_id = client.last_id or last_id

    number = 0

    def append(seconds: list[int]) -> None:
        nonlocal number
        raws = []
        for second in seconds:
            number += 1
            raws.append(
                (second, number, record(second, eventID=f"id-{number}", requestID=f"r-{number}"))
            )
        store.append([raw for _, _, raw in raws])
        ordered = sorted(raws, key=lambda one: one[0])
        expected.extend(
            f"r-{one}" for second, one, _ in ordered if since is None or second >= since
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tails, "POLL_SECONDS", 0)
        patch.setattr(tails, "PIECE", PieceLimits(events=3, size_bytes=2000))
        asyncio.run(watch())

    assert seen == expected


def test_a_client_that_reads_nothing_is_cut_off(store: MemoryEventStore) -> None:
    async def watch() -> Client:
        client = Client(100, room=False)
        await Tails(store, in_thread).send(client, Search(), 0, "1")
        return client

    client = asyncio.run(watch())

    assert client.was_cut
    assert client.events == []


def test_a_quiet_tail_has_heartbeats_with_an_id_to_come_back_with(
    store: MemoryEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tails, "POLL_SECONDS", 0)
    monkeypatch.setattr(tails, "HEARTBEAT_SECONDS", 0.0)
    beats: list[bytes] = []

    class Quiet(Client):
        def send(self, data: bytes) -> None:
            beats.append(data)
            if len(beats) == 3:
                open_tails.end()

    open_tails = Tails(store, in_thread)
    asyncio.run(open_tails.send(Quiet(1), Search(), None, "1"))

    assert beats[0] == b"retry: 1000\n: opentrail\nid: 9\n\n"
    assert beats[1] == b": opentrail\nid: 9\n\n"


def test_an_account_may_have_so_many_tails_and_no_more(
    store: MemoryEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tails, "POLL_SECONDS", 0.01)

    async def open_many() -> list[int]:
        world = World(store)
        statuses = []
        tasks = []
        for key in ("AKIAONE",) * (MOST_TAILS_OF_ACCOUNT + 1) + ("AKIATWO",):
            answer = await world.door(request("tail", {}, key))
            statuses.append(answer.status)
            if isinstance(answer, Streaming):
                tasks.append(asyncio.ensure_future(answer.run(Client(1))))
                await asyncio.sleep(0)
        world.door.end_tails()
        await asyncio.gather(*tasks)
        world.door.close()
        return statuses

    statuses = asyncio.run(open_many())

    assert statuses == [200] * MOST_TAILS_OF_ACCOUNT + [429, 200]


def test_a_foreign_id_is_refused() -> None:
    assert read_last_id("7") == (8, None)
    assert read_last_id("7@-5") == (8, -5)
    with pytest.raises(InvalidInput, match="Last-Event-ID"):
        read_last_id("7;")


@given(
    st.lists(st.lists(st.integers(0, 50), max_size=20), max_size=6),
    st.integers(1, 8),
    st.integers(200, 5_000),
)
def test_following_gives_each_event_once_in_order_in_small_pieces(
    appends: list[list[int]], most: int, size: int
) -> None:
    store = MemoryEventStore(SystemClock())
    number = 0
    for seconds in appends:
        raws = []
        for second in seconds:
            number += 1
            raws.append(record(second, eventID=f"id-{number}"))
        store.append(raws)
    following = Following(store, Search(), 0, PieceLimits(most, size))
    pieces: list[tuple[StoredEvent, ...]] = []

    while following.sequence < store.sequence_end():
        pieces.append(following.read(store.sequence_end()))

    assert [one.position.sequence for piece in pieces for one in piece] == list(range(number))
    assert all(len(piece) <= most for piece in pieces)
    assert all(sum(len(one.raw) for one in piece) <= size or len(piece) == 1 for piece in pieces)
