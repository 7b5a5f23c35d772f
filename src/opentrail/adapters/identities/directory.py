"""Known access keys: the identities file's, and those that answers passing by made known.

Learned keys live in the state store, so that a session is still known after a restart; all keys
are held in memory, since every recorded call looks one up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import structlog

from opentrail.access.policy import Policy, parse_identity_policy
from opentrail.access.wildcards import fits
from opentrail.adapters.identities.file import IdentityEntry, ServiceEntry, read_file
from opentrail.errors import InvalidInput
from opentrail.ports.state import Change, StateStore
from opentrail.record.principal import Credential, Principal

_log = structlog.get_logger()

CREDENTIAL_KIND = "credential"
PRINCIPAL_KIND = "principal_id"
KEEP_EXPIRED = timedelta(days=7)
LOOK_AFTER = 500
"""New sessions after which those that ended are looked for."""

RELOAD_SECONDS = 1.0
"""How soon changes of the file are known to the running server; new keys are at once."""


class DirectoryIdentities:
    """See ports.identities."""

    def __init__(self, path: Path, state: StateStore) -> None:
        self._path = path
        self._state = state
        self._lock = threading.Lock()
        self._changed = 0
        self._looked = 0.0
        self._from_file: dict[str, Credential] = {}
        self._aliases: dict[str, str] = {}
        self._policies: tuple[tuple[tuple[str, ...], Policy], ...] = ()
        self._learned = {
            document.key: msgspec.json.decode(document.body, type=Credential)
            for document in state.list(CREDENTIAL_KIND)
        }
        self._principals = {
            document.key: document.body.decode() for document in state.list(PRINCIPAL_KIND)
        }
        self._learned_since_look = 0
        self._forget_expired()
        self._reload()

    def find(self, access_key_id: str) -> Credential | None:
        if time.monotonic() - self._looked > RELOAD_SECONDS:
            self._reload()
        found = self._known(access_key_id)
        if found is None:
            self._reload()  # it may have been made this moment
            found = self._known(access_key_id)
        return found

    def _known(self, access_key_id: str) -> Credential | None:
        return self._from_file.get(access_key_id) or self._learned.get(access_key_id)

    def learn(self, credentials: Sequence[Credential]) -> None:
        if not credentials:
            return
        self._state.apply(
            [
                Change(CREDENTIAL_KIND, one.access_key_id, msgspec.json.encode(one))
                for one in credentials
            ]
        )
        with self._lock:
            self._learned |= {one.access_key_id: one for one in credentials}
        self._learned_since_look += len(credentials)
        if self._learned_since_look >= LOOK_AFTER:
            self._forget_expired()

    def _forget_expired(self) -> None:
        """Sessions that ended long ago; those that ended lately still tell who calls in vain."""
        self._learned_since_look = 0
        before = datetime.now(UTC) - KEEP_EXPIRED
        ended = [key for key, one in self._learned.items() if one.expires and one.expires < before]
        if ended:
            self._state.apply([Change(CREDENTIAL_KIND, key, None) for key in ended])
            gone = set(ended)
            with self._lock:
                self._learned = {key: one for key, one in self._learned.items() if key not in gone}

    def learn_principals(self, ids: Mapping[str, str]) -> None:
        new = {arn: one for arn, one in ids.items() if self._principals.get(arn) != one}
        if not new:
            return
        self._state.apply([Change(PRINCIPAL_KIND, arn, one.encode()) for arn, one in new.items()])
        with self._lock:
            self._principals |= new

    def account_alias(self, account_id: str) -> str:
        return self._aliases.get(account_id, "")

    def principal_id(self, arn: str) -> str:
        return self._principals.get(arn, "")

    def policies(self, principal: Principal) -> tuple[Policy, ...]:
        if time.monotonic() - self._looked > RELOAD_SECONDS:
            self._reload()
        session = principal.session
        names = {principal.arn, principal.invoked_by, session.issuer_arn if session else ""} - {""}
        return tuple(
            policy
            for patterns, policy in self._policies
            if any(fits(pattern, name) for pattern in patterns for name in names)
        )

    def all_credentials(self) -> tuple[Credential, ...]:
        if time.monotonic() - self._looked > RELOAD_SECONDS:
            self._reload()
        with self._lock:
            return (*self._from_file.values(), *self._learned.values())

    def _reload(self) -> None:
        self._looked = time.monotonic()
        try:
            changed = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return
        if changed == self._changed:
            return
        try:
            content = read_file(self._path)
        except InvalidInput as problem:
            if not self._changed:
                raise
            # Somebody is editing the file: the keys known before still stand.
            _log.error("identities_not_read", problem=str(problem))
            return
        with self._lock:
            self._changed = changed
            self._aliases = content.aliases
            self._policies = tuple(
                (one.attached_to, parse_identity_policy(one.document)) for one in content.policies
            )
            entries: tuple[IdentityEntry | ServiceEntry, ...] = (
                *content.entries,
                *content.services,
            )
            self._from_file = {one.access_key_id: one.credential() for one in entries}
            self._principals |= {
                one.credential().principal.arn: one.user_id for one in content.entries if one.user
            }
            self._principals |= {role.arn: role.role_id for role in content.roles}
