"""Who is behind an access key.

Source: AWS CloudTrail user guide, "CloudTrail userIdentity element".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class PrincipalType(StrEnum):
    """`userIdentity.type` for those that can hold keys here."""

    ROOT = "Root"
    IAM_USER = "IAMUser"
    ASSUMED_ROLE = "AssumedRole"
    FEDERATED_USER = "FederatedUser"
    AWS_SERVICE = "AWSService"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A temporary session: of a role, of GetSessionToken or of GetFederationToken.

    Attributes:
        issuer_type: `Role`, `IAMUser` or `Root`; "" when there is no issuer to name.
        created: When the credentials were issued, aware UTC.
    """

    created: datetime
    mfa_authenticated: bool = False
    issuer_type: str = ""
    issuer_principal_id: str = ""
    issuer_arn: str = ""
    issuer_account_id: str = ""
    issuer_user_name: str = ""
    source_identity: str = ""
    web_id_federation: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who, as access rules and records see it.

    Attributes:
        arn: "" if it has none.
        user_name: "" where a record has none (AssumedRole, Root without alias).
        session: None for long-term credentials.
        invoked_by: The service (`config.amazonaws.com`) that calls, by itself (AWS_SERVICE) or with
            a role that it was given; "" for people and programs.
    """

    type: PrincipalType
    account_id: str
    principal_id: str = ""
    arn: str = ""
    user_name: str = ""
    session: Session | None = None
    invoked_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """An access key and whom it stands for.

    Attributes:
        secret_access_key: "" when only the id was ever seen; signatures can't be checked then.
        session_token: "" for long-term keys.
        expires: None for long-term keys; exclusive.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
    principal: Principal
    session_token: str = field(default="", repr=False)
    expires: datetime | None = None
