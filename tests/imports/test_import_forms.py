"""Every form of content gives its records byte for byte."""

import base64
import gzip
import json
from pathlib import Path

import pytest
from import_samples import log_file, log_key, read_object, record, records

from opentrail.imports import Form

CORPORA = Path(__file__).parents[1] / "vectors" / "corpora"
THREE = records(3)
TEXTS = [one.decode() for one in THREE]


def envelope(raw: bytes, kind: str = "AWS API Call via CloudTrail") -> bytes:
    head = json.dumps({"version": "0", "id": "x", "detail-type": kind, "source": "aws.s3"})
    return head[:-1].encode() + b', "detail": ' + raw + b"}"


FORMS: dict[str, tuple[Form, bytes]] = {
    "log file": (Form.RECORDS, log_file(THREE)),
    "log file, plain": (Form.RECORDS, b'{"Records":[' + b",".join(THREE) + b"]}\n"),
    "log file, BOM": (Form.RECORDS, b'\xef\xbb\xbf{"Records":[' + b",".join(THREE) + b"]}"),
    "log file, spaced": (Form.RECORDS, b'{ "Records" : [\n  ' + b",\n  ".join(THREE) + b"\n]\n}\n"),
    "log file, UTF-16": (Form.RECORDS, ('{"Records":[' + ",".join(TEXTS) + "]}").encode("utf-16")),
    "array": (Form.ARRAY, b"[" + b",".join(THREE) + b"]"),
    "JSON Lines": (Form.LINES, b"\n".join(THREE) + b"\n"),
    "JSON Lines, gzip": (Form.LINES, gzip.compress(b"\r\n".join(THREE))),
    "JSON Lines, two members": (
        Form.LINES,
        gzip.compress(b"\n".join(THREE[:2]) + b"\n") + gzip.compress(THREE[2] + b"\n"),
    ),
    "lookup-events": (
        Form.LOOKUP_EVENTS,
        json.dumps(
            {
                "Events": [{"EventId": "x", "CloudTrailEvent": one} for one in TEXTS],
                "NextToken": "t",
            },
            indent=4,
        ).encode(),
    ),
    "lookup-events, lines": (
        Form.LOOKUP_EVENTS,
        "\n".join(json.dumps({"EventId": "x", "CloudTrailEvent": one}) for one in TEXTS).encode(),
    ),
    "filter-log-events": (
        Form.LOG_EVENTS,
        json.dumps(
            {
                "events": [{"logStreamName": "s", "timestamp": 1, "message": one} for one in TEXTS],
                "searchedLogStreams": [],
            }
        ).encode(),
    ),
    "log export": (
        Form.LOG_EXPORT,
        gzip.compress(b"".join(b"2026-03-02T10:00:00.000Z " + one + b"\n" for one in THREE)),
    ),
    "subscription": (
        Form.SUBSCRIPTION,
        gzip.compress(
            json.dumps(
                {
                    "messageType": "DATA_MESSAGE",
                    "owner": "1",
                    "logGroup": "g",
                    "logEvents": [{"id": "1", "timestamp": 1, "message": one} for one in TEXTS],
                }
            ).encode()
        ),
    ),
    "subscription, Firehose": (
        Form.SUBSCRIPTION,
        b"".join(
            gzip.compress(
                json.dumps(
                    {
                        "messageType": "DATA_MESSAGE",
                        "logEvents": [{"id": "1", "timestamp": 1, "message": one}],
                    }
                ).encode()
            )
            for one in TEXTS
        ),
    ),
    "EventBridge, lines": (Form.EVENTBRIDGE, b"\n".join(map(envelope, THREE))),
    "EventBridge, array": (Form.EVENTBRIDGE, b"[" + b",".join(map(envelope, THREE)) + b"]"),
    "EventBridge, joined": (Form.EVENTBRIDGE, b"".join(map(envelope, THREE))),
    "EventBridge in a log group": (
        Form.LOG_EXPORT,
        b"".join(b"2026-03-02T10:00:00.000Z " + envelope(one) + b"\n" for one in THREE),
    ),
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("key", [log_key(), "export/000000.gz"])
def test_a_form_gives_its_records_byte_for_byte(name: str, key: str) -> None:
    form, content = FORMS[name]

    read = read_object(key, content)

    assert list(read.raws) == THREE
    assert read.quarantined == ()
    assert read.form is form
    assert not read.skipped


@pytest.mark.parametrize(
    "kind", ["AWS Console Sign In via CloudTrail", "AWS Insight via CloudTrail"]
)
def test_one_envelope_or_one_record_is_enough(kind: str) -> None:
    assert read_object("a.json", envelope(THREE[0], kind)).raws == (THREE[0],)
    assert read_object("a.json", json.dumps(json.loads(THREE[0]), indent=2).encode()).found == 1
    assert read_object("a.json", b"  " + THREE[0] + b"\n").raws == (THREE[0],)


ODD = {
    "differs only in case": b'{"eventID":"1","eventId":"2","eventid":"3"}',
    "dotted keys": b'{"eventVersion":"1.08","requestParameters":{"a.b":{"c.d":1},"a":{"b.c":2}}}',
    "empty": b"{}",
    "numbers": b'{"eventVersion":"1.08","additionalEventData":{"x":9.82E-5,"y":1e400,"z":18446744073709551616}}',
    "dates": b'{"eventTime":"Mar 2, 2026, 10:00:00 AM","eventVersion":1.02}',
    "address": b'{"eventVersion":"1.05","sourceIPAddress":"AWS Internal/x \\u0000"}',
    "not ASCII": '{"eventVersion":"1.05","userAgent":"日本 \u202e 😀 ünï"}'.encode(),
    "brackets in strings": b'{"eventVersion":"1.05","userAgent":"}}]]{{[["}',
    "aggregated": b'{"eventVersion":"1.0","accountId":"111122223333","eventId":"g","eventCategory":"Aggregated"}',
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_record_goes_in(name: str) -> None:
    raws = [THREE[0], ODD[name], THREE[1]]

    for read in (
        read_object(log_key(), log_file(raws)),
        read_object(log_key(), log_file(raws)[:-9]),  # a damaged container
    ):
        assert ODD[name] in read.raws
    assert list(read_object(log_key(), log_file(raws)).raws) == raws


LOOK_ALIKES = {
    "empty": (b"", "empty"),
    "blank": (b" \n", "empty"),
    "gzip of nothing": (gzip.compress(b"", mtime=0), "empty"),
    "package.json": (b'{"name":"x","version":"1"}', "no CloudTrail records"),
    "a text": (b"Permission Check Successful", "no CloudTrail records"),
    "a table": (b"eventVersion,eventTime\n1.0,x\n", "no CloudTrail records"),
    "other lines": (b'{"level":"info"}\n{"level":"warn"}\n', "no CloudTrail records"),
    "another log group": (
        b"2026-03-02T10:00:00.000Z START RequestId: x\n",
        "no CloudTrail records",
    ),
    "broken JSON": (b'{"name": "x", ', "no CloudTrail records"),
    "digest": (b'{"digestS3Object":"k","logFiles":[]}', "digest file, not events"),
    "Lake sign file": (
        b'{"version":"1.0","files":[],"hashSignature":"x"}',
        "Lake query result, not log files",
    ),
    "S3 notification": (
        b'{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{}}]}',
        "notification of a service, not events",
    ),
    "SQS event": (
        b'{"Records":[{"messageId":"1","body":"{}","eventSource":"aws:sqs"}]}',
        "notification of a service, not events",
    ),
    "SNS event": (
        b'{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0","Sns":{}}]}',
        "notification of a service, not events",
    ),
    "control message": (b'{"messageType":"CONTROL_MESSAGE","logEvents":[]}', "empty"),
    "no records": (b'{"Records":[]}', ""),
    "picture": (base64.b64decode("iVBORw0KGgoAAAANSUhEUg=="), "no CloudTrail records"),
}


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_what_looks_alike_is_passed_over_with_a_reason(name: str) -> None:
    content, reason = LOOK_ALIKES[name]

    read = read_object("some/file.json", content)

    assert (read.raws, read.quarantined, read.skipped) == ((), (), reason)


@pytest.mark.parametrize(
    "name", ["package.json", "a text", "broken JSON", "picture", "other lines"]
)
def test_under_the_key_of_a_log_file_it_is_a_finding(name: str) -> None:
    read = read_object(log_key(), LOOK_ALIKES[name][0])

    assert read.quarantined
    assert not read.skipped


def test_every_record_of_the_corpora_comes_through() -> None:
    seen = 0
    for path in sorted(CORPORA.glob("*/records.jsonl")):
        lines = path.read_bytes().splitlines()
        for content in (
            path.read_bytes(),
            log_file(lines),
            b"".join(lines),
            b"[" + b",\n".join(lines) + b"]",
        ):
            read = read_object("x", content)

            assert list(read.raws) == lines, path
            assert not read.quarantined
        seen += len(lines)
    for path in sorted(CORPORA.glob("invictus/*.json")):
        if path.name != "SOURCE.json":
            read = read_object(path.name, path.read_bytes())

            assert len(read.raws) == len(json.loads(path.read_bytes())["Records"])
            assert b",".join(read.raws) in path.read_bytes()
            seen += len(read.raws)
    for path in CORPORA.glob("plaso_lookup/original/**/*.jsonl"):
        assert read_object("x", path.read_bytes()).raws == tuple(
            (CORPORA / "plaso_lookup" / "records.jsonl").read_bytes().splitlines()
        )
    assert seen > 2000


def test_real_envelopes_are_opened() -> None:
    taken = 0
    for path in CORPORA.glob("custodian_cwe/original/**/*.json"):
        read = read_object(path.name, path.read_bytes())

        for raw in read.raws:
            assert raw in path.read_bytes()
            whole = json.loads(path.read_bytes())
            assert json.loads(raw) == whole.get("detail", whole)
            taken += 1
    assert taken >= 25
    assert record(1) == THREE[0]
