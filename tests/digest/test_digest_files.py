"""Digest and log-file names, documents and containers, there and back."""

import gzip
import zlib
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opentrail.digest.document import (
    Digest,
    DigestUnreadable,
    ListedLogFile,
    compress,
    read_digest,
    write_digest,
)
from opentrail.digest.name import DigestName, digest_key, read_digest_key
from opentrail.digest.signing import string_to_sign
from opentrail.digest.trust import Trust, read_trust, write_trust
from opentrail.errors import InvalidInput
from opentrail.logfile.batch import split
from opentrail.logfile.body import make_body
from opentrail.logfile.name import LogFileName, log_file_key, read_log_file_key
from opentrail.record import read_record
from opentrail.record.container import ContainerUnreadable, inflate, plain_sha256

TIMES = st.datetimes(datetime(2013, 1, 1), datetime(2099, 1, 1)).map(
    lambda when: when.replace(microsecond=0, tzinfo=UTC)
)
ACCOUNTS = st.from_regex(r"[0-9]{12}", fullmatch=True)
REGIONS = st.sampled_from(["us-east-1", "eu-central-1", "ap-southeast-2"])
PREFIXES = st.sampled_from(["", "a", "a/b", "AWSLogs", "x/AWSLogs/123456789012"])


@settings(max_examples=100, deadline=None)
@given(
    PREFIXES, ACCOUNTS, REGIONS, REGIONS, TIMES, st.booleans(), st.sampled_from(["main", "a_b.c-d"])
)
def test_a_digests_name_is_read_as_it_was_made(
    prefix: str, account: str, region: str, home: str, end: datetime, backfill: bool, trail: str
) -> None:
    name = DigestName(
        prefix=prefix, organization="", account_id=account, region=region, trail=trail,
        home_region=home, end=end, backfill=backfill,
    )  # fmt: skip

    assert read_digest_key(digest_key(name)) == name
    assert read_log_file_key(digest_key(name)) is None


@settings(max_examples=100, deadline=None)
@given(PREFIXES, ACCOUNTS, REGIONS, TIMES)
def test_a_log_files_name_is_read_as_it_was_made(
    prefix: str, account: str, region: str, closed: datetime
) -> None:
    key = log_file_key(
        LogFileName(
            prefix=prefix,
            organization="",
            account_id=account,
            region=region,
            minute=closed,
            unique16="A" * 16,
        )
    )

    found = read_log_file_key(key)

    assert found is not None
    assert (found.prefix, found.account_id, found.region) == (prefix, account, region)
    assert found.minute == closed.replace(second=0)
    assert read_digest_key(key) is None


KEY = (
    "AWSLogs/123456789012/CloudTrail/us-east-1/2026/11/24/"
    "123456789012_CloudTrail_us-east-1_20261124T0905Z_abcdefghABCDEFGH.json.gz"
)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2026/11/24/", "2026/11/25/"),
        ("T0905Z", "T2505Z"),
        ("abcdefghABCDEFGH", "short"),
        (".json.gz", ".json"),
        ("/us-east-1/", "/eu-west-1/"),
        ("AWSLogs/123456789012", "AWSLogs/999999999999"),
        ("CloudTrail/us", "CloudTrail-Insight/us"),
    ],
)
def test_a_key_that_only_looks_like_a_log_files_is_none(old: str, new: str) -> None:
    assert read_log_file_key(KEY) is not None
    assert read_log_file_key(KEY.replace(old, new, 1)) is None


def digest(**values: object) -> Digest:
    file = ListedLogFile(
        bucket="b", key=KEY, hash_value="0" * 64, newest_event_time="2026-11-24T09:01:00Z",
        oldest_event_time="2026-11-24T09:00:00Z",
    )  # fmt: skip
    usual: dict[str, object] = {
        "account_id": "123456789012", "start_time": "2026-11-24T08:00:00Z",
        "end_time": "2026-11-24T09:00:00Z", "bucket": "b", "key": "k", "fingerprint": "f" * 32,
        "signature_algorithm": "SHA256withRSA", "newest_event_time": "2026-11-24T09:01:00Z",
        "oldest_event_time": "2026-11-24T09:00:00Z", "previous_bucket": None,
        "previous_key": None, "previous_hash": None, "previous_hash_algorithm": None,
        "previous_signature": None, "log_files": (file,),
    }  # fmt: skip
    return Digest(**(usual | values))  # type: ignore[arg-type]


def test_a_digest_is_read_as_it_was_written() -> None:
    plain = write_digest(digest())

    assert read_digest(compress(plain)) == (digest(), plain)
    assert compress(plain) == compress(plain)


def test_a_digests_members_stand_in_the_order_of_awss_samples() -> None:
    names = list(__import__("json").loads(write_digest(digest())))

    assert names == [
        "awsAccountId", "digestStartTime", "digestEndTime", "digestS3Bucket", "digestS3Object",
        "digestPublicKeyFingerprint", "digestSignatureAlgorithm", "newestEventTime",
        "oldestEventTime", "previousDigestS3Bucket", "previousDigestS3Object",
        "previousDigestHashValue", "previousDigestHashAlgorithm", "previousDigestSignature",
        "logFiles",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", gzip.compress(b"[]", mtime=0), gzip.compress(b"{}", mtime=0), compress(write_digest(digest()))[:-3],
     compress(write_digest(digest())) + b"x", gzip.compress(b'{"a":' * 10_000, mtime=0)],
)  # fmt: skip
def test_bytes_that_are_no_digest_are_refused(content: bytes) -> None:
    with pytest.raises(DigestUnreadable):
        read_digest(content)


def test_the_string_to_sign_has_four_lines() -> None:
    message = string_to_sign(
        end_time="2026-11-24T09:00:00Z", bucket="b", key="k", plain=b"x", previous_signature=None
    )

    lines = message.decode().split("\n")
    assert lines[:2] == ["2026-11-24T09:00:00Z", "b/k"]
    assert lines[2] == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert lines[3:] == ["null"]


# Containers


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=3000), st.integers(1, 9))
def test_a_container_is_read_whole(plain: bytes, level: int) -> None:
    assert inflate(gzip.compress(plain, level, mtime=0)) == plain
    assert plain_sha256(gzip.compress(plain, level, mtime=0))[1] == len(plain)


GOOD = gzip.compress(b"abc" * 1000, mtime=0)


@pytest.mark.parametrize(
    "content",
    [b"", b"x", GOOD[:-1], GOOD[:10], GOOD + b"x", GOOD + gzip.compress(b"more", mtime=0),
     GOOD[:-6] + b"\0" * 6, zlib.compress(b"abc"), b"abc" * 1000],
)  # fmt: skip
def test_bytes_that_are_not_one_whole_member_are_refused(content: bytes) -> None:
    with pytest.raises(ContainerUnreadable):
        inflate(content)


def test_a_bomb_is_refused_before_it_is_read_whole() -> None:
    with pytest.raises(ContainerUnreadable, match="larger"):
        inflate(gzip.compress(b"\0" * 10_000_000, mtime=0), limit_bytes=1_000_000)


# Log files


def record(number: int, filler: int = 0) -> bytes:
    return (
        b'{"eventVersion":"1.11","eventTime":"2026-11-24T09:%02d:00Z","awsRegion":"us-east-1",'
        b'"eventID":"%d","x":"%b"}' % (number % 60, number, b"y" * filler)
    )


def test_a_log_file_keeps_every_record_byte_for_byte() -> None:
    raws = [record(number) for number in range(5)]

    body = make_body([read_record(raw) for raw in raws])

    assert gzip.decompress(body.content) == b'{"Records":[' + b",".join(raws) + b"]}"
    assert body.content[4:8] == b"\0\0\0\0"  # no time of its own
    assert (body.oldest, body.newest) == ("2026-11-24T09:00:00Z", "2026-11-24T09:04:00Z")
    assert plain_sha256(body.content) == (body.sha256, body.length)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 400), min_size=1, max_size=30))
def test_no_log_file_is_larger_than_the_limit_but_for_a_single_record(fillers: list[int]) -> None:
    records = [read_record(record(number, filler)) for number, filler in enumerate(fillers)]

    files = list(split(records, 600))

    assert [one for file in files for one in file] == records
    for file in files:
        assert len(file) == 1 or make_body(file).length <= 600


# Trust files


def test_a_trust_file_is_read_as_it_was_written() -> None:
    trust = Trust(taken=datetime(2026, 11, 24, tzinfo=UTC), undigested=("k",))

    assert read_trust(write_trust(trust)) == trust


@pytest.mark.parametrize("content", [b"", b"[]", b'{"format":2}', b'{"keys":[{}]}', b"\xff"])
def test_another_file_is_no_trust_file(content: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_trust(content)
