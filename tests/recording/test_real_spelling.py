"""Parameters as real records spell them, where no rule tells it."""

import json
from typing import Any

import pytest
from wire import call_of, request_of

from opentrail.aws.decode import read_call
from opentrail.recording import RecordFacts, compose

FACTS = RecordFacts(event_id="e", account_id="123456789012")


def parameters(service: str, operation: str, given: dict[str, Any]) -> Any:
    call = read_call(call_of(request_of(service, operation, given)), "us-east-1")
    found = json.loads(compose(call, None, facts=FACTS))["requestParameters"]
    found.pop("clientToken", None)  # boto3 makes one up
    return found


@pytest.mark.parametrize(
    ("service", "operation", "given", "spelled"),
    [
        ("ec2", "RunInstances",
         {"ImageId": "ami-1", "MinCount": 1, "MaxCount": 2, "KeyName": "k", "InstanceType": "t1.micro",
          "SecurityGroupIds": ["sg-1"], "Placement": {"AvailabilityZone": "eu-west-1a"}},
         {"instancesSet": {"items": [
             {"imageId": "ami-1", "minCount": 1, "maxCount": 2, "keyName": "k"}]},
          "groupSet": {"items": [{"groupId": "sg-1"}]}, "instanceType": "t1.micro",
          "availabilityZone": "eu-west-1a"}),
        ("ec2", "DescribeSnapshots", {"RestorableByUserIds": ["self"], "OwnerIds": ["self"]},
         {"sharedUsersSet": {"items": [{"user": "self"}]},
          "ownersSet": {"items": [{"owner": "self"}]}}),
        ("ec2", "DescribeSecurityGroups", {"GroupNames": ["web"]},
         {"securityGroupSet": {"items": [{"groupName": "web"}]}}),
        ("ec2", "CreateVolume", {"AvailabilityZone": "us-east-1a", "SnapshotId": "snap-1"},
         {"zone": "us-east-1a", "snapshotId": "snap-1"}),
        ("ec2", "DescribeAccountAttributes", {"AttributeNames": ["supported-platforms"]},
         {"accountAttributeNameSet": {"items": [{"attributeName": "supported-platforms"}]}}),
        ("ec2", "DescribeImages", {"Filters": [{"Name": "name", "Values": ["a"]}]},
         {"filterSet": {"items": [{"name": "name", "valueSet": {"items": [{"value": "a"}]}}]}}),
        ("ce", "GetCostForecast",
         {"TimePeriod": {"Start": "2026-01-01", "End": "2026-02-01"}, "Metric": "UNBLENDED_COST",
          "Granularity": "DAILY"},
         {"TimePeriod": {"Start": "2026-01-01", "End": "2026-02-01"}, "Metric": "UNBLENDED_COST",
          "Granularity": "DAILY"}),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)  # fmt: skip
def test_as_in_real_records(
    service: str, operation: str, given: dict[str, Any], spelled: dict[str, Any]
) -> None:
    assert parameters(service, operation, given) == spelled
