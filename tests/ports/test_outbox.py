"""Every outbox keeps what its port promises."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from opentrail.adapters.outbox import MemoryOutbox, SqliteOutbox
from opentrail.ports.targets.outbox import (
    ACTS_AFTERWARDS,
    FIRST_ATTEMPTS_KEPT,
    LAST_ATTEMPTS_KEPT,
    LONGEST_CHAIN,
    Attempt,
    Delivery,
    DeliveryQuery,
    DeliveryState,
    DeliveryUnknown,
    Forgotten,
    Outbox,
    Step,
    lane_of,
)
from pace import within

MAKERS: dict[str, Callable[[Path], Outbox]] = {
    "memory": lambda _path: MemoryOutbox(),
    "sqlite": lambda path: SqliteOutbox(path / "outbox.sqlite"),
}
RULE = "arn:aws:events:us-east-1:123456789012:rule/r"


@pytest.fixture(params=MAKERS)
def outbox(request: pytest.FixtureRequest, tmp_path: Path) -> Outbox:
    return MAKERS[request.param](tmp_path)


def delivery(name: str, **values: object) -> Delivery:
    made = Delivery(
        id=name,
        account_id="123456789012",
        region="us-east-1",
        target="https://a.example/",
        cause=RULE,
        payload=b"{}",
        created=1000,
    )
    return replace(made, **values)  # type: ignore[arg-type]


def lane(target: str, account: str = "123456789012") -> str:
    return lane_of(delivery("any", target=target, account_id=account), DeliveryState.WAITING)


def ids(outbox: Outbox, now: int = 10**9, *, each: int = 10) -> list[str]:
    return [
        one.delivery.id
        for lane in outbox.due_lanes(now)
        for one in outbox.due(lane, now, limit=each)
    ]


def test_what_was_put_is_due_as_it_was_put(outbox: Outbox) -> None:
    put = delivery(
        "a",
        event_ids=("e1", "e2"),
        payload=b"\x00\xff" * 10,
        attributes=(("role", "arn:aws:iam::1:role/é"),),
        dead_letter="arn:aws:sqs:us-east-1:1:q",
    )

    assert outbox.put([put]) == 1

    (kept,) = outbox.due(lane("https://a.example/"), 1_000_000, limit=1)
    assert kept.delivery == put
    assert (kept.state, kept.attempts, kept.since, kept.due) == (
        DeliveryState.WAITING,
        0,
        1_000_000,
        1_000_000,
    )
    assert outbox.find("a") == kept
    assert outbox.find("b") is None
    assert outbox.due_lanes(999_999) == ()
    assert outbox.due(lane("https://a.example/"), 999_999, limit=1) == ()


def test_a_delivery_put_twice_is_one(outbox: Outbox) -> None:
    assert outbox.put([delivery("a"), delivery("a", payload=b"other"), delivery("b")]) == 2
    assert outbox.put([delivery("a")]) == 0

    assert ids(outbox) == ["a", "b"]
    found = outbox.find("a")
    assert found is not None
    assert found.delivery.payload == b"{}"


def test_halves_of_characters_stop_nobody(outbox: Outbox) -> None:
    half = "\ud800"
    assert (
        outbox.put(
            [
                delivery(
                    "a" + half, event_ids=(half,), attributes=((half, half),), access_key_id=half
                )
            ]
        )
        == 1
    )

    (kept,) = outbox.list(DeliveryQuery())
    assert kept.delivery.id == "a?"
    assert kept.delivery.attributes == (("?", "?"),)


def test_a_follower_goes_on_where_it_put_last(outbox: Outbox) -> None:
    assert outbox.place("rules") is None

    outbox.put([delivery("a")], follower="rules", place=17)
    outbox.put([], follower="sigma", place=3)
    outbox.put([], follower="rules", place=18)

    assert (outbox.place("rules"), outbox.place("sigma"), outbox.place("")) == (18, 3, None)


def test_no_lane_keeps_another_from_its_turn(outbox: Outbox) -> None:
    outbox.put([delivery(f"a{number:02}", created=1000 + number) for number in range(50)])
    outbox.put([delivery("b", target="https://b.example/", created=2000)])
    outbox.put([delivery("c", target="https://c.example/", created=1)])

    assert ids(outbox, 10**7, each=2) == ["c", "a00", "a01", "b"]
    assert outbox.due_lanes(10**7) == tuple(lane(f"https://{one}.example/") for one in "cab")
    assert ids(outbox, 10**7, each=3) == ["c", "a00", "a01", "a02", "b"]
    assert ids(outbox, 1_500_000, each=1) == ["c", "a00"]


def test_accounts_share_no_lane(outbox: Outbox) -> None:
    outbox.put([delivery("a"), delivery("b", account_id="999999999999")])

    lanes = outbox.due_lanes(10**9)

    assert lanes == (lane("https://a.example/"), lane("https://a.example/", "999999999999"))
    assert [[one.delivery.id for one in outbox.due(each, 10**9, limit=9)] for each in lanes] == [
        ["a"], ["b"],
    ]  # fmt: skip


def test_an_attempt_moves_it_on_and_stays_visible(outbox: Outbox) -> None:
    outbox.put([delivery("a")])
    first = Attempt(at=5, outcome="failed", status="503", detail="busy", answer=b"\xff", took=7)
    outbox.advance(
        "a", Step(state=DeliveryState.WAITING, at=10, due=70_000_000, reason="503", attempt=first)
    )

    assert ids(outbox, 69_999_999) == []
    kept = outbox.find("a")
    assert kept is not None
    assert (kept.attempts, kept.reason, kept.due, kept.changed, kept.since) == (
        1,
        "503",
        70_000_000,
        10,
        1_000_000,
    )

    second = Attempt(at=6, outcome="delivered", status="200")
    outbox.advance("a", Step(state=DeliveryState.DELIVERED, at=20, attempt=second))

    assert outbox.attempts("a") == (first, second)
    assert ids(outbox) == []
    with pytest.raises(DeliveryUnknown):
        outbox.advance("unknown", Step(state=DeliveryState.DELIVERED, at=20))


def test_attempts_in_between_are_forgotten(outbox: Outbox) -> None:
    outbox.put([delivery("a")])
    for number in range(60):
        attempt = Attempt(at=number, outcome="failed")
        outbox.advance(
            "a", Step(state=DeliveryState.WAITING, at=number, due=number, attempt=attempt)
        )

    kept = [one.at for one in outbox.attempts("a")]
    assert kept == [*range(FIRST_ATTEMPTS_KEPT), *range(60 - LAST_ATTEMPTS_KEPT, 60)]
    found = outbox.find("a")
    assert found is not None
    assert found.attempts == 60


def test_what_needs_approval_waits_for_a_person(outbox: Outbox) -> None:
    outbox.put(
        [delivery("a", needs_approval=True), delivery("b", needs_approval=True, dry_run=True)]
    )
    assert ids(outbox) == ["b"]

    held = {DeliveryState.HELD}
    kept = outbox.decide(
        "a", held, Step(state=DeliveryState.WAITING, at=5_000_000, due=5_000_000, by="alice")
    )

    assert (kept.state, kept.by, kept.since, kept.attempts) == (
        DeliveryState.WAITING,
        "alice",
        5_000_000,
        0,
    )
    assert ids(outbox) == ["b", "a"]
    with pytest.raises(DeliveryUnknown, match="waiting, not needs-approval"):
        outbox.decide("a", held, Step(state=DeliveryState.REFUSED, at=6_000_000))
    with pytest.raises(DeliveryUnknown, match="no delivery zz"):
        outbox.decide("zz", held, Step(state=DeliveryState.REFUSED, at=6_000_000))


def test_a_dead_letter_goes_the_queue_s_lane_with_attempts_of_its_own(outbox: Outbox) -> None:
    outbox.put([delivery("a", dead_letter="arn:q"), delivery("b")])
    failed = Attempt(at=1, outcome="failed")
    outbox.advance(
        "a",
        Step(
            state=DeliveryState.DEAD, at=9_000_000, due=9_000_000, reason="too old", attempt=failed
        ),
    )

    assert outbox.due_lanes(10**9) == (lane("https://a.example/"), lane("arn:q"))
    assert [one.delivery.id for one in outbox.due(lane("arn:q"), 10**9, limit=9)] == ["a"]
    kept = outbox.find("a")
    assert kept is not None
    assert (kept.attempts, kept.since) == (0, 9_000_000)


def test_a_cause_that_would_answer_itself_is_stopped(outbox: Outbox) -> None:
    outbox.put([delivery("a", event_ids=("e1",))])
    ended = Step(state=DeliveryState.DELIVERED, at=1_000_000, response_id="r1", response=b"{}")
    outbox.advance("a", ended)
    outbox.acts_with("a", "ASIAOURS")

    outbox.put(
        [
            delivery("by-record", event_ids=("e0", "r1")),
            delivery("by-key", event_ids=("e9",), access_key_id="ASIAOURS"),
            delivery("by-topic", after="a"),
            delivery("other", event_ids=("r1",), cause="arn:other"),
            delivery("unrelated", event_ids=("e9",), access_key_id="AKIAUSER"),
        ]
    )

    states = {one.delivery.id: one for one in outbox.list(DeliveryQuery())}
    for stopped in ("by-record", "by-key", "by-topic"):
        assert states[stopped].state is DeliveryState.LOOP
        assert RULE in states[stopped].reason
        assert states[stopped].due is None
    assert states["other"].state is DeliveryState.WAITING
    assert states["other"].chain == (RULE,)
    assert states["unrelated"].chain == ()


def test_a_key_acts_for_a_delivery_until_a_while_after_its_end(outbox: Outbox) -> None:
    outbox.put([delivery("a")])
    outbox.acts_with("a", "ASIAOURS")
    ended = 2_000_000_000
    outbox.put([delivery("while it runs", access_key_id="ASIAOURS", created=2_000_000)])
    outbox.advance("a", Step(state=DeliveryState.DELIVERED, at=ended))

    after = (ended + ACTS_AFTERWARDS) // 1000
    outbox.put([delivery("late", access_key_id="ASIAOURS", created=after)])
    outbox.put([delivery("stolen", access_key_id="ASIAOURS", created=after + 1)])

    states = {one.delivery.id: one.state for one in outbox.list(DeliveryQuery())}
    assert states["while it runs"] is states["late"] is DeliveryState.LOOP
    assert states["stolen"] is DeliveryState.WAITING


def test_a_chain_of_causes_ends(outbox: Outbox) -> None:
    for number in range(LONGEST_CHAIN + 1):
        before = f"d{number - 1}" if number else ""
        outbox.put([delivery(f"d{number}", cause=f"arn:{number}", after=before)])

    states = [one.state for one in reversed(outbox.list(DeliveryQuery()))]
    assert states == [DeliveryState.WAITING] * LONGEST_CHAIN + [DeliveryState.LOOP]


def test_responses_wait_until_they_are_recorded(outbox: Outbox) -> None:
    outbox.put([delivery("a"), delivery("b")])
    for name in ("a", "b"):
        step = Step(
            state=DeliveryState.DELIVERED, at=1, response_id=f"r-{name}", response=name.encode()
        )
        outbox.advance(name, step)
        outbox.advance(name, step)

    found = outbox.responses(10)
    assert [raw for _, raw in found] == [b"a", b"b"]
    assert outbox.responses(1) == found[:1]
    assert outbox.figures().unrecorded == 2

    outbox.recorded(found[0][0])
    assert outbox.responses(10) == found[1:]
    outbox.recorded(found[1][0])
    assert outbox.responses(10) == ()
    outbox.advance("a", Step(state=DeliveryState.DELIVERED, at=1, response_id="r-a", response=b"a"))
    assert outbox.responses(10) == ()


def test_deliveries_are_listed_newest_first(outbox: Outbox) -> None:
    outbox.put([delivery(f"{number}", cause=f"arn:{number % 2}") for number in range(6)])
    outbox.put([delivery("elsewhere", account_id="999999999999")])
    outbox.advance("2", Step(state=DeliveryState.GIVEN_UP, at=1))

    def listed(**values: object) -> list[str]:
        return [one.delivery.id for one in outbox.list(DeliveryQuery(**values))]  # type: ignore[arg-type]

    assert listed() == ["elsewhere", "5", "4", "3", "2", "1", "0"]
    assert listed(account_id="123456789012", limit=2) == ["5", "4"]
    assert listed(text="arn:0") == ["4", "2", "0"]
    assert listed(text="A.EXAMPLE") == []
    assert listed(states=(DeliveryState.GIVEN_UP, DeliveryState.LOOP)) == ["2"]
    fifth = outbox.find("4")
    assert fifth is not None
    assert listed(before=fifth.number, limit=3) == ["3", "2", "1"]


def test_figures_tell_how_many_wait_and_since_when(outbox: Outbox) -> None:
    assert outbox.figures().oldest is None
    outbox.put([delivery("a", created=50), delivery("b", created=40), delivery("c", created=30)])
    outbox.advance("c", Step(state=DeliveryState.DELIVERED, at=1))

    figures = outbox.figures()

    assert figures.by_state == {"waiting": 2, "delivered": 1}
    assert (figures.oldest, figures.unrecorded) == (40_000, 0)


def test_what_is_finished_is_forgotten_in_time_or_when_it_is_too_much(outbox: Outbox) -> None:
    outbox.put([delivery(f"{number}") for number in range(6)])
    for number in range(5):
        attempt = Attempt(at=1, outcome="delivered")
        outbox.advance(
            f"{number}", Step(state=DeliveryState.DELIVERED, at=100 + number, attempt=attempt)
        )
    outbox.advance(
        "1", Step(state=DeliveryState.DELIVERED, at=101, response_id="r", response=b"{}")
    )

    assert outbox.forget(102, most=100).aged == 1  # "1"'s record is not in the journal yet
    assert outbox.find("0") is None
    assert outbox.attempts("0") == ()
    outbox.recorded(outbox.responses(1)[0][0])
    assert outbox.forget(102, most=100) == Forgotten(aged=1)
    assert outbox.figures().forgotten_early == 0
    assert outbox.forget(0, most=2) == Forgotten(early={"123456789012": 1})
    assert outbox.figures().forgotten_early == 1
    assert [one.delivery.id for one in outbox.list(DeliveryQuery())] == ["5", "4", "3"]
    assert outbox.put([delivery("0")]) == 1


def test_much_of_one_account_makes_nothing_of_another_forgotten(outbox: Outbox) -> None:
    outbox.put([delivery("theirs", account_id="999999999999")])
    outbox.advance("theirs", Step(state=DeliveryState.GIVEN_UP, at=100))
    outbox.put([delivery(f"{number}") for number in range(10)])
    for number in range(10):
        outbox.advance(f"{number}", Step(state=DeliveryState.DELIVERED, at=200 + number))

    assert outbox.forget(0, most=3) == Forgotten(early={"123456789012": 7})
    assert outbox.forget(0, most=3) == Forgotten()

    kept = {one.delivery.id for one in outbox.list(DeliveryQuery())}
    assert kept == {"theirs", "7", "8", "9"}
    assert outbox.figures().forgotten_early == 7


def test_what_waits_too_long_is_told_the_oldest_first(outbox: Outbox) -> None:
    outbox.put(
        [
            delivery("b", created=1000, max_age_seconds=60),
            delivery("a", created=1000, max_age_seconds=50, target="https://b.example/"),
            delivery("young", created=1000, max_age_seconds=90),
            delivery("held", created=1000, max_age_seconds=1, needs_approval=True),
            delivery("done", created=1000, max_age_seconds=1),
            delivery("dead", created=1000, max_age_seconds=1, dead_letter="arn:q"),
        ]
    )
    outbox.advance("done", Step(state=DeliveryState.DELIVERED, at=1_000_000))
    outbox.advance("dead", Step(state=DeliveryState.DEAD, at=1_000_000, due=1_000_000))
    outbox.advance("b", Step(state=DeliveryState.WAITING, at=1_000_000, due=9_000_000))

    def old(now: int, limit: int = 10) -> list[str]:
        return [one.delivery.id for one in outbox.too_old(now, limit=limit)]

    assert old(1_050_000) == []
    assert old(1_060_001) == ["a", "b"]
    assert old(1_060_001, limit=1) == ["a"]
    approved = Step(state=DeliveryState.WAITING, at=2_000_000, due=2_000_000, by="alice")
    outbox.decide("held", {DeliveryState.HELD}, approved)
    assert "held" not in old(2_001_000)
    assert "held" in old(2_001_001)


def test_a_lane_with_much_waiting_costs_others_nothing(tmp_path: Path) -> None:
    outbox = SqliteOutbox(tmp_path / "outbox.sqlite")
    outbox.put([delivery(f"{number}", created=1 + number) for number in range(20_000)])
    outbox.put(
        [delivery(f"b{number}", target=f"https://{number}.example/") for number in range(50)]
    )

    with within(1):
        for _ in range(10):
            assert len(ids(outbox, each=2)) == 52


PUT_FOR_EVER = """
import sys
from pathlib import Path
from opentrail.adapters.outbox import SqliteOutbox
from opentrail.ports.targets.outbox import Delivery

outbox = SqliteOutbox(Path(sys.argv[1]))
for number in range((outbox.place("f") or 0), 1_000_000):
    made = [
        Delivery(id=f"{number}-{part}", account_id="1", region="", target="t", cause="c", payload=b"", created=1)
        for part in range(3)
    ]
    outbox.put(made, follower="f", place=number + 1)
    print(number + 1, flush=True)
"""


@pytest.mark.contract
def test_place_and_deliveries_go_together_whenever_it_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    SqliteOutbox(path).close()
    for lines in (5, 50, 200):
        child = subprocess.Popen(
            [sys.executable, "-c", PUT_FOR_EVER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        for _ in range(lines):
            acknowledged = int(child.stdout.readline())
        child.kill()
        child.communicate()

        place = SqliteOutbox(path).place("f")
        assert place is not None
        assert place >= acknowledged
        connection = sqlite3.connect(path)
        assert connection.execute("SELECT count(*) FROM delivery").fetchone() == (3 * place,)
        connection.close()
