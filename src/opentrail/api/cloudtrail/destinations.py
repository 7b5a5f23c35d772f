"""Whether a trail's destinations are there and let CloudTrail in, as CreateTrail checks them.

Source: spec: api, section 3 (CreateTrail, 4 to 7); files, section 8; the messages are those that
people report.
"""

from __future__ import annotations

import re

import msgspec

from opentrail.api.errors import ApiError
from opentrail.api.outcome import Backends
from opentrail.arn import partition_of
from opentrail.errors import Unavailable
from opentrail.ports.destinations import DestinationNotFound, Role
from opentrail.ports.objects import PoliciesUnknown
from opentrail.trail.access import (
    bucket_needs,
    key_needs,
    role_needs,
    topic_needs,
    trusts_cloudtrail,
    unmet,
)
from opentrail.trail.trail import Trail

_TOPIC_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")
_TOPIC_ARN = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}")
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_KEY = re.compile(
    rf"(arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{{12}}:)?(alias/[A-Za-z0-9/_-]{{1,256}}|"
    rf"(?(1)key/)(?:{_UUID}|mrk-[0-9a-f]{{32}}))"
)
_GROUP_ARN = re.compile(
    r"arn:aws[a-z-]*:logs:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):log-group:"
    r"[A-Za-z0-9._/#-]{1,512}:\*"
)
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,512}", re.ASCII)


def checked(trail: Trail, backends: Backends) -> Trail:
    """The trail with its key named by ARN, if every destination is as CloudTrail needs it.

    Raises:
        ApiError: the first that is not.
    """
    # The bucket's policy may speak of the key, by its ARN.
    named = _with_key(trail, backends) if trail.kms_key_id else trail
    check_bucket(named, backends)
    if named.sns_topic_arn:
        _check_topic(named, backends)
    if named.cloud_watch_logs_log_group_arn or named.cloud_watch_logs_role_arn:
        _check_log_group(named, backends)
    return named


def topic_arn(name: str, trail_region: str, account_id: str) -> str:
    """The ARN of a topic given by name or ARN, "" for none.

    Raises:
        ApiError: InvalidSnsTopicNameException.
    """
    if not name or _TOPIC_ARN.fullmatch(name):
        return name
    if not _TOPIC_NAME.fullmatch(name):
        raise ApiError(
            "InvalidSnsTopicNameException",
            f"SNS topic name {name[:300]!r} is not valid; expected up to 256 letters, digits, "
            "hyphens and underscores, or the ARN of a topic.",
        )
    return f"arn:{partition_of(trail_region)}:sns:{trail_region}:{account_id}:{name}"


def check_bucket(trail: Trail, backends: Backends) -> None:
    """Nothing, if the bucket is there and its policy lets CloudTrail write.

    Raises:
        ApiError: S3BucketDoesNotExistException, InsufficientS3BucketPolicyException.
    """
    bucket = trail.s3_bucket_name
    if not backends.store.bucket_exists(bucket):
        raise ApiError("S3BucketDoesNotExistException", f"S3 bucket {bucket} does not exist!")
    if not backends.checks_bucket_policies:
        return
    try:
        policy = backends.store.bucket_policy(bucket)
    except PoliciesUnknown:
        # A store without bucket policies: the key that delivers is all there is.
        return
    if unmet([policy] if policy else [], bucket_needs(trail)):
        raise ApiError(
            "InsufficientS3BucketPolicyException",
            f"Incorrect S3 bucket policy is detected for bucket: {bucket}",
        )


def _check_topic(trail: Trail, backends: Backends) -> None:
    try:
        policy = backends.destinations.topics.policy(trail.sns_topic_arn)
    except Unavailable as problem:
        if not isinstance(problem, DestinationNotFound):
            raise
        policy = ""
    if not policy or unmet([policy], topic_needs(trail)):
        raise ApiError(
            "InsufficientSnsTopicPolicyException",
            "SNS Topic does not exist or the topic policy is incorrect!",
        )


def _check_log_group(trail: Trail, backends: Backends) -> None:
    group, role = trail.cloud_watch_logs_log_group_arn, trail.cloud_watch_logs_role_arn
    if not group:
        raise ApiError(
            "InvalidCloudWatchLogsLogGroupArnException",
            "You must specify a log group ARN as well as a role ARN.",
        )
    if not role:
        raise ApiError(
            "InvalidCloudWatchLogsRoleArnException",
            "You must specify a role ARN as well as a log group.",
        )
    found = _GROUP_ARN.fullmatch(group)
    if (
        found is None
        or (found["region"], found["account"]) != (trail.home_region, trail.account_id)
        or not _group_exists(group, backends)
    ):
        raise ApiError(
            "InvalidCloudWatchLogsLogGroupArnException",
            "CloudTrail cannot validate the specified log group ARN.",
        )
    if not _ROLE_ARN.fullmatch(role):
        raise ApiError(
            "InvalidCloudWatchLogsRoleArnException", "The specified role ARN is not valid."
        )
    known = _role(role, backends)
    if (
        known is None
        or not trusts_cloudtrail(known.trust_policy, trail)
        or unmet(known.policies, role_needs(trail))
    ):
        raise ApiError(
            "InvalidCloudWatchLogsRoleArnException",
            "Access denied. Check the permissions for your role.",
        )


def _group_exists(arn: str, backends: Backends) -> bool:
    try:
        return backends.destinations.log_groups.exists(arn)
    except Unavailable as problem:
        raise ApiError(
            "CloudWatchLogsDeliveryUnavailableException",
            f"Cannot set a CloudWatch Logs delivery for this region: {problem}",
        ) from None


def _role(arn: str, backends: Backends) -> Role | None:
    try:
        return backends.destinations.roles.find(arn)
    except DestinationNotFound:
        return None


def _with_key(trail: Trail, backends: Backends) -> Trail:
    key_id = trail.kms_key_id
    if not _KEY.fullmatch(key_id):
        raise ApiError(
            "InvalidKmsKeyIdException",
            f"KMS key {key_id[:300]!r} is not valid; expected a key's id or ARN, alias/NAME or an "
            "alias's ARN.",
        )
    try:
        key = backends.destinations.keys.find(key_id, _region_of(key_id, trail))
    except DestinationNotFound:
        raise ApiError("KmsKeyNotFoundException", f"KMS key {key_id} does not exist.") from None
    if not key.symmetric:
        raise ApiError("InvalidKmsKeyIdException", f"KMS key {key.arn} is not symmetric.")
    if not key.enabled:
        raise ApiError("KmsException", f"KMS key {key.arn} is not enabled.")
    named = msgspec.structs.replace(trail, kms_key_id=key.arn)
    if unmet([key.policy], key_needs(named)):
        raise ApiError(
            "InsufficientEncryptionPolicyException",
            f"Insufficient permissions to access S3 bucket {trail.s3_bucket_name} or KMS key "
            f"{key.arn}.",
        )
    try:
        backends.destinations.keys.data_key(key.arn, {"aws:cloudtrail:arn": trail.arn})
    except Unavailable as problem:
        raise ApiError("KmsException", str(problem)) from None
    return named


def _region_of(key_id: str, trail: Trail) -> str:
    return key_id.split(":")[3] if key_id.startswith("arn:") else trail.home_region
