"""The person at the root of a chain of keys, from what AWS says, not from what callers chose.

Names of role sessions, source identities and the user name of a failed sign-in are free text of
whoever made the call. A person known by nothing better is *claimed*: its texts all begin with
`claimed:`, so that no search for a person finds what others did in that person's name.
Set by AWS alone, and so believed: ARNs of users and of the root user, the user of a federation
token's issuer, the path of roles that Identity Center and services keep for themselves, claims of
web identities, onBehalfOf, inScopeOf, and deliveries by the metadata service.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import msgspec

from opentrail.sessions.caller import Caller

IDENTITY_CENTER_PATH = ":role/aws-reserved/sso.amazonaws.com/"
SERVICE_PATH = ":role/aws-service-role/"


class PersonKind(StrEnum):
    """What stands at the root."""

    USER = "IAM user"
    ROOT = "root user"
    IDENTITY_CENTER = "Identity Center user"
    SAML = "SAML user"
    WEB = "web identity"
    ACCOUNT = "other account"
    SERVICE = "AWS service"
    CLAIMED = "claimed"


class Person(msgspec.Struct, frozen=True, gc=False):
    """A person, or what acts without one.

    Attributes:
        id: Names one person only: an ARN, or a kind and a name.
        names: What one would call them, besides; not always unique.
    """

    kind: PersonKind
    id: str
    names: tuple[str, ...] = ()

    @property
    def claimed(self) -> bool:
        """Nothing but the caller's own word is known."""
        return self.kind is PersonKind.CLAIMED

    @property
    def texts(self) -> tuple[str, ...]:
        """What the search field `person` holds."""
        return (self.id, *self.names)


def person_of(caller: Caller, role_arn: str = "") -> Person:
    """Who the caller is when nothing is known of where their credentials come from.

    Args:
        role_arn: The role that the caller is about to assume, if any.
    """
    found = _BY_TYPE.get(caller.type, _other)(caller, role_arn)
    if found is None and caller.on_behalf_of:
        return Person(PersonKind.IDENTITY_CENTER, f"sso-user:{caller.on_behalf_of}")
    return found or claimed(caller)


def claimed(caller: Caller) -> Person:
    """The caller by their own word."""
    name = caller.source_identity or caller.session_name or caller.user_name
    place = caller.arn or caller.principal or caller.account or caller.type or "unknown"
    names = (f"claimed:{name}",) if name else ()
    return Person(PersonKind.CLAIMED, f"claimed:{place}", names)


def service(name: str) -> Person:
    """An AWS service that acts by itself."""
    return Person(PersonKind.SERVICE, f"service:{name}", (name,))


def _user(caller: Caller, _: str) -> Person | None:
    if ":user/" not in caller.arn:
        return None  # a sign-in that failed tells the name that was typed in
    return Person(PersonKind.USER, caller.arn, (caller.arn.rpartition("/")[2],))


def _root(caller: Caller, _: str) -> Person | None:
    if caller.assumed_root or not (caller.account or caller.arn):
        return None
    arn = caller.arn or f"arn:aws:iam::{caller.account}:root"
    return Person(PersonKind.ROOT, arn, ("root",))


def _federated(caller: Caller, _: str) -> Person | None:
    arn = caller.issuer_arn
    if arn.endswith(":root"):
        return Person(PersonKind.ROOT, arn, ("root",))
    return Person(PersonKind.USER, arn, (arn.rpartition("/")[2],)) if ":user/" in arn else None


def _assumed_role(caller: Caller, _: str) -> Person | None:
    role = caller.issuer_arn
    if IDENTITY_CENTER_PATH in role and caller.session_name:
        return _identity_center(caller.session_name)
    if caller.web_subject:
        return _web(caller.web_subject)
    if SERVICE_PATH in role:
        return service(role.partition(SERVICE_PATH)[2].partition("/")[0])
    if caller.scope:
        return Person(PersonKind.SERVICE, caller.scope, (caller.scope.rpartition(":")[2],))
    if caller.on_instance:
        return service("ec2.amazonaws.com")
    return None


def _saml(caller: Caller, role_arn: str) -> Person | None:
    name = caller.user_name or caller.principal.rpartition(":")[2]
    if not name:
        return None
    if IDENTITY_CENTER_PATH in role_arn:
        return _identity_center(name)
    provider = caller.identity_provider or caller.principal.rpartition(":")[0]
    return Person(PersonKind.SAML, f"saml:{provider}:{name}", (name,))


def _web_user(caller: Caller, _: str) -> Person | None:
    return _web(caller.principal) if caller.principal else None


def _account(caller: Caller, _: str) -> Person | None:
    if not caller.account:
        return None
    return Person(
        PersonKind.ACCOUNT, f"account:{caller.account}:{caller.principal}", (caller.account,)
    )


def _service(caller: Caller, _: str) -> Person | None:
    return service(caller.invoked_by) if caller.invoked_by else None


def _other(caller: Caller, role_arn: str) -> Person | None:
    """Records of what services do by themselves have no type."""
    return _service(caller, role_arn) if not caller.type else None


def _identity_center(name: str) -> Person:
    return Person(PersonKind.IDENTITY_CENTER, f"sso:{name}", (name,))


def _web(subject: str) -> Person:
    return Person(PersonKind.WEB, f"web:{subject}", (subject.rpartition(":")[2],))


_BY_TYPE: dict[str, Callable[[Caller, str], Person | None]] = {
    "IAMUser": _user,
    "Root": _root,
    "FederatedUser": _federated,
    "AssumedRole": _assumed_role,
    "SAMLUser": _saml,
    "WebIdentityUser": _web_user,
    "AWSAccount": _account,
    "AWSService": _service,
}
