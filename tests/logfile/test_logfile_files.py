"""Log files: their names, how many records fit, their bytes, and how they are remembered."""

import gzip
import hashlib
import json
import zlib
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opentrail.logfile.batch import split
from opentrail.logfile.body import HEAD, TAIL, make_body
from opentrail.logfile.delivered import DeliveredLogFile, delivered_prefix
from opentrail.logfile.name import LogFileName, log_file_key, read_log_file_key
from opentrail.logfile.outgoing import OutgoingLogFile, outgoing_prefix
from opentrail.record import Record, read_record
from opentrail.record.container import inflate

ACCOUNT = "123456789012"
NOW = datetime(2026, 11, 24, 9, 5, 59, tzinfo=UTC)
KEY = (
    f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/11/24/"
    f"{ACCOUNT}_CloudTrail_us-east-1_20261124T0905Z_abcdefghABCDEFG1.json.gz"
)

# Names


def key(**values: object) -> str:
    usual: dict[str, object] = {
        "prefix": "", "account_id": ACCOUNT, "region": "us-east-1", "minute": NOW, "organization": "",
        "unique16": "abcdefghABCDEFG1",
    }  # fmt: skip
    return log_file_key(LogFileName(**(usual | values)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (key(), KEY),
        (key(prefix="a/b"), f"a/b/{KEY}"),
        (key(organization="o-0123456789"), KEY.replace("AWSLogs/", "AWSLogs/o-0123456789/")),
        (key(minute=NOW.astimezone(timezone(timedelta(hours=-8)))), KEY),
        (key(minute=NOW.replace(second=0, microsecond=999_999)), KEY),
    ],
)
def test_a_log_files_key_follows_the_format(made: str, expected: str) -> None:
    assert made == expected


MIDNIGHT = datetime(2027, 1, 1, 0, 0, 30, tzinfo=timezone(timedelta(hours=2)))


def test_folders_and_name_come_from_the_same_utc_instant() -> None:
    made = key(minute=MIDNIGHT)

    assert "/2026/12/31/" in made
    assert "_20261231T2200Z_" in made


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["", "a", "AWSLogs", "a b/c", f"x/AWSLogs/{ACCOUNT}/CloudTrail/us-east-1"]),
    st.sampled_from(["", "o-0123456789", "o-" + "a" * 32]),
    st.datetimes(datetime(2013, 1, 1), datetime(2099, 1, 1)),
    st.from_regex(r"[A-Za-z0-9]{16}", fullmatch=True),
)
def test_a_log_files_name_tells_what_it_was_made_of(
    prefix: str, organization: str, closed: datetime, unique: str
) -> None:
    made = key(
        prefix=prefix, organization=organization, minute=closed.replace(tzinfo=UTC), unique16=unique
    )

    assert read_log_file_key(made) == LogFileName(
        prefix=prefix, organization=organization, account_id=ACCOUNT, region="us-east-1",
        minute=closed.replace(second=0, microsecond=0, tzinfo=UTC), unique16=unique,
    )  # fmt: skip


@pytest.mark.parametrize(
    "other",
    [
        "",
        KEY + "/",
        KEY + "\n",
        KEY.upper(),
        f"/{KEY}",
        KEY.removeprefix("AWSLogs/"),
        KEY.replace("AWSLogs/", "AWSLogs//"),
        KEY.replace("AWSLogs/", "AWSLogs/o-short/"),
        KEY.replace("/2026/11/24/", "/2026/11/"),
        KEY.replace("2026", "2023").replace("1124", "0229").replace("11/24", "02/29"),
        KEY.replace("T0905Z", "T090500Z"),
        KEY.replace("T0905Z", "T0960Z"),
        KEY.replace("T0905", "T0905+"),
        KEY.replace("G1.", "G1x."),
        KEY.replace("G1.", "_1."),
        KEY.replace("/CloudTrail/", "/CloudTrail-Digest/"),
        KEY.replace("CloudTrail", "CloudTrail-Insight"),
        KEY.replace("CloudTrail", "CloudTrail-NetworkActivity"),
        KEY.replace("CloudTrail", "CloudTrail-Aggregated"),
        KEY.replace("_us-east-1_", "_us-east-2_"),
        KEY.replace(f"/{ACCOUNT}_", "/999999999999_"),
        KEY.replace(".json.gz", ".json.gz.part"),
    ],
)
def test_another_key_is_no_log_files(other: str) -> None:
    assert read_log_file_key(other) is None


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.integers(0, len(KEY)))
def test_no_text_makes_reading_a_name_fail(text: str, place: int) -> None:
    for one in (text, KEY[:place] + text, KEY[:place] + text + KEY[place:]):
        found = read_log_file_key(one)
        assert found is None or found.account_id


# How many records fit


def record(number: int, filler: int = 0) -> Record:
    return read_record(
        b'{"eventVersion":"1.11","eventTime":"2026-11-24T09:%02d:00Z","awsRegion":"us-east-1",'
        b'"eventID":"%d","x":"%b"}' % (number % 60, number, b"y" * filler)
    )


def length_of(records: list[Record]) -> int:
    return len(HEAD) + sum(len(one.raw) for one in records) + len(records) - 1 + len(TAIL)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 300), max_size=30), st.integers(1, 1500))
def test_files_are_filled_as_far_as_the_limit_allows(fillers: list[int], limit: int) -> None:
    records = [record(number, filler) for number, filler in enumerate(fillers)]

    files = list(split(records, limit))

    assert [one for file in files for one in file] == records
    assert all(files)
    for file, following in pairwise(files):
        assert length_of([*file, following[0]]) > limit
    for file in files:
        assert len(file) == 1 or length_of(file) <= limit


@pytest.mark.parametrize(("spare", "files"), [(0, 1), (1, 1), (-1, 2)])
def test_the_limit_is_the_last_length_allowed(spare: int, files: int) -> None:
    records = [record(1), record(2), record(3)]

    assert len(list(split(records, length_of(records) + spare))) == files


def test_no_records_make_no_file() -> None:
    assert list(split([])) == []


def test_a_large_record_stands_alone_between_its_neighbours() -> None:
    records = [record(1), record(2), record(3, 5000), record(4)]

    assert [len(file) for file in split(records, 1000)] == [2, 1, 1]


# Bytes

ODD = [
    b'{ "eventVersion" : "1",\t"eventTime":"2026-11-24T09:00:00Z","awsRegion":"r","eventID":"1"}',
    (
        b'{"eventID":"2","awsRegion":"r","eventTime":"2026-11-24T08:00:00Z","eventVersion":"1",'
        b'"x":{"\\u00e4":1.0,"e":1E5,"big":123456789012345678901234567890}}'
    ),
    b'{"eventID":"3","awsRegion":"r","eventTime":"2026-11-24T08:30:00Z","eventVersion":"1",'
    + '"requestParameters":{"name":"ä€😀\\/"},"requestParameters":null}'.encode(),
]


def test_records_of_any_spelling_are_kept_byte_for_byte() -> None:
    body = make_body([read_record(raw) for raw in ODD])

    plain = inflate(body.content)
    assert plain == b'{"Records":[' + b",".join(ODD) + b"]}"
    assert (body.sha256, body.length) == (hashlib.sha256(plain).hexdigest(), len(plain))
    assert (body.oldest, body.newest) == ("2026-11-24T08:00:00Z", "2026-11-24T09:00:00Z")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 2000), min_size=1, max_size=20))
def test_a_log_file_is_one_member_that_any_reader_reads(fillers: list[int]) -> None:
    records = [record(number, filler) for number, filler in enumerate(fillers)]

    content = make_body(records).content

    reader = zlib.decompressobj(zlib.MAX_WBITS | 16)
    plain = reader.decompress(content) + reader.flush()
    assert reader.eof
    assert reader.unused_data == b""
    assert gzip.decompress(content) == plain
    found = json.loads(plain)["Records"]
    assert [one["eventID"] for one in found] == [one.head.event_id for one in records]


def test_the_same_records_make_the_same_bytes_without_a_time_or_name() -> None:
    first, second = make_body([record(1)]), make_body([record(1)])

    assert first == second
    assert first.content[:3] == b"\x1f\x8b\x08"
    assert first.content[3:8] == b"\0\0\0\0\0"  # no flags, no mtime


# What is remembered


def delivered(region: str, name: str) -> DeliveredLogFile:
    return DeliveredLogFile(
        trail_arn="arn:t", account_id=ACCOUNT, region=region, bucket="b", key=name, closed=NOW,
        delivered=NOW, sha256="0" * 64, oldest="o", newest="n",
    )  # fmt: skip


def outgoing(closed: datetime, arn: str = "arn:t") -> OutgoingLogFile:
    return OutgoingLogFile(
        trail_arn=arn, account_id=ACCOUNT, region="us-east-1", bucket="b", key="k", closed=closed,
        sha256="0" * 64, oldest="o", newest="n", records=1, digested=True, spool="s",
    )  # fmt: skip


def test_a_delivered_file_is_found_by_its_chain_only() -> None:
    file = delivered("us-east-1", KEY)

    assert file.state_key.startswith(delivered_prefix("arn:t", ACCOUNT, "us-east-1"))
    assert not file.state_key.startswith(delivered_prefix("arn:t", ACCOUNT, "us-east"))
    assert not file.state_key.startswith(delivered_prefix("arn:", ACCOUNT, "us-east-1"))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.datetimes(datetime(2013, 1, 1), datetime(2099, 1, 1)), min_size=2, unique=True))
def test_outgoing_files_stand_in_the_order_of_closing(times: list[datetime]) -> None:
    files = [outgoing(when.replace(tzinfo=UTC)) for when in times]

    files.sort(key=lambda file: file.state_key)

    assert [file.closed for file in files] == sorted(file.closed for file in files)


def test_an_outgoing_file_is_found_by_its_trail_only() -> None:
    assert outgoing(NOW, "arn:t").state_key.startswith(outgoing_prefix("arn:t"))
    assert not outgoing(NOW, "arn:t2").state_key.startswith(outgoing_prefix("arn:t"))


@pytest.mark.parametrize("value", [delivered("r", "k"), outgoing(NOW)])
def test_what_is_remembered_is_read_back_unchanged(
    value: DeliveredLogFile | OutgoingLogFile,
) -> None:
    assert msgspec.json.decode(msgspec.json.encode(value), type=type(value)) == value
