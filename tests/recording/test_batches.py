"""DeleteObjects: a record of its own and one for each object."""

import itertools
import json
from typing import Any

from wire import call_of, request_of

from opentrail.aws.decode import read_call
from opentrail.recording import RecordFacts, compose, object_records

FACTS = RecordFacts(event_id="own", account_id="123456789012")
OBJECTS = [{"Key": "a"}, {"Key": "b/ü <&>", "VersionId": "v1"}, {"Key": "kept"}]
XML = "http://s3.amazonaws.com/doc/2006-03-01/"


def recorded(answer: str, *, status: int = 200, quiet: bool = False) -> list[dict[str, Any]]:
    request = request_of("s3", "DeleteObjects", {
        "Bucket": "papers", "Delete": {"Objects": OBJECTS, "Quiet": quiet}})  # fmt: skip
    call = read_call(call_of(request, status=status, body=answer.encode()), "us-east-1")
    own = compose(call, None, facts=FACTS)
    ids = itertools.count(1)
    return [json.loads(one) for one in object_records(call, own, lambda: f"id-{next(ids)}")]


ERRORS = "<Error><Key>kept</Key><Code>AccessDenied</Code><Message>no</Message></Error>"


def test_each_deleted_object_has_a_record() -> None:
    deleted = "<Deleted><Key>a</Key></Deleted><Deleted><Key>b/ü &lt;&amp;&gt;</Key></Deleted>"

    first, second = recorded(f'<DeleteResult xmlns="{XML}">{deleted}{ERRORS}</DeleteResult>')

    assert (first["eventName"], first["eventType"]) == ("DeleteObject", "AwsServiceEvent")
    assert first["requestParameters"]["key"] == "a"
    assert first["resources"][0]["ARN"] == "arn:aws:s3:::papers/a"
    assert (first["eventID"], second["eventID"]) == ("id-1", "id-2")
    assert second["requestParameters"]["versionId"] == "v1"
    assert second["requestParameters"]["key"] == "b/ü <&>"
    assert (first["managementEvent"], first["eventCategory"]) == (False, "Data")


def test_a_quiet_batch_has_them_too() -> None:
    keys = [
        one["requestParameters"]["key"]
        for one in recorded(f'<DeleteResult xmlns="{XML}">{ERRORS}</DeleteResult>', quiet=True)
    ]

    assert keys == ["a", "b/ü <&>"]


def test_a_refused_batch_deleted_nothing() -> None:
    assert recorded("<Error><Code>AccessDenied</Code></Error>", status=403) == []


def test_another_call_has_one_record() -> None:
    call = read_call(call_of(request_of("s3", "DeleteObject", {"Bucket": "papers", "Key": "a"})),
                     "us-east-1")  # fmt: skip

    assert object_records(call, compose(call, None, facts=FACTS), lambda: "x") == ()
