"""From an observed call to the bytes of its record: decode, find out who, learn, compose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from msgspec.structs import replace

from opentrail.aws.call import ApiCall, ReadRequest
from opentrail.aws.decode import read_call, read_request, read_result
from opentrail.aws.observed import ObservedCall, ObservedRequest
from opentrail.aws.routing import service_id
from opentrail.aws.sigv4 import SignatureRefused
from opentrail.gateway.policy import SignatureCheck
from opentrail.ports.identities import Identities
from opentrail.ports.ids import Ids
from opentrail.record.principal import Principal, PrincipalType
from opentrail.recorder.signatures import Signatures
from opentrail.recording import (
    Draft,
    RecordFacts,
    Redaction,
    compose,
    compose_intent,
    compose_outcome,
    compose_undecoded,
    is_data,
    issues_credentials,
    learned_credentials,
    learned_principals,
    object_records,
    other_account,
)
from opentrail.recording.redact import UNTRACED

_log = structlog.get_logger()

_NOBODY_KNOWN = Principal(type=PrincipalType.UNKNOWN, account_id="")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderOptions:
    """What an owner may choose.

    Attributes:
        signatures: Checks signatures; None if nobody looks.
        redaction: How secrets are hidden.
        keep_omitted: Takes what is too large for a record (see RecordFacts).
    """

    signatures: Signatures | None = None
    redaction: Redaction = UNTRACED
    keep_omitted: Callable[[str, bytes], None] | None = None


class Recorder:
    """Makes records; counts what it could not decode."""

    def __init__(
        self,
        identities: Identities,
        ids: Ids,
        *,
        default_account: str,
        default_region: str,
        options: RecorderOptions = RecorderOptions(),
    ) -> None:
        self.options = options
        self.identities = identities
        self.ids = ids
        self.account = default_account
        self.region = default_region
        self.counts: Counter[str] = Counter()

    def compose(self, observed: ObservedCall) -> bytes:
        """The call's own record; never raises, whatever the bytes are."""
        return self.begin(observed.request, "", "").records(observed)[0]

    def begin(self, request: ObservedRequest, event_id: str, payload_sha256: str) -> BegunCall:
        """The call as far as its request tells it; never raises.

        Args:
            event_id: Of its record; "" for a new one.
            payload_sha256: Of its body, in hex; "" if unknown.
        """
        return BegunCall(self, request, event_id or self.ids.event_id(), payload_sha256)


class BegunCall:
    """A call whose request was read.

    Attributes:
        data: Whether it is a data event.
        refusal: Why it must not be forwarded, None if it may be.
    """

    def __init__(
        self, recorder: Recorder, request: ObservedRequest, event_id: str, payload_sha256: str
    ) -> None:
        self._recorder = recorder
        self._request = request
        self.event_id = event_id
        self._read: ReadRequest | None = None
        try:
            self._read = read_request(request, recorder.region)
        except Exception:  # noqa: BLE001 - a call that can't be read is recorded as such
            _log.exception("request_not_read")
        operation = self._read.operation if self._read is not None else None
        self.data = (
            self._read is not None
            and operation is not None
            and is_data(self._read.service, operation.name)
        )
        self._drafted: tuple[Draft, Principal, RecordFacts] | None = None
        self._verified: bool | None = None
        self.refusal: SignatureRefused | None = None
        if recorder.options.signatures is not None:
            self._check(recorder.options.signatures, payload_sha256)

    @property
    def unknown_key(self) -> str:
        """The access key that signed, if nobody knows whose it is; else ""."""
        scope = self._read.scope if self._read is not None else None
        known = scope is None or self._recorder.identities.find(scope.access_key_id) is not None
        return "" if known or scope is None else scope.access_key_id

    def _check(self, signatures: Signatures, payload_sha256: str) -> None:
        scope = self._read.scope if self._read is not None else None
        mode = signatures.mode(service_id(self._request, scope))
        if mode is SignatureCheck.OFF:
            return
        problem = signatures.problem(self._request, scope, payload_sha256)
        self._verified = problem is None
        if mode is SignatureCheck.REFUSE:
            self.refusal = problem

    def intent(self) -> bytes:
        """The record to be written if the outcome never becomes known; never raises."""
        observed = ObservedCall(
            request=self._request, response=None, failure="", ended=self._request.started
        )
        try:
            call = read_call(observed, self._recorder.region, self._read)
            principal = self._principal(call)
            facts = self._facts(principal)
            raw, draft = compose_intent(call, principal, facts=facts)
        except Exception:  # noqa: BLE001 - as for the call itself
            _log.exception("intent_not_composed")
            return self._undecoded(observed)
        if principal is not None:  # an unsigned caller may be known by the answer alone
            self._drafted = draft, principal, facts
        return raw

    def records(self, observed: ObservedCall) -> tuple[bytes, ...]:
        """The call's own record, then those of a batch's objects or of another account.

        Never raises, whatever the bytes are.
        """
        self._recorder.counts["calls"] += 1
        try:
            return self._records(observed)
        except Exception:  # noqa: BLE001 - see below
            # A bug of ours must not turn an executed call into an unrecorded one.
            _log.exception("call_not_decoded")
            self._recorder.counts["undecoded"] += 1
            return (self._undecoded(observed),)

    def _records(self, observed: ObservedCall) -> tuple[bytes, ...]:
        recorder = self._recorder
        call = read_call(observed, recorder.region, self._read)
        if call.problem:
            recorder.counts["undecoded"] += 1
        if call.error_code or observed.failure:
            recorder.counts["failed"] += 1
        principal = self._principal(call)
        other = other_account(call, principal)
        if issues_credentials(call):
            self._learn(call, read_result(call), principal)
        if other:
            facts = replace(self._facts(principal), shared_event_id=recorder.ids.event_id())
            elsewhere = replace(facts, event_id=recorder.ids.event_id(), account_id=other)
            own = compose(call, principal, facts=facts)
            return (own, compose(call, principal, facts=elsewhere))
        own = self._own_record(call, principal)
        return (own, *object_records(call, own, recorder.ids.event_id))

    def _own_record(self, call: ApiCall, principal: Principal | None) -> bytes:
        if self._drafted is not None and self._drafted[1] is principal:
            return compose_outcome(self._drafted[0], call, facts=self._drafted[2])
        return compose(call, principal, facts=self._facts(principal))

    def _facts(self, principal: Principal | None) -> RecordFacts:
        account = principal.account_id if principal else ""
        return RecordFacts(
            event_id=self.event_id,
            account_id=account or self._recorder.account,
            account_alias=self._recorder.identities.account_alias(account) if account else "",
            signature_verified=self._verified,
            redaction=self._recorder.options.redaction,
            keep_omitted=self._recorder.options.keep_omitted,
        )

    def _undecoded(self, observed: ObservedCall) -> bytes:
        facts = RecordFacts(event_id=self.event_id, account_id=self._recorder.account)
        return compose_undecoded(observed, facts=facts, region=self._recorder.region)

    def _principal(self, call: ApiCall) -> Principal | None:
        """Who called; None for an unsigned call."""
        if call.scope is None:
            return None
        credential = self._recorder.identities.find(call.scope.access_key_id)
        if credential is None:
            return _NOBODY_KNOWN
        return credential.principal

    def _learn(
        self, call: ApiCall, result: Mapping[str, Any] | None, caller: Principal | None
    ) -> None:
        identities = self._recorder.identities
        identities.learn_principals(learned_principals(call, result))
        identities.learn(learned_credentials(call, result, caller, identities.principal_id))
