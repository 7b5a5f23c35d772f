"""Who made a call, as far as a record tells it, and the few members a caller is found again by.

Everything here stands in `userIdentity`, except whether the console was used. Members may be of
any JSON type in records that others wrote: what is no text counts as absent, of an array the first
text counts.
Sources: AWS CloudTrail user guide, "userIdentity element" (spec: record, section 4) and, for calls
that services make for somebody, IAM user guide, "Forward access sessions".
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

SIGN_IN = "signin.amazonaws.com"
TEMPORARY = "ASIA"
"""Access keys that STS issues begin so (IAM user guide, "Unique identifiers")."""


class Caller(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a record says of its caller; "" where it says nothing.

    Attributes:
        created: sessionContext.attributes.creationDate as spelled.
        web_subject: Provider, audience and subject of a web identity, joined by colons.
        scope: What the credentials were issued for (inScopeOf.sourceArn), such as a function.
        on_instance: The credentials came from an instance's metadata service.
        console: The console was used: of several signs that records carry, one.
    """

    type: str = ""
    key: str = ""
    principal: str = ""
    arn: str = ""
    account: str = ""
    user_name: str = ""
    invoked_by: str = ""
    created: str = ""
    issuer_type: str = ""
    issuer_arn: str = ""
    source_identity: str = ""
    on_behalf_of: str = ""
    identity_provider: str = ""
    web_subject: str = ""
    scope: str = ""
    on_instance: bool = False
    assumed_root: bool = False
    console: bool = False

    @property
    def session_name(self) -> str:
        """The last part of an assumed role's ARN; free text of whoever assumed the role."""
        return self.arn.rpartition("/")[2] if ":assumed-role/" in self.arn else ""


class AnchorKind(StrEnum):
    """Which members find a caller's records: of these the first that fits."""

    CONSOLE = "console"
    """principalId and creationDate of a console session, whose keys change."""
    DELEGATED = "delegated"
    """principalId and creationDate where a service called for somebody, with keys of its own."""
    KEY = "key"
    """accessKeyId."""
    KEYLESS = "keyless"
    """principalId and creationDate of a session whose record names no key."""
    NAMED = "named"
    """The first of `NAMES` that is there: a service, another account, a web identity."""


class Anchor(NamedTuple):
    """The members that find a caller's records again.

    Attributes:
        first: The key; the principalId; or, for NAMED, the member's place in `NAMES`.
        second: The creationDate; or, for NAMED, the member's text.
    """

    kind: AnchorKind
    first: str
    second: str = ""


NAMES = ("on_behalf_of", "principal", "arn", "user_name", "invoked_by", "account", "type")


def caller_of(record: Mapping[str, Any]) -> Caller | None:
    """The caller that a decoded record names, None where it has no userIdentity."""
    if record.get("userIdentity") is None:
        return None
    identity = members(record, "userIdentity")
    context = members(identity, "sessionContext")
    issuer = members(context, "sessionIssuer")
    scope = members(identity, "inScopeOf")
    invoked_by = text(identity.get("invokedBy"))
    return Caller(
        type=text(identity.get("type")),
        key=text(identity.get("accessKeyId")),
        principal=text(identity.get("principalId")),
        arn=text(identity.get("arn")),
        account=text(identity.get("accountId")),
        user_name=text(identity.get("userName")),
        invoked_by=invoked_by,
        created=text(members(context, "attributes").get("creationDate")),
        issuer_type=text(issuer.get("type")),
        issuer_arn=text(issuer.get("arn")),
        source_identity=text(context.get("sourceIdentity")),
        on_behalf_of=text(members(identity, "onBehalfOf").get("userId")),
        identity_provider=text(identity.get("identityProvider")),
        web_subject=_web_subject(members(context, "webIdFederationData")),
        scope=text(scope.get("sourceArn")),
        on_instance=bool(text(context.get("ec2RoleDelivery"))),
        assumed_root=text(context.get("assumedRoot")) == "true",
        console=(
            text(record.get("sessionCredentialFromConsole")) == "true"
            or invoked_by == SIGN_IN
            or text(record.get("eventSource")) == SIGN_IN
        ),
    )


def anchor_of(caller: Caller) -> Anchor:
    """Where the caller's records are found."""
    if caller.principal and caller.created:
        if caller.console:
            return Anchor(AnchorKind.CONSOLE, caller.principal, caller.created)
        if caller.invoked_by:
            return Anchor(AnchorKind.DELEGATED, caller.principal, caller.created)
    if caller.key:
        return Anchor(AnchorKind.KEY, caller.key)
    if caller.principal and caller.created:
        return Anchor(AnchorKind.KEYLESS, caller.principal, caller.created)
    for place, name in enumerate(NAMES):
        if value := getattr(caller, name):
            return Anchor(AnchorKind.NAMED, str(place), value)
    return Anchor(AnchorKind.NAMED, str(len(NAMES)))


def session_reference(principal: str, created: str) -> str:
    """How a session is called whose keys are unknown or many; "" unless both parts are there."""
    return f"{principal}@{created}" if principal and created else ""


def references(caller: Caller) -> tuple[str, ...]:
    """What the caller's credentials may have been issued as: the key before the session."""
    return tuple(
        one for one in (caller.key, session_reference(caller.principal, caller.created)) if one
    )


def best(callers: tuple[Caller, ...]) -> Caller:
    """Of callers with one anchor the one that says most; always the same one."""
    return max(callers, key=lambda one: (said(one), msgspec.json.encode(one)))


def said(caller: Caller) -> int:
    """How many things are known of the caller."""
    return sum(1 for name in caller.__struct_fields__ if getattr(caller, name))


def text(value: Any) -> str:
    """The text of a JSON value as searches see it; "" for null and objects."""
    if value is None:
        return ""
    if isinstance(value, str):
        # Halves of a character can be neither stored nor sent.
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list):
        return next((found for one in value[:8] if (found := text(one))), "")
    return ""


def members(owner: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object under `name`; empty if there is none."""
    value = owner.get(name)
    return value if isinstance(value, Mapping) else {}


def _web_subject(federation: Mapping[str, Any]) -> str:
    provider = text(federation.get("federatedProvider"))
    attributes = members(federation, "attributes")
    claims = {str(name).rpartition(":")[2]: text(value) for name, value in attributes.items()}
    if not provider or not claims.get("sub"):
        return ""
    return ":".join(one for one in (provider, claims.get("aud", ""), claims["sub"]) if one)
