"""An SQS queue that S3, or SNS on its behalf, tells of new objects."""

from __future__ import annotations

from collections.abc import Sequence

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from opentrail.errors import Unavailable
from opentrail.ports.sources import Message

_AT_ONCE = 10
"""The most that SQS gives or deletes in one call."""


class SqsQueue:
    """See ports.sources."""

    def __init__(self, url: str, *, endpoint: str | None, region: str) -> None:
        self._url = url
        self._client = boto3.client(
            "sqs",
            endpoint_url=endpoint,
            region_name=region,
            config=Config(retries={"total_max_attempts": 4, "mode": "standard"}),
        )

    def receive(self, wait_seconds: int) -> tuple[Message, ...]:
        try:
            answer = self._client.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=_AT_ONCE, WaitTimeSeconds=wait_seconds
            )
        except (ClientError, BotoCoreError) as problem:
            raise Unavailable(f"can't receive from {self._url}: {problem}") from problem
        return tuple(
            Message(one["ReceiptHandle"], one["Body"]) for one in answer.get("Messages", ())
        )

    def delete(self, messages: Sequence[Message]) -> None:
        for start in range(0, len(messages), _AT_ONCE):
            some = messages[start : start + _AT_ONCE]
            entries = [
                {"Id": str(number), "ReceiptHandle": one.receipt} for number, one in enumerate(some)
            ]
            try:
                answer = self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)
            except (ClientError, BotoCoreError) as problem:
                raise Unavailable(f"can't take messages off {self._url}: {problem}") from problem
            if answer.get("Failed"):
                raise Unavailable(f"{self._url} did not delete {len(answer['Failed'])} messages")
