"""The organization as the running server keeps to it.

`opentrail org` changes the organization's document; the server takes the change up within a
second: each of the organization's trails gets the accounts that joined and loses those that left,
at a place in the journal, with a record that tells it. Source: spec: api, section 12.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import msgspec
import structlog

from opentrail.app.door import OwnDoor
from opentrail.app.wiring import Parts
from opentrail.clock import iso_seconds
from opentrail.ports.state import Change
from opentrail.trail.organization import ORGANIZATION_KEY, ORGANIZATION_KIND, Organization
from opentrail.trail.trail import TRAIL_KIND, Trail

_log = structlog.get_logger()

NAME = "organizations"


class OrganizationKeeper:
    """Watches the organization's document."""

    def __init__(self, parts: Parts, door: OwnDoor, *, named: bool) -> None:
        self._parts = parts
        self._door = door
        self._named = named
        self._seen: bytes | None = None
        self._exists = False

    def answers(self, service: str) -> bool:
        """Whether OpenTrail answers for `organizations`: it has one, and no upstream is named."""
        return service == NAME and self._exists and not self._named

    async def adopt(self) -> None:
        """Take up what changed since the last time."""
        document = self._parts.state.get(ORGANIZATION_KIND, ORGANIZATION_KEY)
        body = b"" if document is None else document.body
        if body == self._seen:
            return
        await self._door.change(self._decide)
        self._seen, self._exists = body, document is not None

    def _decide(self) -> tuple[Sequence[Change], bytes]:
        """The changed trails, and the record of the change."""
        document = self._parts.state.get(ORGANIZATION_KIND, ORGANIZATION_KEY)
        found = None if document is None else msgspec.json.decode(document.body, type=Organization)
        organization: Organization | None = found
        changes: list[Change] = []
        joined: set[str] = set()
        left: set[str] = set()
        for trail, version in self._trails():
            changed = kept_to(trail, organization)
            if changed == trail:
                continue
            joined |= set(changed.member_account_ids) - set(trail.member_account_ids)
            left |= set(trail.member_account_ids) - set(changed.member_account_ids)
            body = msgspec.json.encode(changed)
            changes.append(Change(TRAIL_KIND, trail.arn, body, expected=version))
        if not changes:
            return (), b""
        _log.info("organization_changed", joined=sorted(joined), left=sorted(left))
        account = organization.management_account_id if organization else _owner(changes)
        return changes, self._record(account, sorted(joined), sorted(left))

    def _trails(self) -> Iterator[tuple[Trail, int]]:
        for document in self._parts.state.list(TRAIL_KIND, "arn:"):
            trail = msgspec.json.decode(document.body, type=Trail)
            if trail.organization_id:
                yield trail, document.version

    def _record(self, account_id: str, joined: list[str], left: list[str]) -> bytes:
        """A service event of Organizations, for the management account."""
        event = {
            "eventVersion": "1.11",
            "userIdentity": {"accountId": account_id, "invokedBy": "organizations.amazonaws.com"},
            "eventTime": iso_seconds(self._parts.clock.now()),
            "eventSource": "organizations.amazonaws.com",
            "eventName": _event_name(joined, left),
            "awsRegion": "us-east-1",
            "sourceIPAddress": "organizations.amazonaws.com",
            "userAgent": "organizations.amazonaws.com",
            "requestParameters": None,
            "responseElements": None,
            "eventID": self._parts.ids.event_id(),
            "readOnly": False,
            "eventType": "AwsServiceEvent",
            "managementEvent": True,
            "recipientAccountId": account_id,
            "serviceEventDetails": {"joinedAccountIds": joined, "departedAccountIds": left},
            "eventCategory": "Management",
        }
        return json.dumps(event, separators=(",", ":")).encode()


def kept_to(trail: Trail, organization: Organization | None) -> Trail:
    """An organization's trail with the accounts that are in it now.

    When its organization is no more it is a trail of its own account alone.
    """
    if organization is None or organization.id != trail.organization_id:
        return msgspec.structs.replace(trail, organization_id="", member_account_ids=())
    return msgspec.structs.replace(trail, member_account_ids=organization.member_account_ids)


def _event_name(joined: list[str], left: list[str]) -> str:
    if joined:
        return "AccountJoinedOrganization"
    return "AccountDepartedOrganization" if left else "DeleteOrganization"


def _owner(changes: Sequence[Change]) -> str:
    body = changes[0].body
    assert body is not None
    return msgspec.json.decode(body, type=Trail).account_id
