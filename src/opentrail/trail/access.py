"""What a trail's destinations must allow CloudTrail to do, and what of it they do not.

Source: AWS CloudTrail user guide, "Amazon S3 bucket policy for CloudTrail", "Amazon SNS topic
policy for CloudTrail", "Configure AWS KMS key policies for CloudTrail", "Role policy document for
CloudTrail to use CloudWatch Logs for monitoring"; spec: files, section 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from opentrail.access.evaluate import Asking, Verdict, applying, evaluate
from opentrail.access.policy import InvalidPolicy, Statement, parse_policy
from opentrail.arn import partition_of
from opentrail.trail.trail import Trail

SERVICE = "cloudtrail.amazonaws.com"
_SERVICE_NAMES = (("Service", SERVICE),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One thing that must be allowed.

    Attributes:
        resource: As a statement to paste names it; may end in `*`.
        example: An ARN that the resource stands for, to ask the policy about.
        context: Condition keys of the request and their values.
        condition: The condition of the statement to paste.
        service: Whether CloudTrail itself asks; a role's policies speak of the role instead.
    """

    sid: str
    action: str
    resource: str
    example: str
    context: Mapping[str, str]
    condition: Mapping[str, Mapping[str, str]]
    service: bool = True

    def statement(self) -> dict[str, Any]:
        """A policy statement that allows it, ready to paste."""
        principal = {"Principal": {"Service": SERVICE}} if self.service else {}
        condition = {name: dict(keys) for name, keys in self.condition.items()}
        return {
            "Sid": self.sid,
            "Effect": "Allow",
            **principal,
            "Action": self.action,
            "Resource": self.resource,
            **({"Condition": condition} if condition else {}),
        }


def bucket_needs(trail: Trail) -> tuple[Need, ...]:
    """What the bucket's policy must allow."""
    partition = partition_of(trail.home_region)
    bucket = f"arn:{partition}:s3:::{trail.s3_bucket_name}"
    start = (
        f"{bucket}/{trail.s3_key_prefix}/AWSLogs" if trail.s3_key_prefix else f"{bucket}/AWSLogs"
    )
    places = {"AWSCloudTrailWrite": f"{start}/{trail.account_id}"}
    if trail.organization_id:
        places["AWSCloudTrailOrganizationWrite"] = f"{start}/{trail.organization_id}"
    source = _source(trail)
    acl = {"s3:x-amz-acl": "bucket-owner-full-control"}
    return (
        Need(
            sid="AWSCloudTrailAclCheck",
            action="s3:GetBucketAcl",
            resource=bucket,
            example=bucket,
            context=_context(trail),
            condition={"StringEquals": source},
        ),
        *(
            Need(
                sid=sid,
                action="s3:PutObject",
                resource=f"{place}/*",
                example=f"{place}/CloudTrail/{trail.home_region}/2026/01/01/file.json.gz",
                context=_context(trail) | acl | _encryption(trail),
                condition={"StringEquals": acl | source},
            )
            for sid, place in places.items()
        ),
    )


def topic_needs(trail: Trail) -> tuple[Need, ...]:
    """What the topic's policy must allow."""
    return (
        Need(
            sid="AWSCloudTrailSNSPolicy",
            action="SNS:Publish",
            resource=trail.sns_topic_arn,
            example=trail.sns_topic_arn,
            context=_context(trail),
            condition={"StringEquals": _source(trail)},
        ),
    )


def key_needs(trail: Trail) -> tuple[Need, ...]:
    """What the KMS key's policy must allow."""
    arns = f"arn:{partition_of(trail.home_region)}:cloudtrail:*:{trail.account_id}:trail/*"
    name = "kms:EncryptionContext:aws:cloudtrail:arn"
    return (
        Need(
            sid="AWSCloudTrailEncrypt",
            action="kms:GenerateDataKey*",
            resource="*",
            example=trail.kms_key_id,
            context=_context(trail) | {name.lower(): trail.arn},
            condition={"StringEquals": _source(trail), "StringLike": {name: arns}},
        ),
    )


def role_needs(trail: Trail) -> tuple[Need, ...]:
    """What the role's own policies must allow towards the log group."""
    group = trail.cloud_watch_logs_log_group_arn.removesuffix(":*")
    own = f"{trail.account_id}_CloudTrail_{trail.home_region}"
    streams = {"": own}
    if trail.organization_id:
        streams["Organization"] = f"{trail.organization_id}_{own}"
    return tuple(
        Need(
            sid=f"AWSCloudTrail{whose}{action.partition(':')[2]}",
            action=action,
            resource=f"{group}:log-stream:{trail.organization_id}_*"
            if whose
            else f"{group}:log-stream:{stream}*",
            example=f"{group}:log-stream:{stream}",
            context=_context(trail),
            condition={},
            service=False,
        )
        for whose, stream in streams.items()
        for action in ("logs:CreateLogStream", "logs:PutLogEvents")
    )


def trusts_cloudtrail(trust_policy: str, trail: Trail) -> bool:
    """Whether a role's trust policy lets CloudTrail assume it for the trail."""
    asking = Asking(
        action="sts:AssumeRole",
        resource=None,
        principals=_SERVICE_NAMES,
        context=_context(trail),
    )
    try:
        return evaluate([parse_policy(trust_policy)], asking) is Verdict.ALLOWED
    except InvalidPolicy:
        return False


def unmet(policies: Iterable[str], needs: Iterable[Need]) -> tuple[Need, ...]:
    """The needs that the policies do not allow; one that can't be read allows nothing."""
    try:
        parsed = [parse_policy(text) for text in policies]
    except InvalidPolicy:
        return tuple(needs)
    return tuple(need for need in needs if evaluate(parsed, _asking(need)) is not Verdict.ALLOWED)


def denying(policies: Iterable[str], need: Need) -> tuple[str, ...]:
    """The names of the statements that deny it explicitly; () if the policies can't be read."""
    return tuple(one.name for one in _applying(policies, need) if not one.allow)


def allowing(policies: Iterable[str], need: Need) -> tuple[str, ...]:
    """The names of the statements that allow it, were it not for those that deny it."""
    return tuple(one.name for one in _applying(policies, need) if one.allow)


def _applying(policies: Iterable[str], need: Need) -> tuple[Statement, ...]:
    try:
        parsed = [parse_policy(text) for text in policies]
    except InvalidPolicy:
        return ()
    return tuple(applying(parsed, _asking(need)))


def _asking(need: Need) -> Asking:
    return Asking(
        action=need.action.rstrip("*"),
        resource=need.example,
        principals=_SERVICE_NAMES if need.service else (),
        context=need.context,
    )


def _source(trail: Trail) -> dict[str, str]:
    return {"aws:SourceArn": trail.arn}


def _encryption(trail: Trail) -> dict[str, str]:
    """What a write's headers tell of the trail's key."""
    if not trail.kms_key_id:
        return {}
    header = "s3:x-amz-server-side-encryption"
    return {header: "aws:kms", f"{header}-aws-kms-key-id": trail.kms_key_id}


def _context(trail: Trail) -> dict[str, str]:
    organization = {"aws:sourceorgid": trail.organization_id} if trail.organization_id else {}
    return organization | {
        "aws:sourcearn": trail.arn,
        "aws:sourceaccount": trail.account_id,
        "aws:securetransport": "true",
        "aws:principalisawsservice": "true",
        "aws:principalservicename": SERVICE,
    }
