"""What trails deliver to besides a bucket: topics, encryption keys, log groups and roles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from opentrail.errors import Unavailable


class DestinationNotFound(Unavailable):
    """There is no such topic, key, log group or role."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KmsKey:
    """A KMS key as it is now.

    Attributes:
        policy: Its policy document, "" if it could not be read.
        symmetric: Whether it encrypts and decrypts with one and the same key.
    """

    arn: str
    enabled: bool
    symmetric: bool
    policy: str


@dataclass(frozen=True, slots=True)
class DataKey:
    """A key for one object: plain, and wrapped by the KMS key."""

    plain: bytes = field(repr=False)
    wrapped: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role: who may assume it, and what it may do."""

    trust_policy: str
    policies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One line of a log stream; the time in milliseconds since 1970."""

    milliseconds: int
    message: str


class Topics(Protocol):
    """SNS."""

    def policy(self, arn: str) -> str:
        """The topic's policy document.

        Raises:
            DestinationNotFound: there is no such topic.
            Unavailable: SNS does not answer or refuses.
        """
        ...

    def publish(self, arn: str, message: str) -> None:
        """Send `message`.

        Raises:
            Unavailable: SNS does not take it; its code says why.
        """
        ...


class EncryptionKeys(Protocol):
    """KMS."""

    def find(self, key_id: str, region: str) -> KmsKey:
        """A key by its ARN, its id, `alias/…` or an alias's ARN.

        Raises:
            DestinationNotFound: there is no such key.
            Unavailable: KMS does not answer or refuses.
        """
        ...

    def data_key(self, arn: str, context: Mapping[str, str]) -> DataKey:
        """A new key of 256 bits, wrapped for `context`.

        Raises:
            Unavailable: KMS does not answer or refuses.
        """
        ...

    def unwrap(self, arn: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """The plain key again.

        Raises:
            Unavailable: KMS does not answer or refuses.
        """
        ...


class LogGroups(Protocol):
    """CloudWatch Logs."""

    def exists(self, arn: str) -> bool:
        """Whether the log group is there.

        Raises:
            Unavailable: Logs does not answer or refuses.
        """
        ...

    def put(self, arn: str, stream: str, events: Sequence[LogEvent]) -> None:
        """Append to a stream, which is made when it is not there.

        Raises:
            Unavailable: Logs does not take them; its code says why.
        """
        ...


class LogViews(Protocol):
    """Log groups that show the store of events: nothing is sent to them."""

    def delivered(self, arn: str, stream: str, *, oldest: int, newest: int) -> None:
        """Records of these times (milliseconds, inclusive) show in the stream from now on.

        Raises:
            DestinationNotFound: there is no such log group.
            Unavailable: it can't be noted.
        """
        ...


class Roles(Protocol):
    """IAM."""

    def find(self, arn: str) -> Role:
        """A role by its ARN.

        Raises:
            DestinationNotFound: there is no such role.
            Unavailable: IAM does not answer or refuses.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Destinations:
    """All of them."""

    topics: Topics
    keys: EncryptionKeys
    log_groups: LogGroups
    roles: Roles
