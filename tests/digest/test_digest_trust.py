"""The one word of a verification, and what a trust file keeps."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opentrail.digest.chain_state import ChainHead, Link
from opentrail.digest.findings import EXIT_CODES, Finding, Kind, Verdict, verdict_of
from opentrail.digest.trust import Trust, TrustedKey, merged, read_trust, with_heads, write_trust
from opentrail.errors import InvalidInput

ACCOUNT = "123456789012"
END = datetime(2026, 11, 24, 9, 1, 31, tzinfo=UTC)

# Verdicts

INCOMPLETE = {Kind.CHAIN_GAP, Kind.CHAIN_SHORT, Kind.CHAIN_RESTARTED, Kind.SIGNATURE_LOST}
UNVERIFIABLE = {
    Kind.SIGNATURE_ABSENT, Kind.KEY_UNKNOWN, Kind.STORE_UNAVAILABLE, Kind.NOTHING_FOUND
}  # fmt: skip


@pytest.mark.parametrize("kind", list(Kind))
def test_a_finding_is_invalid_unless_it_is_known_to_be_less(kind: Kind) -> None:
    expected = Verdict.INVALID
    expected = Verdict.INCOMPLETE if kind in INCOMPLETE else expected
    expected = Verdict.UNVERIFIABLE if kind in UNVERIFIABLE else expected

    assert Finding(kind=kind, subject="s", detail="d").verdict is expected


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(list(Kind)), max_size=4))
def test_the_worst_finding_decides(found: list[Kind]) -> None:
    findings = tuple(Finding(kind=kind, subject="s", detail="d") for kind in found)

    verdict = verdict_of(findings)

    ranks = [Verdict.VALID, Verdict.UNVERIFIABLE, Verdict.INCOMPLETE, Verdict.INVALID]
    worst = max((ranks.index(one.verdict) for one in findings), default=0)
    assert verdict is ranks[worst]
    assert (EXIT_CODES[verdict] == 0) is (not found)


# Trust files

TIME = st.datetimes(datetime(2013, 1, 1), datetime(2099, 1, 1)).map(
    lambda when: when.replace(tzinfo=UTC)
)
WORD = st.text(max_size=10)
LINKS = st.none() | st.builds(
    Link, bucket=WORD, key=WORD, hash_value=WORD, signature=WORD, end=TIME
)
HEADS = st.builds(
    ChainHead, trail_arn=WORD, account_id=WORD, region=WORD, bucket=WORD, started=TIME,
    first_key=WORD, last=LINKS, last_backfill=LINKS, closed=st.none() | TIME,
    interval_seconds=st.floats(0, 1e6), known_starts=st.lists(WORD, max_size=2).map(tuple),
)  # fmt: skip
KEYS = st.builds(
    TrustedKey, region=WORD, fingerprint=WORD, value=st.binary(max_size=20), valid_from=TIME,
    valid_to=TIME,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(KEYS, max_size=2), st.lists(HEADS, max_size=2), st.none() | TIME)
def test_a_trust_file_of_any_content_is_read_as_it_was_written(
    keys: list[TrustedKey], heads: list[ChainHead], taken: datetime | None
) -> None:
    trust = Trust(keys=tuple(keys), heads=tuple(heads), visited=tuple(heads), taken=taken)

    assert read_trust(write_trust(trust)) == trust


@pytest.mark.parametrize("content", [b"null", b'{"format":0}', b'{"heads":[1]}', b'{"taken":"x"}'])
def test_what_is_no_trust_file_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput, match="trust file"):
        read_trust(content)


def known(trail: str, first: str, region: str = "us-east-1") -> ChainHead:
    return ChainHead(
        trail_arn=f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/{trail}", account_id=ACCOUNT,
        region=region, bucket="b", started=END, first_key=first, last=None, last_backfill=None,
        closed=None, interval_seconds=3600.0,
    )  # fmt: skip


def kept(fingerprint: str) -> TrustedKey:
    return TrustedKey(
        region="us-east-1", fingerprint=fingerprint, value=b"der", valid_from=END, valid_to=END
    )


def test_a_key_is_known_by_its_fingerprint() -> None:
    trust = Trust(keys=(kept("1"), kept("2")))

    assert trust.key("2") == kept("2")
    assert trust.key("3") is None


def test_a_chain_is_known_by_trail_account_and_region() -> None:
    trust = Trust(heads=(known("main", "1"), known("main", "2", "eu-west-1"), known("x", "3")))

    assert trust.head("main", ACCOUNT, "eu-west-1") == known("main", "2", "eu-west-1")
    assert trust.head("x", ACCOUNT, "us-east-1") == known("x", "3")
    assert trust.head("main", ACCOUNT, "us-east-2") is None
    assert trust.head("ain", ACCOUNT, "us-east-1") is None
    assert trust.head("main", "999999999999", "us-east-1") is None


def test_of_two_trusts_the_second_knows_the_chains_better_and_both_keys_count() -> None:
    first = Trust(
        keys=(kept("1"),), heads=(known("main", "old"), known("x", "3")), taken=END,
        undigested=("u",), visited=(known("v", "1"),),
    )  # fmt: skip
    second = Trust(keys=(kept("2"),), heads=(known("main", "new"),))

    both = merged(first, second)

    assert both.heads == (known("main", "new"), known("x", "3"))
    assert both.keys == (kept("1"), kept("2"))
    assert (both.taken, both.undigested, both.visited) == (END, ("u",), first.visited)


def test_new_heads_replace_those_of_the_same_chain_and_keep_the_keys() -> None:
    later = END + timedelta(hours=1)
    trust = Trust(keys=(kept("1"),), heads=(known("main", "old"),), taken=END)

    found = with_heads(trust, [known("main", "new")], later)

    assert found == msgspec.structs.replace(trust, heads=(known("main", "new"),), taken=later)
