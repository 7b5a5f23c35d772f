"""A CloudTrail call from bytes to bytes.

(1) which operation, (2) who, (3) may they, (4) is the input valid, (5) the handler, (6) the answer
in AWS JSON 1.1 (REST JSON for PutAuditEvents). Nothing here raises: whatever is wrong becomes the
modelled error. Source: spec: api, section 1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from botocore.model import OperationModel

from opentrail.api.authorization import Authorizer
from opentrail.api.cloudtrail import may_change
from opentrail.api.errors import ApiError, as_api_error, code_of
from opentrail.api.outcome import Backends, Caller, Outcome, Reply
from opentrail.api.services import JSON_TYPE, called, operation_name
from opentrail.api.throttle import Throttle
from opentrail.api.validate import problems
from opentrail.aws.observed import ObservedRequest
from opentrail.aws.routing import read_scope
from opentrail.aws.sigv4 import verify
from opentrail.clock import Clock
from opentrail.ports.identities import Identities, signing_secret
from opentrail.ports.ids import Ids

MAX_BODY_BYTES = 1024 * 1024
MAX_DEPTH = 64

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Who may call, and how often.

    Attributes:
        regions: The names of regions that a call may be signed for.
    """

    identities: Identities
    authorize: Authorizer
    throttle: Throttle
    regions: frozenset[str]


class CloudTrailService:
    """Answers for `cloudtrail`, `cloudtrail-data` and, of an organization, `organizations`."""

    def __init__(self, backends: Backends, *, admission: Admission, ids: Ids, clock: Clock) -> None:
        self._backends = backends
        self._admission = admission
        self._ids = ids
        self._clock = clock

    def may_change(self, request: ObservedRequest) -> bool:
        """Whether the call could change something; such calls must not run side by side."""
        return may_change(operation_name(request))

    def handle(self, request: ObservedRequest) -> Outcome:
        """The answer to a call."""
        request_id = self._ids.request_id()
        try:
            reply = self._reply(request, request_id)
        except Exception as problem:  # noqa: BLE001 - the door's outermost handler
            error = as_api_error(problem)
            if error.status >= 500:
                _log.error("call_failed", request_id=request_id, problem=repr(problem))
            return _error(error, request_id)
        body = json.dumps(reply.output, separators=(",", ":")).encode()
        headers = (("x-amzn-RequestId", request_id), ("Content-Type", JSON_TYPE))
        return Outcome(200, headers, body, reply.changes, reply.takes_effect)

    def _reply(self, request: ObservedRequest, request_id: str) -> Reply:
        if request.body_length > MAX_BODY_BYTES:
            raise ApiError(
                "RequestEntityTooLargeException",
                f"The request has {request.body_length} bytes; {MAX_BODY_BYTES} are allowed.",
                413,
            )
        call = called(request)  # (1)
        caller = self._caller(request, request_id, call.service)  # (2)
        self._admission.throttle.take(call.operation.name, caller)
        sent = _sent(request.body, call.operation)
        self._admission.authorize(call.operation.name, sent, caller, request)  # (3)
        handler = call.handler
        return handler(_input(call.operation, sent), caller, self._backends)  # (4, 5)

    def _caller(self, request: ObservedRequest, request_id: str, service: str) -> Caller:
        scope = read_scope(request)
        credential = (
            self._admission.identities.find(scope.access_key_id) if scope is not None else None
        )
        now = self._clock.now()
        verify(request, scope, signing_secret(credential), now, service=service)
        assert scope is not None
        assert credential is not None
        if scope.region not in self._admission.regions:
            raise ApiError(
                "InvalidSignatureException",
                f"Credential should be scoped to a valid region, not {scope.region[:50]!r}; a "
                "region of your own must stand in OPENTRAIL_REGIONS.",
                403,
            )
        return Caller(
            credential=credential,
            account_id=credential.principal.account_id,
            region=scope.region,
            request_id=request_id,
            now=now,
            service=service,
        )


def _sent(body: bytes, operation: OperationModel) -> Mapping[str, Any]:
    """The members that the operation has: a right must not hang on one that nobody else reads."""
    value = read_json(body or b"{}")
    if not isinstance(value, dict):
        raise ApiError("SerializationException", "The request body is not a JSON object.")
    known = operation.input_shape.members if operation.input_shape is not None else {}
    return {name: item for name, item in value.items() if item is not None and name in known}


def _input(operation: OperationModel, sent: Mapping[str, Any]) -> Mapping[str, Any]:
    if operation.input_shape is None:
        return sent
    found = list(problems(operation.input_shape, sent))
    if not found:
        return sent
    code = code_of(operation.name, found[0])
    if found[0].is_type:
        raise ApiError(code, found[0].message)
    told = "; ".join(one.message for one in found[:10])
    raise ApiError(
        code, f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected: {told}"
    )


def read_json(body: bytes) -> Any:
    """JSON, strictly: no duplicate members, no NaN, no endless nesting, no broken characters.

    Raises:
        ApiError: SerializationException, in words.
    """
    try:
        text = body.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        # A half of a character, written as an escape, can't be stored as UTF-8.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as problem:
        raise ApiError("SerializationException", f"The body is not valid JSON: {problem}") from None
    if _depth(value) > MAX_DEPTH:
        raise ApiError("SerializationException", f"The body nests deeper than {MAX_DEPTH} levels.")
    return value


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max((_depth(item) for item in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((_depth(item) for item in value), default=0)
    return 0


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands in an object twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _error(error: ApiError, request_id: str) -> Outcome:
    body = json.dumps({"__type": error.code, "message": str(error)}).encode()
    headers = (
        ("x-amzn-RequestId", request_id),
        ("x-amzn-ErrorType", error.code),
        ("Content-Type", JSON_TYPE),
    )
    return Outcome(error.status, headers, body)
