"""The delivery walk in memory, hour by hour: log files, digests, chains, outages, lateness."""

from pathlib import Path
from typing import Any

import pytest
from workers_world import ARN, HOUR, MINUTE, OTHER, START, Walk

from opentrail.digest.findings import Kind, Verdict
from opentrail.errors import Unavailable
from opentrail.ports.state import Change
from opentrail.trail.timeline import TIMELINE_KIND
from opentrail.trail.trail import TRAIL_KIND


@pytest.fixture
def walk(tmp_path: Path) -> Walk:
    made = Walk(tmp_path)
    made.call()  # before the trail: nobody takes it
    made.step()
    made.trail()
    return made


def test_records_wait_for_the_interval_and_come_into_one_file(walk: Walk) -> None:
    ids = [walk.call(), walk.call()]
    walk.step()
    assert walk.log_files() == {}

    walk.minutes(1)

    assert list(walk.log_files().values()) == [ids]


def test_accounts_and_regions_have_files_and_folders_of_their_own(walk: Walk) -> None:
    walk.trail(is_multi_region_trail=True)
    here, there = walk.call(), walk.call(awsRegion="eu-west-1")
    walk.call(recipientAccountId=OTHER)
    walk.minutes(2)

    folders = {key.split("/")[3]: ids for key, ids in walk.log_files().items()}
    assert folders == {"us-east-1": [here], "eu-west-1": [there]}


def test_records_before_start_and_behind_stop_are_not_delivered(walk: Walk) -> None:
    walk.trail(is_logging=False)
    walk.call()
    walk.trail(is_logging=True)
    taken = walk.call()
    walk.trail(is_logging=False)
    walk.call()
    walk.minutes(2)

    assert walk.ids() == [taken]


def test_a_restart_delivers_each_record_once(walk: Walk) -> None:
    ids = []
    for _ in range(5):
        ids.append(walk.call())
        walk.step()
        walk.restart()
        walk.clock.advance(MINUTE)
        walk.delivery.step()
        walk.restart()
        walk.step()
    walk.minutes(3)

    assert sorted(walk.ids()) == sorted(ids)


def test_an_unreadable_record_does_not_hold_up_the_others(walk: Walk) -> None:
    first = walk.call()
    walk.journal.append([b"not a record"])
    second = walk.call()
    walk.minutes(2)

    assert walk.ids() == [first, second]


def test_records_wait_while_the_store_is_away(walk: Walk) -> None:
    walk.store.away = True
    ids = []
    for _ in range(3):
        ids.append(walk.call())
        walk.minutes(1)
    assert walk.ids() == []
    assert walk.status().latest_delivery_error == "ServiceUnavailable"

    walk.store.away = False
    walk.minutes(5)

    assert sorted(walk.ids()) == ids
    assert walk.status().latest_delivery_error == ""
    assert walk.spool.names() == ()


def test_every_hour_has_a_digest_the_empty_ones_too(walk: Walk) -> None:
    walk.step()
    walk.call()
    walk.minutes(181)

    chain = walk.chain()
    assert [len(digest.log_files) for digest in chain] == [1, 0, 0]
    assert chain[0].previous_key is None
    assert [digest.previous_key for digest in chain[1:]] == [one.key for one in chain[:-1]]
    assert [digest.start_time for digest in chain[1:]] == [one.end_time for one in chain[:-1]]
    assert walk.verify().verdict is Verdict.VALID


def test_a_multi_region_trail_has_a_chain_in_every_region(walk: Walk) -> None:
    walk.trail(is_multi_region_trail=True)
    walk.step()
    walk.minutes(61)

    assert len(walk.chain()) == len(walk.chain(region="eu-west-1")) == 1
    assert walk.verify().verdict is Verdict.VALID


def test_a_trail_without_validation_has_no_digest(walk: Walk) -> None:
    walk.trail(log_file_validation_enabled=False)
    walk.call()
    walk.minutes(130)

    assert len(walk.ids()) == 1
    assert walk.chain() == []


def test_stopping_signs_what_is_left_and_starting_begins_anew(walk: Walk) -> None:
    walk.step()
    walk.call()
    walk.minutes(20)
    walk.trail(is_logging=False)
    walk.minutes(5)
    final = walk.chain()
    walk.minutes(180)
    assert walk.chain() == final
    assert sum(len(one.log_files) for one in final) == 1

    walk.trail(is_logging=True)
    walk.call()
    walk.minutes(62)

    chain = walk.chain()
    assert chain[-1].previous_key is None
    assert walk.verify().verdict is Verdict.VALID
    assert "not-logging" in {one.state for one in walk.verify().intervals}


def test_deleting_signs_what_is_left(walk: Walk) -> None:
    walk.step()
    walk.call()
    walk.minutes(2)
    walk.turn(None)
    walk.state.apply([Change(TRAIL_KIND, ARN, None)])
    walk.minutes(5)

    assert sum(len(one.log_files) for one in walk.chain()) == 1
    assert walk.state.list(TIMELINE_KIND) == ()
    assert walk.verify().verdict is Verdict.VALID


def test_a_file_that_comes_after_its_hours_digest_is_in_a_backfill_digest(walk: Walk) -> None:
    walk.step()
    walk.minutes(57)
    walk.call()
    walk.minutes(1)
    late = walk.call()
    walk.store.away = True
    walk.delivery.step()
    walk.clock.advance(MINUTE)
    walk.delivery.step()
    outgoing = walk.state.list("outgoing")
    assert outgoing
    walk.store.away = False
    walk.clock.advance(3 * MINUTE)
    walk.digests.step()  # the hour is signed before its last file is away
    walk.minutes(10)

    assert late in walk.ids()
    assert len(walk.chain(backfill=True)) == 1
    walk.minutes(60)
    assert walk.verify().verdict is Verdict.VALID


def test_a_long_outage_is_caught_up_in_order(walk: Walk) -> None:
    walk.step()
    walk.store.away = True
    for _ in range(4):
        walk.call()
        walk.minutes(60)
    assert walk.status().latest_digest_delivery_error == "ServiceUnavailable"

    walk.store.away = False
    walk.minutes(70)

    assert len(walk.ids()) == 4
    ends = [one.end_time for one in walk.chain()]
    assert len(ends) == 5
    assert ends == sorted(ends)
    assert walk.verify().verdict is Verdict.VALID


def test_a_new_key_signs_from_now_on(walk: Walk) -> None:
    walk.step()
    walk.minutes(61)
    walk.signer.rotate("us-east-1", walk.clock.now())
    walk.minutes(61)

    first, second = walk.chain()
    assert first.fingerprint != second.fingerprint
    assert walk.verify().verdict is Verdict.VALID


# Verification in memory (the tamperings themselves: tests/contract)


def test_nothing_is_never_valid(tmp_path: Path) -> None:
    report = Walk(tmp_path).verify()

    assert report.verdict is Verdict.UNVERIFIABLE
    assert [one.kind for one in report.findings] == [Kind.NOTHING_FOUND]


def test_a_store_that_is_away_makes_nothing_valid(walk: Walk) -> None:
    walk.step()
    walk.call()
    walk.minutes(61)

    def away(*_: object) -> Any:
        raise Unavailable("away")

    walk.store.get = away  # type: ignore[method-assign] # a fault from outside

    report = walk.verify()
    assert report.verdict in (Verdict.UNVERIFIABLE, Verdict.INVALID)
    assert Kind.STORE_UNAVAILABLE in {one.kind for one in report.findings}


def test_a_range_is_judged_by_itself(walk: Walk) -> None:
    walk.step()
    for _ in range(4):
        walk.call()
        walk.minutes(60)
    first = next(key for key in walk.log_files())
    del walk.store.buckets["audit"][first]

    assert walk.verify().verdict is Verdict.INVALID
    assert walk.verify(start=START + 2 * HOUR).verdict is Verdict.VALID


def test_another_trails_name_is_left_alone(walk: Walk) -> None:
    walk.step()
    walk.minutes(61)

    assert walk.verify(trail="main").digests == 1
    assert walk.verify(trail="other").digests == 0
