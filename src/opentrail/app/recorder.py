"""From an observed call to the bytes of its record: decode, find out who, learn, compose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog

from opentrail.aws.call import ApiCall
from opentrail.aws.decode import read_call, read_result
from opentrail.aws.observed import ObservedCall
from opentrail.ports.identities import Identities
from opentrail.ports.ids import Ids
from opentrail.record.principal import Principal, PrincipalType
from opentrail.recording import (
    RecordFacts,
    compose,
    compose_undecoded,
    issues_credentials,
    learned_credentials,
    learned_principals,
    object_records,
    other_account,
)

_log = structlog.get_logger()


class Recorder:
    """Makes records; counts what it could not decode."""

    def __init__(
        self, identities: Identities, ids: Ids, *, default_account: str, default_region: str
    ) -> None:
        self._identities = identities
        self._ids = ids
        self._account = default_account
        self._region = default_region
        self.counts: Counter[str] = Counter()

    def compose(self, observed: ObservedCall) -> bytes:
        """The call's own record; never raises, whatever the bytes are."""
        return self.records(observed)[0]

    def records(self, observed: ObservedCall) -> tuple[bytes, ...]:
        """The call's own record, then those of a batch's objects or of another account."""
        self.counts["calls"] += 1
        try:
            return self._records(observed)
        except Exception:  # noqa: BLE001 - see below
            # A bug of ours must not turn an executed call into an unrecorded one.
            _log.exception("call_not_decoded")
            self.counts["undecoded"] += 1
            facts = RecordFacts(event_id=self._ids.event_id(), account_id=self._account)
            return (compose_undecoded(observed, facts=facts, region=self._region),)

    def _records(self, observed: ObservedCall) -> tuple[bytes, ...]:
        call = read_call(observed, self._region)
        if call.problem:
            self.counts["undecoded"] += 1
        if call.error_code or observed.failure:
            self.counts["failed"] += 1
        principal = self._principal(call)
        account = principal.account_id if principal else ""
        other = other_account(call, principal)
        facts = RecordFacts(
            event_id=self._ids.event_id(),
            account_id=account or self._account,
            account_alias=self._identities.account_alias(account) if account else "",
            shared_event_id=self._ids.event_id() if other else "",
        )
        if issues_credentials(call):
            self._learn(call, read_result(call), principal)
        own = compose(call, principal, facts=facts)
        if other:
            elsewhere = replace(facts, event_id=self._ids.event_id(), account_id=other)
            return (own, compose(call, principal, facts=elsewhere))
        return (own, *object_records(call, own, self._ids.event_id))

    def _principal(self, call: ApiCall) -> Principal | None:
        """Who called; None for an unsigned call."""
        if call.scope is None:
            return None
        credential = self._identities.find(call.scope.access_key_id)
        if credential is None:
            return Principal(type=PrincipalType.UNKNOWN, account_id="")
        return credential.principal

    def _learn(
        self, call: ApiCall, result: Mapping[str, Any] | None, caller: Principal | None
    ) -> None:
        self._identities.learn_principals(learned_principals(call, result))
        self._identities.learn(
            learned_credentials(call, result, caller, self._identities.principal_id)
        )
