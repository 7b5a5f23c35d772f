"""What shows in a row of digests, against what is known of it, and in the report's spans."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opentrail.clock import iso_seconds
from opentrail.digest.chain import ReadDigest, check_against_head, check_row
from opentrail.digest.chain_state import Chain, ChainHead, Link, PlannedDigest, chain_key
from opentrail.digest.document import HASH_ALGORITHM, Digest, ListedLogFile, write_digest
from opentrail.digest.findings import Finding, Kind
from opentrail.digest.name import DigestName, digest_key
from opentrail.digest.report import ChainName, Report, chain_title, head_of, intervals_of
from opentrail.digest.trust import Trust

ACCOUNT = "123456789012"
START = datetime(2026, 11, 24, tzinfo=UTC)
HOUR = timedelta(hours=1)
MAIN: ChainName = ("", "main", ACCOUNT, "us-east-1")


def read(
    end: float, previous: ReadDigest | None = None, *, start: float | None = None, **values: Any
) -> ReadDigest:
    """The digest that ends `end` hours after the start; an hour long unless told."""
    name = DigestName(
        prefix="", organization="", account_id=ACCOUNT, region="us-east-1",
        trail=values.pop("trail", "main"), home_region="us-east-1", end=START + end * HOUR,
        backfill=values.pop("backfill", False),
    )  # fmt: skip
    signature = values.pop("signature", f"{int(end * 100):08x}")
    usual: dict[str, Any] = {
        "account_id": ACCOUNT,
        "start_time": iso_seconds(START + (end - 1 if start is None else start) * HOUR),
        "end_time": iso_seconds(name.end), "bucket": "b", "key": digest_key(name),
        "fingerprint": "f", "signature_algorithm": "SHA256withRSA", "newest_event_time": None,
        "oldest_event_time": None, "log_files": (),
        "previous_bucket": previous and previous.bucket, "previous_key": previous and previous.key,
        "previous_hash": previous and previous.hash_value,
        "previous_hash_algorithm": previous and HASH_ALGORITHM,
        "previous_signature": previous and previous.signature,
    }  # fmt: skip
    digest = Digest(**(usual | values))
    return ReadDigest(
        name=name, bucket="b", key=digest.key, digest=digest, plain=write_digest(digest),
        signature=signature, generated=None,
    )  # fmt: skip


def row(count: int, first: int = 1, **values: Any) -> list[ReadDigest]:
    reads: list[ReadDigest] = []
    for end in range(first, first + count):
        reads.append(read(end, reads[-1] if reads else None, **values))
    return reads


def kinds(findings: Any) -> list[tuple[Kind, str]]:
    return [(finding.kind, finding.subject) for finding in findings]


# In a row


@pytest.mark.parametrize("count", [0, 1, 2, 24])
def test_nothing_is_found_in_a_whole_row(count: int) -> None:
    assert kinds(check_row(row(count))) == []


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 8), st.data())
def test_a_deleted_digest_is_missed_by_the_one_that_continues_it(count: int, data: Any) -> None:
    reads = row(count)
    gone = data.draw(st.integers(0, count - 2))

    found = list(check_row(reads[:gone] + reads[gone + 1 :]))

    assert kinds(found) == [(Kind.DIGEST_MISSING, reads[gone + 1].key)]
    assert reads[gone].key in found[0].detail


def test_a_row_that_lost_its_end_looks_whole_by_itself() -> None:
    assert kinds(check_row(row(5)[:3])) == []


def test_a_digest_changed_later_is_not_the_one_that_was_continued() -> None:
    first, second, third = row(3)
    file = ListedLogFile(
        bucket="b", key="k", hash_value="0", newest_event_time=None, oldest_event_time=None
    )
    changed = read(2, first, log_files=(file,))

    assert kinds(check_row([first, changed, third])) == [(Kind.CHAIN_BROKEN, third.key)]
    assert changed.signature == second.signature


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"previous_hash": "0" * 64}, [Kind.CHAIN_BROKEN]),
        ({"previous_hash": None}, [Kind.CHAIN_BROKEN]),
        ({"previous_bucket": "other"}, [Kind.CHAIN_BROKEN]),
        ({"previous_bucket": None}, [Kind.CHAIN_BROKEN]),
        ({"previous_signature": "00"}, [Kind.CHAIN_BROKEN]),
        ({"previous_signature": None}, [Kind.CHAIN_BROKEN]),
        ({"previous_key": "elsewhere"}, [Kind.DIGEST_MISSING]),
        ({"start": 1.5}, [Kind.CHAIN_GAP]),
        ({"start": 0.5}, [Kind.CHAIN_OVERLAPS]),
        ({"start": 0.5, "previous_hash": "0"}, [Kind.CHAIN_BROKEN, Kind.CHAIN_OVERLAPS]),
        ({}, []),
    ],
)
def test_each_link_to_the_digest_before_is_checked(
    values: dict[str, Any], expected: list[Kind]
) -> None:
    first = read(1)
    second = read(2, first, **values)

    assert kinds(check_row([first, second])) == [(kind, second.key) for kind in expected]


def test_a_digest_without_a_signature_is_linked_by_its_hash_alone() -> None:
    first, second = row(2)
    bare = read(1, signature="")

    assert bare.hash_value == first.hash_value
    assert kinds(check_row([bare, second])) == []


def test_two_digests_that_continue_the_same_one_are_a_fork() -> None:
    first, second = row(2)
    other = read(3, first, start=1)

    found = check_row([first, second, other])

    assert kinds(found) == [(Kind.CHAIN_FORKED, other.key), (Kind.DIGEST_EXTRA, second.key)]


def test_a_digest_that_is_skipped_is_extra() -> None:
    first = read(1)
    extra = read(2)
    third = read(3, first, start=1)

    found = kinds(check_row([first, extra, third]))

    assert found == [(Kind.CHAIN_RESTARTED, extra.key), (Kind.DIGEST_EXTRA, extra.key)]


@pytest.mark.parametrize(
    ("start", "kind"),
    [(1, Kind.CHAIN_RESTARTED), (2, Kind.CHAIN_RESTARTED), (0.5, Kind.CHAIN_OVERLAPS)],
)
def test_a_new_start_is_told_and_must_not_reach_back(start: float, kind: Kind) -> None:
    first, again = read(1), read(3, start=start)

    assert kinds(check_row([first, again])) == [(kind, again.key)]


def test_backfill_digests_need_not_follow_one_another_in_time() -> None:
    first = read(1, backfill=True)
    second = read(5, first, start=2, backfill=True)
    third = read(6, second, start=3, backfill=True)
    again = read(8, backfill=True)

    assert kinds(check_row([first, second, third, again])) == []


def test_a_missing_backfill_digest_shows() -> None:
    reads = row(3, backfill=True)

    assert kinds(check_row([reads[0], reads[2]])) == [(Kind.DIGEST_MISSING, reads[2].key)]


# Against what is known of the chain


def link(one: ReadDigest) -> Link:
    return Link(
        bucket=one.bucket, key=one.key, hash_value=one.hash_value, signature=one.signature,
        end=one.name.end,
    )  # fmt: skip


def head(reads: list[ReadDigest], **values: Any) -> ChainHead:
    usual: dict[str, Any] = {
        "trail_arn": f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/main", "account_id": ACCOUNT,
        "region": "us-east-1", "bucket": "b", "started": START, "first_key": reads[0].key,
        "last": link(reads[-1]), "last_backfill": None, "closed": None, "interval_seconds": 3600.0,
    }  # fmt: skip
    return ChainHead(**(usual | values))


def test_a_chain_that_reaches_what_is_known_or_further_is_whole() -> None:
    reads = row(4)

    for known in range(1, 5):
        assert kinds(check_against_head(reads, head(reads[:known]), "main")) == []


@pytest.mark.parametrize(
    ("kept", "missing"), [(slice(1, None), [0]), (slice(0, 3), [3]), (slice(1, 3), [0, 3]), (slice(0), [0, 3])]
)  # fmt: skip
def test_a_chain_that_lost_its_ends_is_told(kept: slice, missing: list[int]) -> None:
    reads = row(4)

    found = check_against_head(reads[kept], head(reads), "main")

    assert kinds(found) == [(Kind.DIGEST_MISSING, reads[index].key) for index in missing]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"fingerprint": "g"}, [Kind.CHAIN_REWRITTEN]),
        ({"signature": "00"}, [Kind.CHAIN_REWRITTEN]),
        ({"signature": ""}, []),
        ({}, []),
    ],
)
def test_another_digest_under_the_known_name_is_a_rewritten_chain(
    values: dict[str, Any], expected: list[Kind]
) -> None:
    first, second = row(2)
    other = read(2, first, **values)

    found = check_against_head([first, other], head([first, second]), "main")

    assert kinds(found) == [(kind, other.key) for kind in expected]


def test_a_missing_newest_backfill_digest_is_told() -> None:
    reads, late = row(2), read(1, backfill=True)
    known = head(reads, last_backfill=link(late))

    assert kinds(check_against_head([*reads, late], known, "main")) == []
    assert kinds(check_against_head(reads, known, "main")) == [(Kind.DIGEST_MISSING, late.key)]


def test_a_chain_that_has_no_digest_yet_expects_none() -> None:
    known = head(row(1), first_key="", last=None)

    assert kinds(check_against_head([], known, "main")) == []


# Spans


def spans(reads: list[ReadDigest], *found: tuple[Kind, str]) -> list[tuple[str, float, float]]:
    findings = [Finding(kind=kind, subject=subject, detail="d") for kind, subject in found]
    return [
        (one.state, (one.start - START) / HOUR, (one.end - START) / HOUR)
        for one in intervals_of({MAIN: reads}, findings)
    ]


def test_a_whole_chain_is_one_proven_span() -> None:
    assert spans(row(24)) == [("proven", 0, 24)]
    assert spans([]) == []


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (Kind.SIGNATURE_WRONG, "broken"),
        (Kind.CHAIN_BROKEN, "broken"),
        (Kind.SIGNATURE_ABSENT, "unverifiable"),
        (Kind.KEY_UNKNOWN, "unverifiable"),
    ],
)
def test_a_finding_marks_the_span_of_its_digest_only(kind: Kind, state: str) -> None:
    reads = row(3)

    assert spans(reads, (kind, reads[1].key)) == [("proven", 0, 1), (state, 1, 2), ("proven", 2, 3)]


def test_a_finding_on_a_log_file_marks_the_digest_that_lists_it() -> None:
    file = ListedLogFile(
        bucket="b", key="log", hash_value="0", newest_event_time=None, oldest_event_time=None
    )
    first = read(1)
    reads = [first, read(2, first, log_files=(file,))]

    assert spans(reads, (Kind.LOG_FILE_CHANGED, "log")) == [("proven", 0, 1), ("broken", 1, 2)]
    assert spans(reads, (Kind.STORE_UNAVAILABLE, "log"))[-1] == ("unverifiable", 1, 2)
    assert spans(reads, (Kind.LOG_FILE_CHANGED, "other")) == [("proven", 0, 2)]


def test_what_is_broken_is_not_merely_unverifiable() -> None:
    (one,) = row(1)

    found = spans([one], (Kind.SIGNATURE_ABSENT, one.key), (Kind.CHAIN_BROKEN, one.key))

    assert found == [("broken", 0, 1)]


def test_between_two_chains_of_one_trail_nothing_was_logged() -> None:
    reads = [*row(2), read(6), read(7, read(6))]

    found = spans(reads, (Kind.CHAIN_RESTARTED, reads[2].key))

    assert found == [("proven", 0, 2), ("not-logging", 2, 5), ("proven", 5, 7)]


def test_backfill_digests_have_no_span_of_their_own() -> None:
    late = read(1.5, backfill=True)

    assert spans([*row(2), late]) == [("proven", 0, 2)]


def test_spans_of_different_trails_stay_apart_and_in_order() -> None:
    other: ChainName = ("", "extra", ACCOUNT, "us-east-1")
    chains = {MAIN: row(1, first=2), other: row(1, trail="extra")}

    found = intervals_of(chains, ())

    assert [one.chain for one in found] == [chain_title(other), chain_title(MAIN)]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.sets(st.integers(0, 11)))
def test_spans_cover_the_row_without_overlap_and_neighbours_differ(
    count: int, marked: set[int]
) -> None:
    reads = row(count)
    keys = [(Kind.SIGNATURE_WRONG, reads[index].key) for index in marked if index < count]

    found = spans(reads, *keys)

    assert found[0][1] == 0
    assert found[-1][2] == count
    for one, following in pairwise(found):
        assert one[2] == following[1]
        assert one[0] != following[0]


# Where a chain stands


def test_a_report_remembers_where_a_chain_stands() -> None:
    reads, late = row(3), read(1.5, backfill=True)

    found = head_of(MAIN, [*reads, late], Trust())

    assert found == head(reads, last_backfill=link(late), known_starts=(reads[0].key,))


def test_every_start_of_a_chain_is_remembered_and_the_newest_is_its_first() -> None:
    again = read(6)
    reads = [*row(2), again, read(7, again)]

    found = head_of(MAIN, reads, Trust())

    assert found.known_starts == (reads[0].key, again.key)
    assert (found.first_key, found.started) == (again.key, START + 5 * HOUR)


def test_a_closed_chain_stays_closed() -> None:
    reads = row(2)
    closed = head(reads, closed=START + 2 * HOUR)

    assert head_of(MAIN, reads, Trust(heads=(closed,))).closed == START + 2 * HOUR


def test_what_a_report_remembers_fits_the_chain_it_was_taken_from() -> None:
    reads = row(5)

    assert kinds(check_against_head(reads, head_of(MAIN, reads, Trust()), "main")) == []


def test_a_reports_json_is_read_back() -> None:
    reads = row(2)
    report = Report(
        verdict="INVALID", anchored=True, digests=2, log_files=0, log_file_bytes=0,
        intervals=intervals_of({MAIN: reads}, ()), heads=(head(reads),),
        findings=(Finding(kind=Kind.CHAIN_GAP, subject="s", detail="d"),),
    )  # type: ignore[arg-type] # fmt: skip

    plain = msgspec.json.encode(report)

    assert msgspec.json.encode(msgspec.json.decode(plain, type=Report)) == plain
    assert plain.startswith(b'{"format":1,"verdict":"INVALID"')


# An open chain


def chain(**values: Any) -> Chain:
    usual = {"trail_arn": "arn", "account_id": ACCOUNT, "region": "r", "started": START}
    return Chain(**(usual | values))


@pytest.mark.parametrize(
    ("values", "covered", "next_end"),
    [
        ({}, 0, 1),
        ({"last": link(read(3))}, 3, 4),
        ({"closing": START + HOUR / 2}, 0, 0.5),
        ({"last": link(read(3)), "closing": START + 9 * HOUR}, 3, 4),
        ({"last": link(read(3)), "closing": START + 3.5 * HOUR}, 3, 3.5),
        ({"last_backfill": link(read(3, backfill=True))}, 0, 1),
    ],
)
def test_the_next_digest_ends_an_interval_on_or_at_the_close(
    values: dict[str, Any], covered: float, next_end: float
) -> None:
    one = chain(**values)

    assert one.covered == START + covered * HOUR
    assert one.next_end(HOUR) == START + next_end * HOUR


def test_what_is_kept_of_a_chain_is_read_back_unchanged() -> None:
    planned = PlannedDigest(
        start=START, end=START + HOUR, generated=START, fingerprint="f", log_files=("a", "b"),
        backfill=False,
    )  # fmt: skip

    for value in (chain(planned=planned, last=link(read(1))), head(row(2), known_starts=("k",))):
        assert msgspec.json.decode(msgspec.json.encode(value), type=type(value)) == value


def test_the_documents_of_a_trail_share_the_start_of_their_key() -> None:
    assert chain_key("arn:t", ACCOUNT, "r") == f"arn:t|{ACCOUNT}|r"
