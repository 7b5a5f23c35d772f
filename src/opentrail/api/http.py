"""A CloudTrail call from bytes to bytes.

(1) which operation, (2) who, (3) is the input valid, (4) the handler, (5) the answer in AWS JSON
1.1 (REST JSON for PutAuditEvents). Source: spec: api, section 1. Nothing here raises: whatever is
wrong becomes the modelled error.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import structlog
from botocore.model import OperationModel

from opentrail.api.cloudtrail import HANDLERS, may_change
from opentrail.api.errors import ApiError, as_api_error, code_of_problem
from opentrail.api.outcome import Backends, Caller, Outcome, Reply
from opentrail.api.validate import problems
from opentrail.aws.models import service_model
from opentrail.aws.observed import ObservedRequest
from opentrail.aws.routing import read_scope
from opentrail.aws.sigv4 import verify
from opentrail.clock import Clock
from opentrail.ports.identities import Identities, signing_secret
from opentrail.ports.ids import Ids

MAX_BODY_BYTES = 1024 * 1024
MAX_DEPTH = 64
JSON_TYPE = "application/x-amz-json-1.1"

_log = structlog.get_logger()


class CloudTrailService:
    """Answers for `cloudtrail` and `cloudtrail-data`."""

    def __init__(
        self, backends: Backends, *, identities: Identities, ids: Ids, clock: Clock
    ) -> None:
        self._backends = backends
        self._identities = identities
        self._ids = ids
        self._clock = clock

    def may_change(self, request: ObservedRequest) -> bool:
        """Whether the call could change something; such calls must not run side by side."""
        return may_change(_operation_name(request))

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
        operation = _operation(request)  # (1)
        caller = self._caller(request, request_id)  # (2)
        handler = HANDLERS.get(operation.name)
        if handler is None:
            raise ApiError(
                "UnsupportedOperationException",
                f"{operation.name} is not implemented by OpenTrail yet.",
            )
        parameters = _input(operation, request.body)  # (3)
        return handler(parameters, caller, self._backends)  # (4)

    def _caller(self, request: ObservedRequest, request_id: str) -> Caller:
        scope = read_scope(request)
        credential = self._identities.find(scope.access_key_id) if scope is not None else None
        secret = signing_secret(credential)
        now = self._clock.now()
        service = (
            "cloudtrail-data" if scope and scope.service == "cloudtrail-data" else "cloudtrail"
        )
        verify(request, scope, secret, now, service=service)
        assert scope is not None
        assert credential is not None
        return Caller(
            credential=credential,
            account_id=credential.principal.account_id,
            region=scope.region,
            request_id=request_id,
            now=now,
        )


def _operation_name(request: ObservedRequest) -> str:
    target = request.header("x-amz-target")
    if target is None and request.raw_path.rstrip("/") == "/PutAuditEvents":
        return "PutAuditEvents"
    return (target or "").rpartition(".")[2]


def _operation(request: ObservedRequest) -> OperationModel:
    name = _operation_name(request)
    if name == "PutAuditEvents":
        return service_model("cloudtrail-data").operation_model(name)
    model = service_model("cloudtrail")
    if name not in model.operation_names:
        raise ApiError(
            "UnknownOperationException",
            f"X-Amz-Target {(request.header('x-amz-target') or '')[:200]!r} names no operation "
            "of CloudTrail.",
            404,
        )
    content_type = (request.header("content-type") or "").partition(";")[0].strip()
    if request.method != "POST" or content_type not in (JSON_TYPE, "application/x-amz-json-1.0"):
        raise ApiError(
            "SerializationException",
            f"{request.method} with content type {content_type!r}; expected POST with {JSON_TYPE}",
        )
    return model.operation_model(name)


def _input(operation: OperationModel, body: bytes) -> Mapping[str, Any]:
    value = read_json(body or b"{}")
    if not isinstance(value, dict):
        raise ApiError("SerializationException", "The request body is not a JSON object.")
    if operation.input_shape is None:
        return value
    found = list(problems(operation.input_shape, value))
    if found:
        raise ApiError(
            code_of_problem(operation.name, found[0]),
            f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected: "
            + "; ".join(found[:10]),
        )
    return {name: item for name, item in value.items() if item is not None}


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
