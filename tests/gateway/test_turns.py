"""Callers are served in turn."""

import asyncio

from opentrail.gateway.turns import Turns


def test_one_who_floods_waits_behind_his_own_calls() -> None:
    async def scene() -> list[str]:
        turns, begun = Turns(at_once=4), list[str]()
        for number in range(40):
            turns.wait("flood", lambda of=number: begun.append(f"flood {of}"))
        turns.wait("polite", lambda: begun.append("polite"))
        for _ in range(30):
            await asyncio.sleep(0)
        return begun

    begun = asyncio.run(scene())

    assert len(begun) == 41
    assert begun.index("polite") <= 6
    assert [one for one in begun if one != "polite"] == [f"flood {n}" for n in range(40)]


def test_few_calls_begin_at_once_and_later_turns_take_as_many() -> None:
    async def scene() -> None:
        turns, begun = Turns(at_once=4), list[int]()
        for start in (0, 4, 8):
            for number in range(start, start + 4):
                turns.wait("a", lambda of=number: begun.append(of))
            assert begun == list(range(start + 4))
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    asyncio.run(scene())


def test_a_call_that_begins_others_does_not_starve_the_loop() -> None:
    async def scene() -> int:
        turns, count = Turns(at_once=4), 0

        def again() -> None:
            nonlocal count
            count += 1
            turns.wait("a", again)

        turns.wait("a", again)
        for _ in range(10):
            await asyncio.sleep(0)
        return count

    assert asyncio.run(scene()) <= 50
