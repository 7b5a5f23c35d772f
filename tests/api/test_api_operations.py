"""The operations as boto3 sees them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from api_world import ACCOUNT, OTHER, ApiWorld, record
from botocore.exceptions import ClientError

from opentrail.api.cloudtrail.history import lookup_events
from opentrail.api.cloudtrail.operations import HANDLERS, NOT_YET
from opentrail.api.outcome import Caller
from opentrail.ports.state import Change
from opentrail.trail.status import STATUS_KIND, TrailStatus, status_key

ARN = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/main"


@pytest.fixture
def world(tmp_path: Path) -> ApiWorld:
    return ApiWorld(tmp_path)


@pytest.fixture
def client(world: ApiWorld) -> Any:
    return world.client()


@pytest.fixture
def trail(client: Any) -> dict[str, Any]:
    return client.create_trail(Name="main", S3BucketName="audit")


def code_of(call: Any, /, **parameters: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    return refused.value.response["Error"]["Code"]


def test_a_trail_is_described_as_it_was_made(client: Any) -> None:
    made = client.create_trail(
        Name="main", S3BucketName="audit", S3KeyPrefix="logs", IsMultiRegionTrail=True,
        EnableLogFileValidation=True, TagsList=[{"Key": "b", "Value": "2"}, {"Key": "a"}],
    )  # fmt: skip
    got = client.get_trail(Name="main")["Trail"]
    listed = client.list_trails()["Trails"]

    assert made["TrailARN"] == ARN
    assert got["S3KeyPrefix"] == "logs"
    assert (got["HomeRegion"], got["LogFileValidationEnabled"]) == ("us-east-1", True)
    assert (got["HasCustomEventSelectors"], got["IsOrganizationTrail"]) == (False, False)
    assert listed == [{"TrailARN": ARN, "Name": "main", "HomeRegion": "us-east-1"}]
    tags = client.list_tags(ResourceIdList=[ARN])["ResourceTagList"][0]["TagsList"]
    assert tags == [{"Key": "a", "Value": ""}, {"Key": "b", "Value": "2"}]


def test_an_update_changes_only_what_it_names(client: Any, trail: Any) -> None:
    client.update_trail(Name="main", S3BucketName="second")
    client.update_trail(Name=ARN, EnableLogFileValidation=True)

    got = client.get_trail(Name="main")["Trail"]
    assert (got["S3BucketName"], got["LogFileValidationEnabled"]) == ("second", True)


def test_a_deleted_trail_is_gone(client: Any, trail: Any) -> None:
    client.delete_trail(Name="main")

    assert code_of(client.get_trail, Name="main") == "TrailNotFoundException"
    assert client.describe_trails()["trailList"] == []


def test_logging_starts_and_stops_and_the_status_tells(client: Any, trail: Any) -> None:
    assert client.get_trail_status(Name="main")["IsLogging"] is False
    client.start_logging(Name="main")
    client.start_logging(Name="main")
    started = client.get_trail_status(Name="main")
    client.stop_logging(Name=ARN)
    stopped = client.get_trail_status(Name="main")

    assert (started["IsLogging"], "StartLoggingTime" in started) == (True, True)
    assert (stopped["IsLogging"], "StopLoggingTime" in stopped) == (False, True)


def test_selectors_are_got_as_they_were_put(client: Any, trail: Any) -> None:
    assert (
        client.get_event_selectors(TrailName="main")["EventSelectors"][0]["ReadWriteType"] == "All"
    )
    basic = [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True, "DataResources": [
        {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::b/"]}],
        "ExcludeManagementEventSources": []}]  # fmt: skip
    client.put_event_selectors(TrailName="main", EventSelectors=basic)
    assert client.get_event_selectors(TrailName=ARN)["EventSelectors"] == basic
    advanced = [{"Name": "n", "FieldSelectors": [
        {"Field": "eventCategory", "Equals": ["Data"]},
        {"Field": "resources.type", "Equals": ["AWS::S3::Object"]}]}]  # fmt: skip
    client.put_event_selectors(TrailName="main", AdvancedEventSelectors=advanced)

    got = client.get_event_selectors(TrailName="main")
    assert got["AdvancedEventSelectors"] == advanced
    assert "EventSelectors" not in got
    assert client.get_trail(Name="main")["Trail"]["HasCustomEventSelectors"] is True


def test_tags_are_added_replaced_and_removed(client: Any, trail: Any) -> None:
    client.add_tags(
        ResourceId=ARN, TagsList=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "1"}]
    )
    client.add_tags(ResourceId=ARN, TagsList=[{"Key": "a", "Value": "2"}])
    client.remove_tags(ResourceId=ARN, TagsList=[{"Key": "b"}, {"Key": "none"}])

    (found,) = client.list_tags(ResourceIdList=[ARN])["ResourceTagList"]
    assert found == {"ResourceId": ARN, "TagsList": [{"Key": "a", "Value": "2"}]}


def test_a_multi_region_trail_shows_in_other_regions_as_a_shadow(world: ApiWorld) -> None:
    home, away = world.client(), world.client("eu-west-1")
    home.create_trail(Name="multi", S3BucketName="audit", IsMultiRegionTrail=True)
    home.create_trail(Name="single", S3BucketName="audit")

    assert [one["Name"] for one in away.describe_trails()["trailList"]] == ["multi"]
    assert away.describe_trails(includeShadowTrails=False)["trailList"] == []
    assert len(away.list_trails()["Trails"]) == 2
    multi = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/multi"
    assert code_of(away.stop_logging, Name=multi) == "InvalidHomeRegionException"


def test_the_tags_of_a_shadow_are_listed(world: ApiWorld) -> None:
    world.client().create_trail(
        Name="main", S3BucketName="audit", IsMultiRegionTrail=True, TagsList=[{"Key": "a"}]
    )

    (found,) = world.client("eu-west-1").list_tags(ResourceIdList=[ARN])["ResourceTagList"]

    assert found["TagsList"] == [{"Key": "a", "Value": ""}]


def test_a_trail_goes_to_every_region_and_back(client: Any, world: ApiWorld, trail: Any) -> None:
    away = world.client("eu-west-1")

    multi = client.update_trail(Name="main", IsMultiRegionTrail=True)
    shadows = away.describe_trails()["trailList"]
    single = client.update_trail(Name="main", IsMultiRegionTrail=False)

    assert multi["IncludeGlobalServiceEvents"] is True
    assert [one["TrailARN"] for one in shadows] == [ARN]
    assert single["IncludeGlobalServiceEvents"] is False
    assert away.describe_trails()["trailList"] == []
    assert code_of(away.get_trail_status, Name=ARN) == "TrailNotFoundException"


def test_each_region_has_its_own_status(world: ApiWorld) -> None:
    home, away = world.client(), world.client("eu-west-1")
    home.create_trail(Name="main", S3BucketName="audit", IsMultiRegionTrail=True)
    when = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    status = msgspec.json.encode(TrailStatus(latest_delivery_time=when))
    world.state.apply([Change(STATUS_KIND, status_key(ARN, "eu-west-1"), status)])

    assert away.get_trail_status(Name=ARN)["LatestDeliveryTime"] == when
    assert "LatestDeliveryTime" not in home.get_trail_status(Name=ARN)


def test_every_paginator_of_boto3_comes_to_an_end(client: Any, trail: Any) -> None:
    parameters: dict[str, dict[str, Any]] = {
        "list_insights_data": {"InsightSource": ARN, "DataType": "InsightsEvents"},
        "list_tags": {"ResourceIdList": [ARN]},
    }
    done = {name for name, api in client.meta.method_to_api_mapping.items() if api in HANDLERS}
    paginated = {name for name in done if client.can_paginate(name)}

    for name in paginated:
        assert len(list(client.get_paginator(name).paginate(**parameters.get(name, {})))) == 1

    assert paginated == {"list_insights_data", "list_public_keys", "list_tags", "list_trails",
                         "lookup_events"}  # fmt: skip
    assert client.waiter_names == []


def test_another_accounts_trails_are_not_there(world: ApiWorld, trail: Any) -> None:
    other = world.client(account=OTHER)

    assert other.list_trails()["Trails"] == []
    assert other.describe_trails()["trailList"] == []
    for call in (other.get_trail, other.delete_trail, other.start_logging, other.get_trail_status,
                 other.update_trail):  # fmt: skip
        assert code_of(call, Name=ARN) == "TrailNotFoundException"
    assert code_of(other.get_event_selectors, TrailName=ARN) == "TrailNotFoundException"
    assert code_of(other.list_tags, ResourceIdList=[ARN]) == "ResourceNotFoundException"


def test_public_keys_are_listed_for_a_time(client: Any, world: ApiWorld) -> None:
    now = datetime.now(UTC)
    world.backends.signer.current_key("us-east-1", now)

    (key,) = client.list_public_keys(StartTime=now, EndTime=now)["PublicKeyList"]

    assert len(key["Fingerprint"]) == 32
    assert key["ValidityStartTime"] <= now <= key["ValidityEndTime"]
    old = now - timedelta(days=300)
    assert client.list_public_keys(StartTime=old, EndTime=old)["PublicKeyList"] == []


# LookupEvents


def remember(world: ApiWorld, *records: dict[str, Any]) -> None:
    world.events.append([json.dumps(one).encode() for one in records])


def test_events_come_newest_first_in_pages_with_their_record(client: Any, world: ApiWorld) -> None:
    now = datetime.now(UTC)
    remember(world, *(record(number, now - timedelta(seconds=100 - number)) for number in range(5)))

    pages = list(client.get_paginator("lookup_events").paginate(PaginationConfig={"PageSize": 2}))

    events = [event for page in pages for event in page["Events"]]
    assert [len(page["Events"]) for page in pages] == [2, 2, 1]
    assert [one["EventName"] for one in events] == ["Call4", "Call3", "Call2", "Call1", "Call0"]
    assert events[0]["Username"] == "alice"
    assert json.loads(events[0]["CloudTrailEvent"]) == record(4, now - timedelta(seconds=96))


def test_the_last_page_begins_where_the_first_page_s_range_does(world: ApiWorld) -> None:
    now = datetime.now(UTC)
    begin = now.replace(microsecond=0) - timedelta(seconds=50)
    remember(world, *(record(number, begin + timedelta(seconds=number)) for number in range(3)))
    credential = world.identities.find(f"AKIA{ACCOUNT}")
    assert credential is not None
    caller = Caller(
        credential=credential, account_id=ACCOUNT, region="us-east-1", request_id="", now=now
    )
    asked = {"StartTime": begin.timestamp() + 0.5, "MaxResults": 1}

    first = lookup_events(asked, caller, world.backends).output
    last = lookup_events(asked | {"NextToken": first["NextToken"]}, caller, world.backends).output

    assert [page["Events"][0]["EventName"] for page in (first, last)] == ["Call2", "Call1"]
    assert "NextToken" not in last


@pytest.mark.parametrize(
    ("key", "value", "count"),
    [("EventName", "Call1", 1), ("EventId", "id-2", 1), ("Username", "alice", 3),
     ("EventSource", "iam.amazonaws.com", 3), ("AccessKeyId", "AKIA1", 3), ("ReadOnly", "false", 3),
     ("ReadOnly", "true", 0), ("Username", "ALICE", 0), ("ResourceName", "none", 0),
     ("ResourceType", "AWS::IAM::User", 0)],
)  # fmt: skip
def test_events_are_found_by_attribute(
    client: Any, world: ApiWorld, key: str, value: str, count: int
) -> None:
    now = datetime.now(UTC)
    remember(world, *(record(number, now) for number in range(3)))

    found = client.lookup_events(LookupAttributes=[{"AttributeKey": key, "AttributeValue": value}])

    assert len(found["Events"]) == count


# Errors: at least one case for each that an implemented operation gives


def many(number: int) -> list[dict[str, str]]:
    return [{"Key": f"k{one}"} for one in range(number)]


ERRORS: list[tuple[str, dict[str, Any], str]] = [
    ("create_trail", {"Name": "ab", "S3BucketName": "audit"}, "InvalidTrailNameException"),
    ("create_trail", {"Name": "a..b", "S3BucketName": "audit"}, "InvalidTrailNameException"),
    ("create_trail", {"Name": "main", "S3BucketName": "audit"}, "TrailAlreadyExistsException"),
    ("create_trail", {"Name": "main_us-east-1_x", "S3BucketName": "audit"},
     "InvalidTrailNameException"),
    ("create_trail", {"Name": "new", "S3BucketName": "Audit"}, "InvalidS3BucketNameException"),
    ("create_trail", {"Name": "new", "S3BucketName": "none"}, "S3BucketDoesNotExistException"),
    ("create_trail", {"Name": "new", "S3BucketName": "audit", "S3KeyPrefix": "a//b"},
     "InvalidS3PrefixException"),
    ("create_trail", {"Name": "new", "S3BucketName": "audit", "IsMultiRegionTrail": True,
                      "IncludeGlobalServiceEvents": False}, "InvalidParameterCombinationException"),
    ("create_trail", {"Name": "new", "S3BucketName": "audit", "IsOrganizationTrail": True},
     "OrganizationsNotInUseException"),
    ("create_trail", {"Name": "new", "S3BucketName": "audit", "TagsList": many(51)},
     "TagsLimitExceededException"),
    ("create_trail", {"Name": "new", "S3BucketName": "audit", "TagsList": [{"Key": "aws:x"}]},
     "InvalidTagParameterException"),
    ("get_trail", {"Name": "none"}, "TrailNotFoundException"),
    ("get_trail", {"Name": "arn:aws:s3:::b"}, "CloudTrailARNInvalidException"),
    ("delete_trail", {"Name": "none"}, "TrailNotFoundException"),
    ("update_trail", {"Name": "main", "S3BucketName": "none"}, "S3BucketDoesNotExistException"),
    ("start_logging", {"Name": "x"}, "InvalidTrailNameException"),
    ("get_trail_status", {"Name": "none"}, "TrailNotFoundException"),
    ("put_event_selectors", {"TrailName": "main", "EventSelectors": [{"ReadWriteType": "Some"}]},
     "InvalidEventSelectorsException"),
    ("put_event_selectors", {"TrailName": "main", "AdvancedEventSelectors": [
        {"FieldSelectors": [{"Field": "eventName", "Equals": ["x"]}]}]},
     "InvalidEventSelectorsException"),
    ("get_insight_selectors", {"TrailName": "main"}, "InsightNotEnabledException"),
    ("add_tags", {"ResourceId": "main", "TagsList": many(1)}, "CloudTrailARNInvalidException"),
    ("add_tags", {"ResourceId": ARN + "x", "TagsList": many(1)}, "ResourceNotFoundException"),
    ("add_tags", {"ResourceId": ARN, "TagsList": many(51)}, "TagsLimitExceededException"),
    ("add_tags", {"ResourceId": ARN, "TagsList": [{"Key": "a"}, {"Key": "a"}]},
     "InvalidTagParameterException"),
    ("list_tags", {"ResourceIdList": [ARN], "NextToken": "x"}, "InvalidTokenException"),
    ("list_trails", {"NextToken": "x"}, "InvalidNextTokenException"),
    ("list_public_keys", {"StartTime": 2, "EndTime": 1}, "InvalidTimeRangeException"),
    ("lookup_events", {"MaxResults": 51}, "InvalidMaxResultsException"),
    ("lookup_events", {"NextToken": "x"}, "InvalidNextTokenException"),
    ("lookup_events", {"StartTime": 2_000_000_000, "EndTime": 1}, "InvalidTimeRangeException"),
    ("lookup_events", {"LookupAttributes": [
        {"AttributeKey": "EventName", "AttributeValue": "x" * 2001}]},
     "InvalidLookupAttributesException"),
    ("lookup_events", {"EventCategory": "data"}, "InvalidEventCategoryException"),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "parameters", "code"), ERRORS)
def test_a_call_against_the_rules_gets_the_modelled_error(
    client: Any, trail: Any, operation: str, parameters: dict[str, Any], code: str
) -> None:
    assert code_of(getattr(client, operation), **parameters) == code


def test_a_sixth_trail_is_refused(client: Any) -> None:
    for number in range(5):
        client.create_trail(Name=f"trail-{number}", S3BucketName="audit")

    code = code_of(client.create_trail, Name="trail-6", S3BucketName="audit")

    assert code == "MaximumNumberOfTrailsExceededException"


def test_every_operation_is_done_or_named_as_not_yet_done(client: Any) -> None:
    operations = set(client.meta.service_model.operation_names) | {"PutAuditEvents"}

    assert operations == HANDLERS.keys() | NOT_YET
    assert not HANDLERS.keys() & NOT_YET


@pytest.mark.parametrize("operation", sorted(NOT_YET - {"PutAuditEvents"}))
def test_an_operation_not_done_says_so(world: ApiWorld, operation: str) -> None:
    client = world.client(parameter_validation=False)
    names = {name: python for python, name in client.meta.method_to_api_mapping.items()}

    assert code_of(getattr(client, names[operation])) == "UnsupportedOperationException"
