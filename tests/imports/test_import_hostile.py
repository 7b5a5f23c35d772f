"""Hostile and damaged objects: nothing crashes, nothing is lost silently (P01 to P14)."""

import gzip
import json
import resource
import time
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from import_samples import log_file, log_key, read_object, record, records

from opentrail.imports import Form, Limits, read_pieces
from opentrail.imports.reading import read_document

GOOD = records(3)
KEY = log_key()


def nested(depth: int) -> bytes:
    return b'{"eventVersion":"1.08","a":' * 1 + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


HOSTILE = {
    "depth 65": (nested(65), "nested deeper than 64 levels"),
    "depth 1100": (nested(1100), "nested deeper than 64 levels"),
    "depth 100k": (nested(100_000), "nested deeper than 64 levels"),
    "4301 digits": (
        b'{"eventVersion":"1.08","a":' + b"7" * 4301 + b"}",
        "a number of more than 64 digits",
    ),
    "65 digits": (
        b'{"eventVersion":"1.08","a":-' + b"7" * 65 + b"}",
        "a number of more than 64 digits",
    ),
    "NaN": (b'{"eventVersion":"1.08","a":NaN}', "NaN and Infinity are no JSON"),
    "-Infinity": (b'{"eventVersion":"1.08","a":-Infinity}', "NaN and Infinity are no JSON"),
    "lone surrogate": (b'{"eventVersion":"1.08","a":"\\ud800"}', "a lone surrogate"),
    "bad UTF-8": (b'{"eventVersion":"1.08","a":"\xff"}', "not UTF-8: byte 28 of the record"),
    "overlong": (b'{"eventVersion":"1.08","a":"\xc0\xaf"}', "not UTF-8: byte 28 of the record"),
    "bare NUL": (b'{"eventVersion":"1.08","a":"\x00"}', "not JSON"),
    "bare newline": (b'{"eventVersion":"1.08","a":"x\ny"}', "not JSON"),
    "comment": (b'{"eventVersion":"1.08"/* x */}', "not JSON"),
    "bad escape": (b'{"eventVersion":"1.08","a":"\\x"}', "not JSON"),
    "trailing comma": (b'{"eventVersion":"1.08",}', "not JSON"),
    "10 MB string": (b'{"eventVersion":"1.08","a":"' + b"x" * 10_000_000 + b'"}', "record of"),
    "no object": (b"17", ""),
    "a text": (b'"x"', ""),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_record_is_told_and_its_neighbours_are_taken(name: str) -> None:
    bad, reason = HOSTILE[name]
    began = time.perf_counter()

    read = read_object(KEY, log_file([GOOD[0], bad, GOOD[1]]))

    assert time.perf_counter() - began < 2
    assert list(read.raws) == GOOD[:2]
    assert len(read.quarantined) == 1
    [told] = read.quarantined
    assert reason in told.reason
    assert told.content == bad[: 1024 * 1024]
    assert told.length == len(bad)
    plain = gzip.decompress(log_file([GOOD[0], bad, GOOD[1]]))
    assert plain[told.offset : told.offset + told.length] == bad


@pytest.mark.parametrize("name", [name for name in HOSTILE if name != "10 MB string"])
def test_a_hostile_line_is_told(name: str) -> None:
    bad, _ = HOSTILE[name]

    read = read_object("x.jsonl", b"\n".join([GOOD[0], bad, GOOD[1]]))

    assert list(read.raws) == GOOD[:2]
    assert b"".join(one.content for one in read.quarantined).strip() == bad


def test_many_keys_are_read_quickly_enough() -> None:
    million = (
        b'{"eventVersion":"1.08",'
        + b",".join(b'"k%d":1' % number for number in range(250_000))
        + b"}"
    )

    read = read_object(KEY, log_file([million]))

    assert read.raws == (million,)


@pytest.mark.parametrize("twice", [b'{"eventID":"1","eventID":"2","eventVersion":"1.08"}'])
def test_duplicate_keys_go_in_and_are_flagged(twice: bytes) -> None:
    read = read_object(KEY, log_file([GOOD[0], twice]))

    assert read.raws == (GOOD[0], twice)
    assert read.flagged == (("duplicate keys", 1),)


def test_a_second_list_of_records_can_not_hide() -> None:
    plain = b'{"Records":[' + GOOD[0] + b'],"Records":[' + GOOD[1] + b"]}"

    for content in (plain, b'{"a":1,' + plain[1:]):
        assert set(read_object(KEY, content).raws) == set(GOOD[:2])


DAMAGED = {
    "cut short": (b'{"Records":[' + GOOD[0] + b"," + GOOD[1] + b"," + GOOD[2][:50], 2, 1),
    "no end": (b'{"Records":[' + b",".join(GOOD), 3, 0),
    "no commas": (b'{"Records":[' + b"".join(GOOD) + b"]}", 3, 0),
    "two commas": (b'{"Records":[' + b",,".join(GOOD) + b",]}", 3, 0),
    "joined lists": (b"[" + GOOD[0] + b"][" + GOOD[1] + b"]\n[" + GOOD[2] + b"]", 3, 0),
    "joined containers": (b"".join(b'{"Records":[' + one + b"]}" for one in GOOD), 3, 0),
    "half a record": (
        b'{"Records":[' + GOOD[0][:-40] + b"," + GOOD[1] + b"," + GOOD[2] + b"]}",
        2,
        1,
    ),
    "no quote": (
        b'{"Records":[' + GOOD[0].replace(b'"GetObject"', b'"GetObject') + b"," + GOOD[1] + b"]}",
        1,
        1,
    ),
    "no brace": (b'{"Records":[' + GOOD[0][:-1] + b"," + GOOD[1] + b"]}", 1, 1),
    "no start": (GOOD[0][40:] + b"," + GOOD[1] + b"]}", 1, 1),
    "garbage behind": (b'{"Records":[' + GOOD[0] + b"]}\x00\x01garbage", 1, 1),
    "garbage between": (b'{"Records":[' + GOOD[0] + b",<html>," + GOOD[1] + b"]}", 2, 1),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_container_gives_its_good_records(name: str) -> None:
    content, good, bad = DAMAGED[name]

    read = read_object(KEY, content)

    assert len(read.raws) == good
    assert set(read.raws) <= set(GOOD)
    assert len(read.quarantined) == bad


def test_a_bomb_is_stopped() -> None:
    maker = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join([maker.compress(bytes(1 << 24)) for _ in range(24)]) + maker.flush()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()

    read = read_object(KEY, bomb)

    assert time.perf_counter() - began < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000
    assert "times its size" in read.quarantined[-1].reason


def test_gzip_in_gzip_is_no_log_file() -> None:
    read = read_object(KEY, gzip.compress(log_file(GOOD)))

    assert read.raws == ()
    assert len(read.quarantined) == 1


@pytest.mark.parametrize("behind", [log_file(GOOD[2:]), b"garbage"])
def test_what_stands_behind_a_log_file_is_no_part_of_it(behind: bytes) -> None:
    read = read_object(KEY, log_file(GOOD[:2]) + behind)

    assert list(read.raws) == GOOD[:2]
    assert len(read.quarantined) == 1
    assert "behind" in read.quarantined[0].reason


@pytest.mark.parametrize("cut", [1, 5, 11, 200, 400])
def test_a_gzip_cut_short_gives_what_is_there(cut: int) -> None:
    many = [record(number, userAgent=f"agent/{number * 7919}") for number in range(200)]

    read = read_object(KEY, log_file(many)[:-cut])

    assert list(read.raws) == many[: len(read.raws)]
    assert len(read.raws) > 50
    assert read.quarantined


def test_a_flipped_bit_gives_what_stands_before() -> None:
    many = [record(number, userAgent=f"agent/{number * 7919}") for number in range(20000)]
    content = bytearray(log_file(many))
    content[len(content) // 2] ^= 0x10

    read = read_object(KEY, bytes(content))

    assert len(read.raws) > 5000
    assert set(read.raws[:5000]) <= set(many)
    assert "damaged gzip" in read.quarantined[-1].reason


SMALL = Limits(piece_bytes=3000, record_bytes=2000)


@pytest.mark.parametrize("form", ["records", "array", "lines", "spaced", "damaged"])
@pytest.mark.parametrize("packed", [True, False])
def test_a_large_object_comes_in_pieces(form: str, packed: bool) -> None:
    many = [
        record(number, resources=[{"a": 1}, {"b": [{"c": 1}, {"d": 2}]}]) for number in range(300)
    ]
    plain = {
        "records": b'{"Records":[' + b",".join(many) + b"]}",
        "array": b"[" + b",".join(many) + b"]",
        "lines": b"\n".join(many),
        "spaced": b'{ "Records": [\n' + b" ,\n".join(many) + b"\n]\n}",
        "damaged": b'{"Records":['
        + b",".join([*many[:150], b'{"eventVersion":"1.0', *many[150:]])
        + b"]}",
    }[form]

    pieces = list(read_pieces(KEY, gzip.compress(plain) if packed else plain, SMALL))

    assert len(pieces) > 20
    assert [raw for piece in pieces for raw in piece.raws] == many
    bad = [one for piece in pieces for one in piece.quarantined]
    assert len(bad) == (form == "damaged")
    for one in bad:
        assert plain[one.offset : one.offset + one.length] == one.content


@pytest.mark.parametrize("size", [2500, 9000, 50_000])
def test_a_record_without_end_does_not_stop_the_others(size: int) -> None:
    many = records(100)
    endless = b'{"eventVersion":"1.08","a":"' + b"x" * size
    plain = b'{"Records":[' + b",".join([*many[:50], endless, *many[50:]]) + b"]}"

    pieces = list(read_pieces(KEY, plain, SMALL))

    assert [raw for piece in pieces for raw in piece.raws] == many


def test_the_hash_is_over_all_plain_bytes() -> None:
    many = records(100)

    small = read_object(KEY, log_file(many), SMALL, hash_plain=True)
    large = read_object(KEY, log_file(many), hash_plain=True)

    assert small.plain_sha256 == large.plain_sha256 != ""
    assert small.raws == large.raws


documents = st.one_of(
    st.binary(max_size=400),
    st.text(alphabet='{}[]",:\\ \n\tae0NuR1', max_size=200).map(str.encode),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "Records",
                        "Events",
                        "events",
                        "logEvents",
                        "message",
                        "timestamp",
                        "detail",
                        "detail-type",
                        "CloudTrailEvent",
                        "eventVersion",
                        "s3",
                        "x",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    ).map(lambda value: json.dumps(value).encode()),
)


@settings(max_examples=400, deadline=None)
@given(documents, st.booleans(), st.booleans(), st.sampled_from([KEY, "x"]))
def test_nothing_that_an_object_holds_raises(
    content: bytes, packed: bool, cut: bool, key: str
) -> None:
    whole = gzip.compress(content) if packed else content

    read = read_object(key, whole[: -len(whole) // 3] if cut else whole)
    small = read_object(key, whole, Limits(piece_bytes=40, record_bytes=60))

    for one in (read, small):
        assert all(isinstance(json.loads(raw), dict) for raw in one.raws)
        assert one.raws or one.quarantined or one.skipped or one.form is Form.RECORDS


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=12), st.data())
def test_damage_costs_the_damaged_records_alone(numbers: list[int], data: st.DataObject) -> None:
    raws = [
        record(place * 10 + number, userAgent='a "quoted" {[ text')
        for place, number in enumerate(numbers)
    ]
    hit = data.draw(st.integers(0, len(raws) - 1))
    at = data.draw(st.integers(0, len(raws[hit]) - 2))
    how = data.draw(st.sampled_from(["cut", "drop", "flip", "insert"]))
    spoiled = {
        "cut": raws[hit][: at + 1],
        "drop": raws[hit][:at] + raws[hit][at + 1 :],
        "flip": raws[hit][:at] + bytes([raws[hit][at] ^ 1]) + raws[hit][at + 1 :],
        "insert": raws[hit][:at]
        + data.draw(st.sampled_from([b'"', b"{", b"}", b"]", b"\\", b"\x00"]))
        + raws[hit][at:],
    }[how]
    plain = b'{"Records":[' + b",".join([*raws[:hit], spoiled, *raws[hit + 1 :]]) + b"]}"

    read = read_document(plain, expected=True)

    assert set(read.raws) >= set(raws) - {raws[hit]}
    taken = sum(map(len, read.raws)) + sum(one.length for one in read.quarantined)
    assert taken >= sum(map(len, raws)) - len(raws[hit]) + len(spoiled.strip(b"{}[], ")) - 40


WORST = {
    "starts": b'{"Records":[' + b'{"eventVersion":' * 100_000,
    "unclosed": b'{"Records":[' + b'{"eventVersion":"1.0","a":{"b":1},' * 40_000,
    "closed late": b'{"eventVersion":' * 50_000 + b"1" + b"}" * 50_000,
    "tiny objects": b'{"Records":[' + b"{}," * 500_000,
    "numbers": b'{"Records":[' + b"1," * 500_000 + b"1]}",
    "brackets": b'{"Records":[' + b"{[" * 500_000,
    "quotes": b'{"Records":[' + b'{"a":"' * 200_000,
    "backslashes": b'{"Records":[{"a":"' + b"\\" * 2_000_000,
}


@pytest.mark.parametrize("name", WORST)
@pytest.mark.parametrize("limits", [Limits(), Limits(piece_bytes=500_000, record_bytes=200_000)])
def test_the_worst_content_takes_bounded_time(name: str, limits: Limits) -> None:
    began = time.perf_counter()

    read = read_object(KEY, WORST[name], limits)

    assert time.perf_counter() - began < 20
    assert read.quarantined
    assert len(read.quarantined) < 60_000
