"""Which records issue keys, and what they say of the key, of its owner and of who asked for it.

Sources: AWS STS, IAM and sign-in API references; spec: record, sections 3.2, 4 and 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from opentrail.clock import iso_seconds, parse_iso_seconds
from opentrail.sessions.caller import (
    SIGN_IN,
    Caller,
    caller_of,
    members,
    session_reference,
    text,
)

LONG_TERM = "CreateAccessKey"
SWITCH = "SwitchRole"
_TIME_LENGTH = len("2026-07-01T09:00:00Z")

_SOURCES = {
    "sts.amazonaws.com": (
        "AssumeRole",
        "AssumeRoleWithSAML",
        "AssumeRoleWithWebIdentity",
        "AssumeRoot",
        "GetFederationToken",
        "GetSessionToken",
    ),
    "iam.amazonaws.com": (LONG_TERM,),
    "sso.amazonaws.com": ("GetRoleCredentials",),
    SIGN_IN: ("GetSigninToken", SWITCH),
}
ISSUING = frozenset((source, name) for source, names in _SOURCES.items() for name in names)
"""(eventSource, eventName) of the calls that may issue a key or a session."""


class Issued(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A key or a session that came to be, and at whose request.

    Attributes:
        key: "" for a session without a key of its own (SwitchRole).
        time: The record's eventTime.
        principal: principalId of the new session.
        issuer: Who asked; their own key leads on towards the root.
        account: recipientAccountId of the record.
    """

    event_name: str
    time: str
    key: str
    issuer: Caller
    principal: str = ""
    arn: str = ""
    role_arn: str = ""
    source_identity: str = ""
    event_id: str = ""
    shared_event_id: str = ""
    account: str = ""
    address: str = ""

    @property
    def long_term(self) -> bool:
        """The key is a user's, for good: it belongs to the user, whoever made it."""
        return self.event_name == LONG_TERM

    @property
    def references(self) -> tuple[str, ...]:
        """What callers with these credentials refer to: the key, or the session.

        A call is recorded when it completes, which may be a second after the session's creation.
        """
        if self.long_term:
            return (self.key,)
        before = "" if self.event_name == SWITCH else _second_before(self.time)
        sessions = (session_reference(self.principal, when) for when in (self.time, before))
        return tuple(dict.fromkeys(one for one in (self.key, *sessions) if one))


def issued_by(record: Mapping[str, Any], caller: Caller | None = None) -> Issued | None:
    """What a decoded record issues, None if nothing.

    Args:
        caller: The record's caller, if it was read already.
    """
    if (text(record.get("eventSource")), text(record.get("eventName"))) not in ISSUING:
        return None
    caller = caller or caller_of(record)
    if caller is None or record.get("errorCode"):
        return None
    if record.get("eventName") == SWITCH:
        return _switched(record, caller)
    answer, request = members(record, "responseElements"), members(record, "requestParameters")
    credentials = _first_members(answer, ("credentials", "roleCredentials", "accessKey"))
    key = text(credentials.get("accessKeyId"))
    if not key or key == caller.key:
        return None
    owner = _first_members(answer, ("assumedRoleUser", "federatedUser"))
    return Issued(
        event_name=text(record.get("eventName")),
        time=text(record.get("eventTime")),
        key=key,
        issuer=caller,
        principal=_principal(owner) or ("" if owner else caller.principal),
        arn=text(owner.get("arn")) or text(credentials.get("userName")),
        role_arn=text(request.get("roleArn")),
        source_identity=text(request.get("sourceIdentity")) or caller.source_identity,
        event_id=text(record.get("eventID")),
        shared_event_id=text(record.get("sharedEventID")),
        account=text(record.get("recipientAccountId")),
        address=text(record.get("sourceIPAddress")),
    )


def _switched(record: Mapping[str, Any], caller: Caller) -> Issued | None:
    """SwitchRole is recorded as the role's session, and names whose console it was."""
    more = members(record, "additionalEventData")
    came_from = text(more.get("SwitchFrom"))
    reference = session_reference(caller.principal, caller.created)
    if not came_from or came_from == caller.arn or not reference:
        return None
    user = ":user/" in came_from
    account = came_from.split(":")[4] if came_from.count(":") >= 5 else ""
    kind = "IAMUser" if user else "AssumedRole"
    return Issued(
        event_name=SWITCH,
        time=caller.created,
        key="",
        issuer=Caller(type=kind, arn=came_from, account=account, console=True),
        principal=caller.principal,
        arn=caller.arn,
        role_arn=caller.issuer_arn,
        event_id=text(record.get("eventID")),
        account=text(record.get("recipientAccountId")),
        address=text(record.get("sourceIPAddress")),
    )


def _principal(owner: Mapping[str, Any]) -> str:
    return text(owner.get("assumedRoleId")) or text(owner.get("federatedUserId"))


def _second_before(time: str) -> str:
    if len(time) == _TIME_LENGTH and "01" <= time[17:19] <= "59" and time[17:19].isdecimal():
        return f"{time[:17]}{int(time[17:19]) - 1:02d}Z"  # quick, for 59 of 60 times
    try:
        return iso_seconds(parse_iso_seconds(time) - timedelta(seconds=1))
    except (ValueError, OverflowError):
        return ""


def _first_members(owner: Mapping[str, Any], names: tuple[str, ...]) -> Mapping[str, Any]:
    return next((found for name in names if (found := members(owner, name))), {})
