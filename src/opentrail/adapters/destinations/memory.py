"""Topics, keys, log groups and roles in dicts; for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from opentrail.ports.destinations import (
    DataKey,
    DestinationNotFound,
    Destinations,
    KmsKey,
    LogEvent,
    Role,
)

Found = TypeVar("Found")


@dataclass
class MemoryDestinations:
    """What is there, and what was sent.

    Attributes:
        policies: Topics' policies by ARN.
        known_keys: KMS keys by whatever a caller may name them.
    """

    policies: dict[str, str] = field(default_factory=dict)
    published: list[tuple[str, str]] = field(default_factory=list)
    known_keys: dict[str, KmsKey] = field(default_factory=dict)
    groups: dict[str, dict[str, list[LogEvent]]] = field(default_factory=dict)
    known_roles: dict[str, Role] = field(default_factory=dict)

    def all(self) -> Destinations:
        """The ports."""
        return Destinations(
            topics=_Topics(self), keys=_Keys(self), log_groups=_LogGroups(self), roles=_Roles(self)
        )


@dataclass(frozen=True)
class _Topics:
    world: MemoryDestinations

    def policy(self, arn: str) -> str:
        return _known(self.world.policies, arn)

    def publish(self, arn: str, message: str) -> None:
        _known(self.world.policies, arn)
        self.world.published.append((arn, message))


@dataclass(frozen=True)
class _Keys:
    world: MemoryDestinations

    def find(self, key_id: str, region: str) -> KmsKey:  # noqa: ARG002 - the port's
        return _known(self.world.known_keys, key_id)

    def data_key(self, arn: str, context: Mapping[str, str]) -> DataKey:
        plain = (arn + repr(sorted(context.items()))).encode()[-32:].rjust(32)
        return DataKey(plain, plain[::-1])

    def unwrap(self, arn: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        if self.data_key(arn, context).wrapped != wrapped:
            raise DestinationNotFound("the key was wrapped for another context")
        return wrapped[::-1]


@dataclass(frozen=True)
class _LogGroups:
    world: MemoryDestinations

    def exists(self, arn: str) -> bool:
        return arn in self.world.groups

    def put(self, arn: str, stream: str, events: Sequence[LogEvent]) -> None:
        _known(self.world.groups, arn).setdefault(stream, []).extend(events)


@dataclass(frozen=True)
class _Roles:
    world: MemoryDestinations

    def find(self, arn: str) -> Role:
        return _known(self.world.known_roles, arn)


def _known(found: Mapping[str, Found], name: str) -> Found:
    try:
        return found[name]
    except KeyError:
        raise DestinationNotFound(f"there is no {name}", code="NotFound") from None
