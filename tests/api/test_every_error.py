"""Every error that an operation done here can return, at least once, as boto3 sees it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from api_world import ACCOUNT, ALL_MAY, OTHER, THIRD, ApiWorld
from botocore.exceptions import ClientError
from organizations import NOW, Setting, organization

from opentrail.api.cloudtrail.operations import HANDLERS
from opentrail.api.errors import NEVER, as_api_error
from opentrail.aws.models import service_model
from opentrail.errors import StateConflict, Unavailable
from opentrail.ports.destinations import KmsKey, Role
from opentrail.trail.organization import DelegatedAdmin
from opentrail.trail.quotas import Quotas

ARN = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/main"
UUID = "11111111-2222-3333-4444-555555555555"
STORE = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:eventdatastore/{UUID}"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:topic"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{UUID}"
GROUP = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:trails:*"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/to-logs"
NOTHING = json.dumps({"Statement": {"Effect": "Deny", "Principal": "*", "Action": "*"}})


def bucket_policy(text: str | None) -> Setting:
    def put(world: ApiWorld) -> None:
        world.store.policies.pop("second")
        if text is not None:
            world.store.policies["second"] = text

    return put


def topic(policy: str) -> Setting:
    return lambda world: world.outside.policies.update({TOPIC: policy})


def key(**values: Any) -> Setting:
    usual: dict[str, Any] = {"arn": KEY, "enabled": True, "symmetric": True, "policy": ALL_MAY}
    return lambda world: world.outside.known_keys.update({KEY: KmsKey(**(usual | values))})


def group(trust: str = ALL_MAY, *policies: str) -> Setting:
    def make(world: ApiWorld) -> None:
        world.outside.groups[GROUP] = {}
        world.outside.known_roles[ROLE] = Role(trust_policy=trust, policies=policies)

    return make


class _Away:
    def exists(self, arn: str) -> bool:
        raise Unavailable("no answer")


def logs_away(world: ApiWorld) -> None:
    world.backends = replace(
        world.backends, destinations=replace(world.outside.all(), log_groups=_Away())
    )


def members_trail(world: ApiWorld) -> None:
    """`main` belongs to the organization, whose management account is the other account."""
    organization(OTHER, ACCOUNT)(world)
    owner = world.client(account=OTHER)
    owner.create_trail(Name="theirs", S3BucketName="audit", IsOrganizationTrail=True)


def full_elsewhere(world: ApiWorld) -> None:
    """`main` is in every region; eu-west-1 has two more trails of its own."""
    world.limit(trails_per_region=3)
    world.serve()
    for name in ("one", "two"):
        world.client("eu-west-1").create_trail(Name=name, S3BucketName="audit")


def nothing(world: ApiWorld) -> None: ...


def new(**values: Any) -> dict[str, Any]:
    return {"Name": "new", "S3BucketName": "second", **values}


THEIRS = f"arn:aws:cloudtrail:us-east-1:{OTHER}:trail/theirs"
INSIGHT = [{"InsightType": "ApiCallRateInsight"}]
ON_DATA = [{"InsightType": "ApiCallRateInsight", "EventCategories": ["Data"]}]
AGGREGATED = [{"EventCategory": "Data", "Templates": ["API_ACTIVITY"]}]
METRIC = {"EventSource": "s3.amazonaws.com", "EventName": "PutObject"}
LOGS = {"CloudWatchLogsLogGroupArn": GROUP, "CloudWatchLogsRoleArn": ROLE}
TAG = [{"Key": "a"}]
COMMON = {"SerializationException", "ThrottlingException", "ValidationException"}
"""Errors of any operation, whatever its model names."""

CASES: list[tuple[str, Setting, str, dict[str, Any], str]] = [
    # Names
    ("create_trail", nothing, "InvalidTrailNameException", new(Name="a--b"), "adjacent"),
    ("create_trail", nothing, "TrailAlreadyExistsException", new(Name="main"), "main already"),
    ("get_trail", nothing, "CloudTrailARNInvalidException", {"Name": STORE}, "eventdatastore"),
    ("get_trail", nothing, "TrailNotFoundException", {"Name": "none"},
     f"Unknown trail: {ARN.replace('main', 'none')} for the user: {ACCOUNT}"),
    # Buckets
    ("create_trail", nothing, "InvalidS3BucketNameException", new(S3BucketName="A"), "'A'"),
    ("create_trail", nothing, "InvalidS3PrefixException", new(S3KeyPrefix="/"), "'/'"),
    ("create_trail", nothing, "S3BucketDoesNotExistException", new(S3BucketName="none"),
     "S3 bucket none does not exist!"),
    ("create_trail", bucket_policy(None), "InsufficientS3BucketPolicyException", new(),
     "Incorrect S3 bucket policy is detected for bucket: second"),
    ("create_trail", bucket_policy(NOTHING), "InsufficientS3BucketPolicyException", new(), ""),
    ("create_trail", bucket_policy("no JSON"), "InsufficientS3BucketPolicyException", new(), ""),
    ("update_trail", bucket_policy(None), "InsufficientS3BucketPolicyException",
     {"Name": "main", "S3BucketName": "second"}, "second"),
    # Topics
    ("create_trail", nothing, "InvalidSnsTopicNameException", new(SnsTopicName="a b"), "'a b'"),
    ("create_trail", nothing, "InsufficientSnsTopicPolicyException", new(SnsTopicName="topic"),
     "SNS Topic does not exist or the topic policy is incorrect!"),
    ("create_trail", topic(NOTHING), "InsufficientSnsTopicPolicyException",
     new(SnsTopicName=TOPIC), ""),
    # Keys
    ("create_trail", nothing, "InvalidKmsKeyIdException", new(KmsKeyId="what"), "'what'"),
    ("create_trail", nothing, "KmsKeyNotFoundException", new(KmsKeyId="alias/none"), "alias/none"),
    ("create_trail", key(symmetric=False), "InvalidKmsKeyIdException", new(KmsKeyId=KEY), ""),
    ("create_trail", key(enabled=False), "KmsException", new(KmsKeyId=KEY), "not enabled"),
    ("create_trail", key(policy=NOTHING), "InsufficientEncryptionPolicyException",
     new(KmsKeyId=KEY), "second"),
    # Log groups
    ("create_trail", nothing, "InvalidCloudWatchLogsLogGroupArnException",
     new(CloudWatchLogsRoleArn=ROLE), "log group ARN"),
    ("create_trail", nothing, "InvalidCloudWatchLogsRoleArnException",
     new(CloudWatchLogsLogGroupArn=GROUP), "role ARN"),
    ("create_trail", nothing, "InvalidCloudWatchLogsLogGroupArnException", new(**LOGS), "validate"),
    ("create_trail", group(), "InvalidCloudWatchLogsLogGroupArnException",
     new(**LOGS | {"CloudWatchLogsLogGroupArn": GROUP.removesuffix(":*")}), "validate"),
    ("create_trail", group(NOTHING, ALL_MAY), "InvalidCloudWatchLogsRoleArnException", new(**LOGS),
     "Access denied. Check the permissions for your role."),
    ("create_trail", group(ALL_MAY, NOTHING), "InvalidCloudWatchLogsRoleArnException", new(**LOGS),
     "Access denied"),
    ("create_trail", logs_away, "CloudWatchLogsDeliveryUnavailableException", new(**LOGS), ""),
    # Combinations, numbers, tags
    ("create_trail", nothing, "InvalidParameterCombinationException",
     new(IsMultiRegionTrail=True, IncludeGlobalServiceEvents=False),
     "Multi-Region trail must include global service events."),
    ("create_trail", lambda world: world.limit(trails_per_region=1),
     "MaximumNumberOfTrailsExceededException", new(),
     f"User: {ACCOUNT} already has 1 trails in us-east-1."),
    ("create_trail", nothing, "InvalidTagParameterException", new(TagsList=TAG * 2), "twice"),
    ("create_trail", lambda world: world.limit(tags_per_resource=0), "TagsLimitExceededException",
     new(TagsList=TAG), ""),
    ("add_tags", nothing, "CloudTrailARNInvalidException",
     {"ResourceId": "main", "TagsList": TAG}, ""),
    ("add_tags", nothing, "ResourceNotFoundException",
     {"ResourceId": f"{ARN}x", "TagsList": TAG}, ""),
    ("add_tags", nothing, "ResourceTypeNotSupportedException",
     {"ResourceId": "arn:aws:s3:::b", "TagsList": TAG}, ""),
    ("add_tags", nothing, "EventDataStoreNotFoundException",
     {"ResourceId": STORE, "TagsList": TAG}, ""),
    ("add_tags", nothing, "EventDataStoreARNInvalidException",
     {"ResourceId": STORE + "x", "TagsList": TAG}, ""),
    ("remove_tags", nothing, "ChannelARNInvalidException",
     {"ResourceId": STORE.replace("eventdatastore", "channel") + "x", "TagsList": TAG}, ""),
    ("remove_tags", nothing, "ChannelNotFoundException",
     {"ResourceId": STORE.replace("eventdatastore", "channel"), "TagsList": TAG}, ""),
    ("list_tags", nothing, "InvalidTokenException", {"ResourceIdList": [ARN], "NextToken": "x"},
     ""),
    ("list_tags", nothing, "ValidationException", {"ResourceIdList": [ARN] * 21}, "21"),
    # Regions
    ("add_tags", nothing, "ResourceNotFoundException", {"ResourceId": ARN, "TagsList": TAG},
     "can be changed only in its home region, us-east-1"),
    ("create_trail", full_elsewhere, "MaximumNumberOfTrailsExceededException",
     new(IsMultiRegionTrail=True), f"User: {ACCOUNT} already has 3 trails in eu-west-1."),
    ("delete_trail", nothing, "InvalidHomeRegionException", {"Name": ARN},
     "can be changed only in its home region, us-east-1; this is eu-west-1."),
    # Selectors
    ("put_event_selectors", nothing, "InvalidEventSelectorsException", {"TrailName": "main"}, ""),
    ("put_event_selectors", lambda world: world.limit(event_selectors=0),
     "InvalidEventSelectorsException",
     {"TrailName": "main", "EventSelectors": [{"ReadWriteType": "All"}]}, ""),
    ("put_insight_selectors", nothing, "InvalidInsightSelectorsException",
     {"TrailName": "main", "InsightSelectors": ON_DATA}, "data events"),
    ("put_insight_selectors", nothing, "InvalidInsightSelectorsException",
     {"TrailName": "main", "InsightSelectors": [{"InsightType": "Guess"}]},
     "Member must satisfy enum value set: [ApiCallRateInsight, ApiErrorRateInsight]"),
    ("put_insight_selectors", nothing, "InvalidParameterCombinationException",
     {"TrailName": "main", "EventDataStore": STORE, "InsightSelectors": INSIGHT}, ""),
    ("get_insight_selectors", nothing, "InsightNotEnabledException", {"TrailName": "main"},
     f"Trail {ARN} does not have Insights enabled."),
    ("get_insight_selectors", nothing, "UnsupportedOperationException",
     {"EventDataStore": STORE}, "event data stores"),
    ("put_event_configuration", nothing, "InvalidParameterException",
     {"TrailName": "main", "AggregationConfigurations": AGGREGATED}, "data events"),
    ("put_event_configuration", nothing, "InvalidParameterCombinationException",
     {"TrailName": "main", "MaxEventSize": "Large"}, ""),
    ("get_event_configuration", nothing, "EventDataStoreNotFoundException",
     {"EventDataStore": STORE}, ""),
    ("get_event_configuration", nothing, "InvalidParameterCombinationException", {}, ""),
    # Insights
    ("list_insights_data", nothing, "InvalidParameterException",
     {"InsightSource": f"{ARN}x", "DataType": "InsightsEvents"}, "Unknown trail"),
    ("list_insights_data", nothing, "InvalidParameterException",
     {"InsightSource": ARN, "DataType": "InsightsEvents", "MaxResults": 51}, "50"),
    ("list_insights_data", nothing, "InvalidParameterException",
     {"InsightSource": "arn:none", "DataType": "InsightsEvents"}, "'arn:none'"),
    ("list_insights_metric_data", nothing, "InvalidParameterException",
     {**METRIC, "InsightType": "ApiCallRateInsight", "TrailName": STORE}, "eventdatastore"),
    ("list_insights_metric_data", nothing, "InvalidTrailNameException",
     {**METRIC, "InsightType": "ApiCallRateInsight", "TrailName": "a--b"}, "adjacent"),
    ("list_insights_metric_data", nothing, "InvalidParameterException",
     {**METRIC, "InsightType": "ApiErrorRateInsight"}, "ErrorCode"),
    ("list_insights_metric_data", nothing, "InvalidParameterException",
     {**METRIC, "InsightType": "ApiCallRateInsight", "Period": 90}, "60, 300 and 3600"),
    ("list_insights_metric_data", nothing, "InvalidParameterException",
     {**METRIC, "InsightType": "ApiCallRateInsight", "TrailName": "none"}, "Unknown trail"),
    # Events and keys
    ("lookup_events", nothing, "InvalidLookupAttributesException",
     {"LookupAttributes": [{"AttributeKey": "Guess", "AttributeValue": "x"}]}, "enum value set"),
    ("lookup_events", nothing, "InvalidTimeRangeException", {"StartTime": 9, "EndTime": 1}, ""),
    ("lookup_events", nothing, "InvalidMaxResultsException", {"MaxResults": 51}, "50"),
    ("lookup_events", nothing, "InvalidNextTokenException", {"NextToken": "x"}, ""),
    ("lookup_events", nothing, "InvalidEventCategoryException", {"EventCategory": "data"}, ""),
    ("list_public_keys", nothing, "InvalidTimeRangeException", {"StartTime": 9, "EndTime": 1}, ""),
    ("list_public_keys", nothing, "InvalidTokenException", {"NextToken": "x"}, ""),
    # Policies of resources
    ("get_resource_policy", nothing, "ResourceARNNotValidException", {"ResourceArn": "x-y"}, ""),
    ("get_resource_policy", nothing, "ResourceTypeNotSupportedException", {"ResourceArn": ARN}, ""),
    ("delete_resource_policy", nothing, "ResourceNotFoundException", {"ResourceArn": STORE}, ""),
    ("put_resource_policy", nothing, "ResourcePolicyNotValidException",
     {"ResourceArn": STORE, "ResourcePolicy": "{}"}, "Statement"),
    # Organization
    ("create_trail", nothing, "OrganizationsNotInUseException", new(IsOrganizationTrail=True), ""),
    ("create_trail", organization(all_features=False), "OrganizationNotInAllFeaturesModeException",
     new(IsOrganizationTrail=True), ""),
    ("create_trail", organization(trusted_access=False), "CloudTrailAccessNotEnabledException",
     new(IsOrganizationTrail=True), ""),
    ("create_trail", organization(OTHER, ACCOUNT), "NotOrganizationMasterAccountException",
     new(IsOrganizationTrail=True), ""),
    ("stop_logging", members_trail, "NotOrganizationMasterAccountException", {"Name": THEIRS}, ""),
    ("register_organization_delegated_admin", organization(OTHER, ACCOUNT),
     "NotOrganizationManagementAccountException", {"MemberAccountId": ACCOUNT}, ""),
    ("register_organization_delegated_admin", organization(), "AccountNotFoundException",
     {"MemberAccountId": THIRD}, ""),
    ("register_organization_delegated_admin", organization(),
     "CannotDelegateManagementAccountException", {"MemberAccountId": ACCOUNT}, ""),
    ("register_organization_delegated_admin",
     organization(ACCOUNT, OTHER, delegated_admins=(DelegatedAdmin(OTHER, NOW),)),
     "AccountRegisteredException", {"MemberAccountId": OTHER}, ""),
    ("register_organization_delegated_admin",
     organization(ACCOUNT, OTHER, THIRD, "4" * 12, "5" * 12, delegated_admins=tuple(
         DelegatedAdmin(one, NOW) for one in (OTHER, THIRD, "4" * 12))),
     "DelegatedAdminAccountLimitExceededException", {"MemberAccountId": "5" * 12}, "3"),
    ("register_organization_delegated_admin", organization(), "InvalidParameterException",
     {"MemberAccountId": "x" * 12}, "regular expression"),
    ("register_organization_delegated_admin", organization(), "InvalidParameterException",
     {"MemberAccountId": "\N{ARABIC-INDIC DIGIT ONE}" * 12}, "regular expression"),
    ("deregister_organization_delegated_admin", organization(ACCOUNT, OTHER),
     "AccountNotRegisteredException", {"DelegatedAdminAccountId": OTHER}, ""),
    # Any operation
    ("get_trail", lambda world: world.limit(reads_per_second=1),
     "ThrottlingException", {"Name": "main"}, "Rate exceeded"),
    ("get_trail", nothing, "ValidationException", {},
     ("1 validation error detected: Value null at 'name' failed to satisfy constraint: "
     "Member must not be null")),
    ("get_trail", nothing, "SerializationException", {"Name": 7}, "Name is a number"),
]  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> ApiWorld:
    return ApiWorld(tmp_path)


@pytest.mark.parametrize(("operation", "setting", "code", "parameters", "text"), CASES)
def test_the_error_is_returned(
    world: ApiWorld, operation: str, setting: Setting, code: str, parameters: dict[str, Any],
    text: str,
) -> None:  # fmt: skip
    world.client().create_trail(Name="main", S3BucketName="audit", IsMultiRegionTrail=True)
    setting(world)
    world.serve()
    region = "eu-west-1" if "home region" in text else "us-east-1"
    client = world.client(region, parameter_validation=False)
    before = world.state.snapshot()

    with pytest.raises(ClientError) as refused:
        for _ in range(2 if code == "ThrottlingException" else 1):
            getattr(client, operation)(**parameters)

    answer = refused.value.response
    assert answer["Error"]["Code"] == code
    assert text in answer["Error"]["Message"]
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-errortype"] == code
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert answer["ResponseMetadata"]["RequestId"]
    assert world.state.snapshot() == before
    assert code in COMMON | modelled(client.meta.method_to_api_mapping[operation])


def modelled(operation: str) -> set[str]:
    return {
        shape.name for shape in service_model("cloudtrail").operation_model(operation).error_shapes
    }


def test_every_modelled_error_is_in_the_table_or_told_as_never_returned() -> None:
    every = {code for name in HANDLERS for code in modelled(name)}
    shown = {code for _, _, code, _, _ in CASES} | {"ConflictException"}

    assert every == (shown & every) | NEVER.keys()
    assert not shown & NEVER.keys()
    assert as_api_error(StateConflict("x")).code == "ConflictException"


def test_a_quota_of_calls_is_for_an_account_and_a_region(world: ApiWorld) -> None:
    world.quotas = Quotas(lookup_events_per_second=2)
    world.serve()

    here, there, other = world.client(), world.client("eu-west-1"), world.client(account=OTHER)
    here.lookup_events()
    here.lookup_events()
    with pytest.raises(ClientError, match="Rate exceeded"):
        here.lookup_events()
    there.lookup_events()
    other.lookup_events()
    here.describe_trails()


def test_a_call_for_a_region_that_is_none_is_refused(world: ApiWorld) -> None:
    with pytest.raises(ClientError, match="Credential should be scoped to a valid region"):
        world.client("us-east-9").describe_trails()
    world.client("my-region").describe_trails()
    world.client("cn-north-1").describe_trails()
