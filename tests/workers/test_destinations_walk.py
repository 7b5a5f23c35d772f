"""Organization trails, aggregated events, topics, log groups and keys on the delivery walk."""

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from workers_world import ACCOUNT, ARN, MINUTE, OTHER, START, Walk

from opentrail.adapters.destinations import AwsDestinations, AwsPlace
from opentrail.adapters.objects import EnvelopeObjectStore, MemoryObjectStore
from opentrail.digest.name import read_digest_key
from opentrail.errors import IntegrityError, Unavailable
from opentrail.logfile.delivered import DELIVERED_KIND
from opentrail.logfile.name import read_log_file_key
from opentrail.logfile.outgoing import NOTIFICATION_KIND
from opentrail.ports.destinations import DataKey, KmsKey
from opentrail.ports.objects import Encryption, ObjectContent
from opentrail.ports.state import Change
from opentrail.selectors import parse_advanced
from opentrail.trail.status import STATUS_KIND
from opentrail.trail.trail import TRAIL_KIND

THIRD = "333333333333"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:topic"
GROUP = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:trails:*"
DATA = parse_advanced([{"FieldSelectors": [
    {"Field": "eventCategory", "Equals": ["Data"]},
    {"Field": "resources.type", "Equals": ["AWS::S3::Object"]}]}])  # fmt: skip


@pytest.fixture
def walk(tmp_path: Path) -> Walk:
    return Walk(tmp_path)


def folders(walk: Walk, part: str) -> set[str]:
    found = (key.split("/") for key in walk.store.buckets["audit"] if part in key)
    return {"/".join(parts[: parts.index(part.strip("/"))]) for parts in found}


# Organizations


def test_an_organizations_trail_has_folders_of_its_own_for_every_account(walk: Walk) -> None:
    walk.trail(organization_id="o-0123456789", member_account_ids=(OTHER,))
    own, other = walk.call(), walk.call(recipientAccountId=OTHER)
    walk.call(recipientAccountId=THIRD)
    walk.minutes(90)

    places = {f"AWSLogs/o-0123456789/{one}" for one in (ACCOUNT, OTHER)}
    assert folders(walk, "/CloudTrail/") == places
    assert folders(walk, "/CloudTrail-Digest/") == places
    assert sorted(walk.ids()) == sorted([own, other])


def test_an_account_is_in_the_trail_from_its_joining_to_its_leaving(walk: Walk) -> None:
    walk.trail(organization_id="o-0123456789")
    walk.call(recipientAccountId=OTHER)
    walk.minutes(2)
    walk.trail(organization_id="o-0123456789", member_account_ids=(OTHER,))
    taken = walk.call(recipientAccountId=OTHER)
    walk.minutes(2)
    walk.trail(organization_id="o-0123456789")
    walk.call(recipientAccountId=OTHER)
    walk.minutes(130)

    assert walk.ids() == [taken]
    digests = [read_digest_key(key) for key in walk.store.buckets["audit"]]
    theirs = [one for one in digests if one is not None and one.account_id == OTHER]
    ours = [one for one in digests if one is not None and one.account_id == ACCOUNT]
    assert len(theirs) == 1
    assert len(ours) == 2


# Aggregated events


def read(walk: Walk, key: str) -> list[dict[str, Any]]:
    content = walk.store.buckets["audit"][key].body
    return list(json.loads(gzip.decompress(content))["Records"])


def aggregated(walk: Walk) -> list[dict[str, Any]]:
    keys = [key for key in walk.store.buckets["audit"] if "/CloudTrail-Aggregated/" in key]
    return [one for key in sorted(keys) for one in read(walk, key)]


def put(walk: Walk, key: str, **values: Any) -> None:
    walk.call(
        eventCategory="Data", managementEvent=False, eventSource="s3.amazonaws.com",
        eventName="PutObject", sourceIPAddress="10.0.0.1",
        userIdentity={"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/alice"},
        resources=[{"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::data/{key}"}], **values,
    )  # fmt: skip


def test_data_events_are_counted_in_windows_of_five_minutes(walk: Walk) -> None:
    walk.trail(advanced_event_selectors=DATA, aggregation_templates=("API_ACTIVITY",))
    for number in range(3):
        put(walk, f"{number % 2}")
    put(walk, "x", errorCode="AccessDenied")
    walk.call()
    walk.minutes(5)
    put(walk, "later")
    walk.minutes(12)

    first, second = aggregated(walk)
    assert first["accountId"] == ACCOUNT
    assert first["eventCategory"] == "Aggregated"
    assert first["timeWindow"] == {
        "windowStart": "2026-11-24T09:00:00Z", "windowEnd": "2026-11-24T09:05:00Z",
        "windowSize": "PT5M",
    }  # fmt: skip
    assert first["summary"]["primaryDimension"] == {
        "dimension": "eventName", "aggregationType": "Count",
        "statistics": [{"name": "PutObject", "value": 4}],
    }  # fmt: skip
    details = {one["dimension"]: one["statistics"] for one in first["summary"]["details"]}
    assert details["resourceARN"][0] == {"name": "arn:aws:s3:::data/0", "value": 2}
    assert details["errorCodes"] == [{"name": "AccessDenied", "value": 1}]
    assert second["timeWindow"]["windowStart"] == "2026-11-24T09:05:00Z"


def test_no_record_is_counted_twice_whenever_the_workers_die(walk: Walk) -> None:
    templates = ("API_ACTIVITY", "RESOURCE_ACCESS", "USER_ACTIONS")
    walk.trail(advanced_event_selectors=DATA, aggregation_templates=templates)
    for number in range(20):
        put(walk, f"{number % 3}")
        walk.clock.advance(MINUTE / 2)
        walk.restart()
        walk.step()
    walk.minutes(15)

    found = aggregated(walk)
    for name in ("eventName", "resourceARN", "userIdentity"):
        sums = [
            statistic["value"]
            for one in found
            if (primary := one["summary"]["primaryDimension"])["dimension"] == name
            for statistic in primary["statistics"]
        ]
        assert sum(sums) == 20
    assert len({one["eventId"] for one in found}) == len(found)


# Topics and log groups


def test_a_topic_is_told_of_every_file_once_it_takes_messages(walk: Walk) -> None:
    walk.trail(sns_topic_arn=TOPIC)
    walk.call()
    walk.minutes(2)
    assert walk.status().latest_notification_error == "NotFound"
    assert walk.status().latest_delivery_time is not None

    walk.outside.policies[TOPIC] = "{}"
    walk.call()
    walk.minutes(2)

    told = [json.loads(message) for _, message in walk.outside.published]
    keys = [key for one in told for key in one["s3ObjectKey"]]
    assert sorted(keys) == sorted(walk.log_files())
    assert {one["s3Bucket"] for one in told} == {"audit"}
    assert walk.status().latest_notification_error == ""
    assert not walk.state.list(NOTIFICATION_KIND)


def test_a_log_group_gets_every_record_and_holds_up_nothing_while_it_is_away(walk: Walk) -> None:
    walk.trail(cloud_watch_logs_log_group_arn=GROUP)
    ids = [walk.call()]
    walk.minutes(70)
    assert len(walk.log_files()) == 1
    assert len(walk.chain()) == 1
    assert walk.status().latest_logs_delivery_error == "NotFound"

    walk.outside.groups[GROUP] = {}
    ids.append(walk.call())
    walk.call(padding="x" * 300_000)
    walk.minutes(3)

    (stream,) = walk.outside.groups[GROUP].items()
    assert stream[0] == f"{ACCOUNT}_CloudTrail_us-east-1"
    assert [json.loads(one.message)["eventID"] for one in stream[1]] == ids
    assert stream[1][0].milliseconds > START.timestamp() * 1000
    assert walk.status().latest_logs_delivery_error == ""


# Keys


def test_an_encrypted_object_is_read_again_and_only_with_its_key_and_context(walk: Walk) -> None:
    under = MemoryObjectStore("audit")
    store = EnvelopeObjectStore(under, walk.outside.all().keys, encrypts=True)
    context = {"aws:cloudtrail:arn": ARN}
    content = ObjectContent(b"records", {"a": "b"}, Encryption("arn:aws:kms:r:1:key/k", context))

    store.put("audit", "k", content)

    stored = under.get("audit", "k")
    assert b"records" not in stored.body
    assert store.get("audit", "k") == ObjectContent(b"records", {"a": "b"})
    under.buckets["audit"]["k"] = ObjectContent(stored.body[:-1] + b"x", stored.metadata)
    with pytest.raises(IntegrityError):
        store.get("audit", "k")
    other = {**stored.metadata, "x-amz-matdesc": json.dumps({"aws:cloudtrail:arn": "another"})}
    under.buckets["audit"]["k"] = ObjectContent(stored.body, other)
    with pytest.raises((IntegrityError, Unavailable)):
        store.get("audit", "k")
    under.buckets["audit"]["k"] = ObjectContent(b"x", {"x-amz-key-v2": "no base64"})
    with pytest.raises(IntegrityError):
        store.get("audit", "k")


def test_aggregated_events_that_close_behind_the_trails_end_are_proved_too(walk: Walk) -> None:
    walk.trail(advanced_event_selectors=DATA, aggregation_templates=("API_ACTIVITY",))
    put(walk, "x")
    walk.minutes(2)
    walk.call(eventName="StopLogging")
    walk.trail(
        advanced_event_selectors=DATA, aggregation_templates=("API_ACTIVITY",), is_logging=False
    )
    walk.minutes(20)

    assert len(aggregated(walk)) == 1
    report = walk.verify()
    assert report.verdict == "VALID"
    assert not walk.state.list(DELIVERED_KIND)


def test_a_member_that_left_has_its_last_aggregated_events_proved(walk: Walk) -> None:
    data = {"advanced_event_selectors": DATA, "aggregation_templates": ("API_ACTIVITY",)}
    walk.trail(organization_id="o-0123456789", member_account_ids=(OTHER,), **data)
    put(walk, "x", recipientAccountId=OTHER)
    walk.minutes(2)
    walk.call(eventName="AccountDepartedOrganization")
    walk.trail(organization_id="o-0123456789", **data)
    walk.minutes(10)

    digests = [read_digest_key(key) for key in walk.store.buckets["audit"]]
    assert [one.account_id for one in digests if one is not None] == [OTHER]
    walk.minutes(60)
    assert [one["accountId"] for one in aggregated(walk)] == [OTHER]
    assert walk.verify().verdict == "VALID"
    assert not walk.state.list(DELIVERED_KIND)


def test_what_is_no_envelope_is_told_as_broken_whatever_its_metadata_say(walk: Walk) -> None:
    under = MemoryObjectStore("audit")
    keys = AwsDestinations(AwsPlace(endpoint=lambda _: "http://127.0.0.1:1", region="r")).all().keys
    store = EnvelopeObjectStore(under, keys, encrypts=True)
    for changed in (
        {"opentrail-kms-key": "no arn"},
        {"x-amz-matdesc": "[1]"},
        {"x-amz-matdesc": '{"a": 1}'},
        {"x-amz-matdesc": "[" * 100_000},
        {"x-amz-iv": ""},
    ):
        metadata = {
            "x-amz-key-v2": "YQ==", "x-amz-iv": "YQ==", "x-amz-matdesc": "{}",
            "opentrail-kms-key": "arn:aws:kms:us-east-1:1:key/k",
        } | changed  # fmt: skip
        under.buckets["audit"]["k"] = ObjectContent(b"x", metadata)
        with pytest.raises((IntegrityError, Unavailable)):
            store.get("audit", "k")


def test_a_disabled_key_holds_up_its_own_trail_alone_and_loses_nothing(walk: Walk) -> None:
    disabled = True

    class Keys:
        def data_key(self, arn: str, context: Mapping[str, str]) -> DataKey:
            if disabled:
                raise Unavailable("key is disabled", code="DisabledException")
            return known.data_key(arn, context)

        def unwrap(self, arn: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
            return known.unwrap(arn, wrapped, context)

        def find(self, key_id: str, region: str) -> KmsKey:
            return known.find(key_id, region)

    known = walk.outside.all().keys
    under = walk.store
    store = EnvelopeObjectStore(under, Keys(), encrypts=True)
    walk.store = cast("Any", store)
    walk.restart()
    walk.trail(kms_key_id="arn:aws:kms:us-east-1:1:key/k")
    first = walk.call()
    walk.minutes(70)
    failing = walk.status()
    walk.trail()
    second = walk.call()
    walk.minutes(3)
    plain = [key for key in under.buckets["audit"] if read_log_file_key(key) is not None]

    disabled = False
    walk.minutes(130)

    keys = [key for key in under.buckets["audit"] if read_log_file_key(key) is not None]
    records = [
        one["eventID"]
        for key in keys
        for one in json.loads(gzip.decompress(store.get("audit", key).body))["Records"]
    ]
    assert failing.latest_delivery_error == "DisabledException"
    assert failing.latest_delivery_time is None
    assert len(plain) == 1
    assert sorted(records) == sorted([first, second])
    assert walk.status().latest_delivery_error == ""
    assert walk.verify().verdict == "VALID"


def test_a_log_group_that_is_gone_holds_up_no_digest(walk: Walk) -> None:
    walk.trail(cloud_watch_logs_log_group_arn=GROUP)
    walk.call()
    walk.minutes(2)
    walk.call(eventName="StopLogging")
    walk.trail(cloud_watch_logs_log_group_arn=GROUP, is_logging=False)
    walk.minutes(5)

    assert [len(one.log_files) for one in walk.chain()] == [2]
    assert walk.verify().verdict == "VALID"


def test_a_topic_that_the_trail_has_no_more_is_not_told_for_ever(walk: Walk) -> None:
    walk.trail(sns_topic_arn=TOPIC)
    walk.call()
    walk.minutes(2)
    failing = walk.status().latest_notification_error

    walk.call(eventName="UpdateTrail")
    walk.trail()
    walk.minutes(3)

    assert failing == "NotFound"
    assert not walk.state.list(NOTIFICATION_KIND)
    assert walk.status().latest_notification_error == ""


def test_a_deleted_trails_topic_that_is_gone_leaves_nothing_behind(walk: Walk) -> None:
    walk.trail(sns_topic_arn=TOPIC, log_file_validation_enabled=False)
    walk.call()
    walk.minutes(2)
    walk.call(eventName="DeleteTrail")
    walk.turn(None)
    walk.state.apply([Change(TRAIL_KIND, ARN, None)])
    walk.minutes(5)

    assert not walk.state.list(NOTIFICATION_KIND)
    assert not walk.state.list(STATUS_KIND)
