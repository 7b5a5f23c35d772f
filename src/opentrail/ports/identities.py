"""Access keys to whoever they belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from opentrail.access.policy import Policy
from opentrail.aws.sigv4 import SigningSecret
from opentrail.record.principal import Credential, Principal


class Identities(Protocol):
    """Known access keys: from the identities file, and learned from answers passing by."""

    def find(self, access_key_id: str) -> Credential | None:
        """Whom the key belongs to; None if unknown. Expired sessions are still found."""
        ...

    def learn(self, credentials: Sequence[Credential]) -> None:
        """Remember keys that an upstream issued; durable on return."""
        ...

    def learn_principals(self, ids: Mapping[str, str]) -> None:
        """Remember unique ids by ARN; durable on return."""
        ...

    def all_credentials(self) -> tuple[Credential, ...]:
        """Every key known now."""
        ...

    def account_alias(self, account_id: str) -> str:
        """The account's alias, "" if none."""
        ...

    def principal_id(self, arn: str) -> str:
        """The unique id (`AIDA…`, `AROA…`) of a user or role known by its ARN, "" if unknown."""
        ...

    def policies(self, principal: Principal) -> tuple[Policy, ...]:
        """The identity policies of whoever calls: a user's, or those of a session's role."""
        ...


def signing_secret(credential: Credential | None) -> SigningSecret | None:
    """What a signature is checked with; None for a key that nobody knows."""
    if credential is None:
        return None
    return SigningSecret(
        secret_access_key=credential.secret_access_key,
        session_token=credential.session_token,
        expires=credential.expires,
    )
