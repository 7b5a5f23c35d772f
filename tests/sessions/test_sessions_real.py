"""Chains in records that AWS wrote (tests/sessions/real/SOURCE.md)."""

from pathlib import Path
from typing import Any

import pytest

from opentrail.adapters.sessions import MemorySessionIndex
from opentrail.ports.sessions import derived
from opentrail.sessions import decode_record

RAWS = (Path(__file__).parent / "real" / "invictus.jsonl").read_bytes().splitlines()
ATTACKER = "arn:aws:iam::123837392027:user/bert-jan"


@pytest.fixture
def index() -> MemorySessionIndex:
    made = MemorySessionIndex()
    made.observe(RAWS)
    return made


def found(index: MemorySessionIndex, place: int) -> tuple[str, str]:
    record: dict[str, Any] = decode_record(RAWS[place]) or {}
    fields = derived(index)(record)
    return fields["person"][0], fields["session"]


def test_a_role_taken_by_a_user_is_the_users(index: MemorySessionIndex) -> None:
    chain = index.chain_of("ASIATFQR7NSCWLLE7IWW")

    assert chain is not None
    assert [link.event_name for link in chain.links] == ["AssumeRole"]
    assert chain.root.key == "AKIATFQR7NSC8Q4X20BJ"
    assert chain.complete
    assert found(index, 1) == (ATTACKER, "ASIATFQR7NSCWLLE7IWW")


def test_an_instances_keys_were_asked_for_by_the_service(index: MemorySessionIndex) -> None:
    assert found(index, 5) == ("service:ec2.amazonaws.com", "ASIATFQR7NSCSHSEVYP5")


def test_calls_of_secrets_manager_belong_to_the_users_key_of_that_day(
    index: MemorySessionIndex,
) -> None:
    assert found(index, 8) == found(index, 10) == (ATTACKER, "AKIATFQR7NSC8Q4X20BJ/2023-07-10")


def test_keys_of_one_console_session_are_one_session(index: MemorySessionIndex) -> None:
    sessions = {found(index, place) for place in (11, 12, 13)}

    person = "arn:aws:iam::123837392027:user/benjamin"
    assert sessions == {(person, "AIDATFQR7NSC5U6Q3TMDR@2023-07-10T11:42:31Z")}
