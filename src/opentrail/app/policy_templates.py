"""The two policy templates that `aws cloudtrail create-subscription` reads from a bucket of AWS.

The command asks for them at `awscloudtrail-policy-REGION`; they are answered here, whoever asks,
and the call is recorded. The names and placeholders are those that the command replaces.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from opentrail.aws.observed import ObservedCall, ObservedRequest, ObservedResponse
from opentrail.aws.regions import aws_regions
from opentrail.clock import Clock
from opentrail.gateway import Answer, GroupCommit


def _statement(sid: str, action: str, resource: str, **more: Any) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Action": action,
        "Resource": resource,
        **more,
    }


_TEMPLATES = {
    "policy/S3/AWSCloudTrail-S3BucketPolicy-2014-12-17.json": [
        _statement("AWSCloudTrailAclCheck", "s3:GetBucketAcl", "arn:aws:s3:::<BucketName>"),
        _statement(
            "AWSCloudTrailWrite",
            "s3:PutObject",
            "arn:aws:s3:::<BucketName>/<Prefix>/AWSLogs/<CustomerAccountID>/*",
            Condition={"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}},
        ),
    ],
    "policy/SNS/AWSCloudTrail-SnsTopicPolicy-2014-12-17.json": [
        _statement(
            "AWSCloudTrailSNSPolicy",
            "SNS:Publish",
            "arn:aws:sns:<Region>:<SNSTopicOwnerAccountId>:<SNSTopicName>",
        ),
    ],
}


class PolicyTemplates:
    """A LocalDoor."""

    def __init__(
        self, clock: Clock, compose: Callable[[ObservedCall], bytes], commit: GroupCommit
    ) -> None:
        self._clock = clock
        self._compose = compose
        self._commit = commit
        self._bodies = {
            f"/awscloudtrail-policy-{region}/{key}": json.dumps(
                {"Version": "2012-10-17", "Statement": statements}
            ).encode()
            for region in aws_regions()
            for key, statements in _TEMPLATES.items()
        }

    @property
    def targets(self) -> tuple[bytes, ...]:
        """The request targets that are answered."""
        return tuple(target.encode() for target in self._bodies)

    async def __call__(self, request: ObservedRequest) -> Answer:
        """The template, as S3 answers; its record is durable."""
        body = self._bodies[request.target]
        headers = (("Content-Type", "application/json"), ("Accept-Ranges", "bytes"))
        response = ObservedResponse(status=200, headers=headers, body=body, body_length=len(body))
        call = ObservedCall(request=request, response=response, failure="", ended=self._clock.now())
        await self._commit.appended(self._compose(call))
        return Answer(200, headers, body)
