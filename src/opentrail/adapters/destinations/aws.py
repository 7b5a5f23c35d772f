"""SNS, KMS, CloudWatch Logs and IAM, by boto3, at the services behind the endpoint."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from opentrail.arn import Arn
from opentrail.errors import InvalidInput, Unavailable
from opentrail.ports.destinations import (
    DataKey,
    DestinationNotFound,
    Destinations,
    KmsKey,
    LogEvent,
    Role,
)

TIMEOUT_SECONDS = 10
_MISSING = ("NotFound", "NotFoundException", "NoSuchEntity", "ResourceNotFoundException")


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsPlace:
    """Where the services are, and who asks.

    Attributes:
        endpoint: The URL of a service by its signing name, "" for AWS itself; raises InvalidInput
            without one.
        access_key_id: "" leaves the choice to boto3's own chain.
    """

    endpoint: Callable[[str], str]
    region: str
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)


class AwsDestinations:
    """Makes the four ports share their clients."""

    def __init__(self, place: AwsPlace) -> None:
        self._place = place
        self._session = boto3.session.Session()
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def all(self) -> Destinations:
        """The ports."""
        return Destinations(
            topics=SnsTopics(self),
            keys=KmsKeys(self),
            log_groups=CloudWatchLogGroups(self),
            roles=IamRoles(self),
        )

    def client(self, service: str, region: str) -> Any:
        """A boto3 client; one is kept for each service and region.

        Raises:
            Unavailable: no upstream is named for the service.
        """
        with self._lock:
            known = self._clients.get((service, region))
            if known is None:
                known = self._clients[service, region] = self._make(service, region)
            return known

    def _make(self, service: str, region: str) -> Any:
        try:
            endpoint = self._place.endpoint(service)
        except InvalidInput as cause:
            raise Unavailable(str(cause), code="ServiceUnavailable") from None
        return self._session.client(
            service,
            region_name=region or self._place.region,
            endpoint_url=endpoint or None,
            aws_access_key_id=self._place.access_key_id or None,
            aws_secret_access_key=self._place.secret_access_key or None,
            config=Config(
                connect_timeout=TIMEOUT_SECONDS,
                read_timeout=TIMEOUT_SECONDS,
                retries={"total_max_attempts": 2, "mode": "standard"},
            ),
        )


class SnsTopics:
    """See ports.destinations."""

    def __init__(self, clients: AwsDestinations) -> None:
        self._clients = clients

    def policy(self, arn: str) -> str:
        with _translated(f"look at topic {arn}"):
            client = self._clients.client("sns", Arn.parse(arn).region)
            return str(client.get_topic_attributes(TopicArn=arn)["Attributes"].get("Policy", ""))

    def publish(self, arn: str, message: str) -> None:
        with _translated(f"publish to {arn}"):
            client = self._clients.client("sns", Arn.parse(arn).region)
            client.publish(TopicArn=arn, Message=message)


class KmsKeys:
    """See ports.destinations."""

    def __init__(self, clients: AwsDestinations) -> None:
        self._clients = clients

    def find(self, key_id: str, region: str) -> KmsKey:
        with _translated(f"find key {key_id}"):
            client = self._clients.client("kms", region)
            found = client.describe_key(KeyId=key_id)["KeyMetadata"]
            arn = str(found["Arn"])
            return KmsKey(
                arn=arn,
                enabled=found.get("KeyState", "Enabled") == "Enabled",
                symmetric=found.get("KeySpec", "SYMMETRIC_DEFAULT") == "SYMMETRIC_DEFAULT",
                policy=self._policy(client, arn),
            )

    def data_key(self, arn: str, context: Mapping[str, str]) -> DataKey:
        with _translated(f"make a data key of {arn}"):
            found = self._client(arn).generate_data_key(
                KeyId=arn, KeySpec="AES_256", EncryptionContext=dict(context)
            )
            return DataKey(found["Plaintext"], found["CiphertextBlob"])

    def unwrap(self, arn: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        with _translated(f"decrypt with {arn}"):
            found = self._client(arn).decrypt(
                KeyId=arn, CiphertextBlob=wrapped, EncryptionContext=dict(context)
            )
            return bytes(found["Plaintext"])

    def _client(self, arn: str) -> Any:
        return self._clients.client("kms", Arn.parse(arn).region)

    @staticmethod
    def _policy(client: Any, arn: str) -> str:
        try:
            return str(client.get_key_policy(KeyId=arn, PolicyName="default")["Policy"])
        except ClientError:
            return ""


class CloudWatchLogGroups:
    """See ports.destinations."""

    def __init__(self, clients: AwsDestinations) -> None:
        self._clients = clients

    def exists(self, arn: str) -> bool:
        name = _group(arn)
        with _translated(f"look for log group {name}"):
            client = self._clients.client("logs", Arn.parse(arn).region)
            found = client.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
            return any(one["logGroupName"] == name for one in found)

    def put(self, arn: str, stream: str, events: Sequence[LogEvent]) -> None:
        name = _group(arn)
        with _translated(f"write to log group {name}"):
            client = self._clients.client("logs", Arn.parse(arn).region)
            values = {
                "logGroupName": name,
                "logStreamName": stream,
                "logEvents": [
                    {"timestamp": one.milliseconds, "message": one.message} for one in events
                ],
            }
            try:
                client.put_log_events(**values)
            except client.exceptions.ResourceNotFoundException:
                client.create_log_stream(logGroupName=name, logStreamName=stream)
                client.put_log_events(**values)


class IamRoles:
    """See ports.destinations."""

    def __init__(self, clients: AwsDestinations) -> None:
        self._clients = clients

    def find(self, arn: str) -> Role:
        name = Arn.parse(arn).resource.rpartition("/")[2]
        with _translated(f"look at role {name}"):
            client = self._clients.client("iam", "us-east-1")
            role = client.get_role(RoleName=name)["Role"]
            return Role(
                trust_policy=_document(role["AssumeRolePolicyDocument"]),
                policies=tuple(self._policies(client, name)),
            )

    @staticmethod
    def _policies(client: Any, name: str) -> Iterator[str]:
        for policy in client.list_role_policies(RoleName=name)["PolicyNames"]:
            found = client.get_role_policy(RoleName=name, PolicyName=policy)
            yield _document(found["PolicyDocument"])
        for attached in client.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            arn = attached["PolicyArn"]
            version = client.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            found = client.get_policy_version(PolicyArn=arn, VersionId=version)
            yield _document(found["PolicyVersion"]["Document"])


def _document(value: Any) -> str:
    """Botocore decodes policies of IAM; they are texts again for whoever evaluates them."""
    return value if isinstance(value, str) else json.dumps(value)


def _group(arn: str) -> str:
    return Arn.parse(arn).resource.removeprefix("log-group:").removesuffix(":*")


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except ClientError as problem:
        code = str(problem.response["Error"].get("Code", ""))
        kind = DestinationNotFound if code in _MISSING else Unavailable
        raise kind(f"can't {what}: {code}", code=code) from problem
    except BotoCoreError as problem:
        raise Unavailable(f"can't {what}: {problem}", code="ServiceUnavailable") from problem
