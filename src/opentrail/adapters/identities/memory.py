"""Identities of one program's life: everyone is one principal, but for keys that were learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opentrail.access.policy import Policy
from opentrail.record.principal import Credential, Principal


class MemoryIdentities:
    """See ports.identities.

    Args of the constructor:
        everyone: Whose every key is that was not learned; None if nobody knows.
    """

    def __init__(self, everyone: Principal | None = None) -> None:
        self._everyone = everyone
        self._learned: dict[str, Credential] = {}
        self._principals: dict[str, str] = {}

    def find(self, access_key_id: str) -> Credential | None:
        found = self._learned.get(access_key_id)
        if found is not None or self._everyone is None:
            return found
        return Credential(
            access_key_id=access_key_id, secret_access_key="", principal=self._everyone
        )

    def learn(self, credentials: Sequence[Credential]) -> None:
        self._learned |= {one.access_key_id: one for one in credentials}

    def learn_principals(self, ids: Mapping[str, str]) -> None:
        self._principals |= ids

    def all_credentials(self) -> tuple[Credential, ...]:
        return tuple(self._learned.values())

    def account_alias(self, account_id: str) -> str:  # noqa: ARG002 - nobody tells aliases here
        return ""

    def principal_id(self, arn: str) -> str:
        return self._principals.get(arn, "")

    def policies(self, principal: Principal) -> tuple[Policy, ...]:  # noqa: ARG002 - nobody has any here
        return ()
