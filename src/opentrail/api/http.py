"""A call of a service that OpenTrail answers itself, from bytes to bytes.

(1) which operation, (2) who, (3) may they, (4) is the input valid, (5) the handler, (6) the answer
in the caller's protocol. Nothing here raises: whatever is wrong becomes the modelled error.
Source: spec: api, section 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from opentrail.api.authorization import Authorizer
from opentrail.api.errors import ApiError, as_api_error
from opentrail.api.outcome import Caller, Outcome, Reply
from opentrail.api.services import MAX_BODY_BYTES, Service
from opentrail.api.throttle import Throttle
from opentrail.api.validate import problems
from opentrail.api.wire import (
    Call,
    operation_name,
    protocol_of,
    read_call,
    read_members,
    write_answer,
    write_error,
)
from opentrail.aws.decode import inflated
from opentrail.aws.models import by_target
from opentrail.aws.observed import ObservedRequest
from opentrail.aws.routing import read_scope, service_id
from opentrail.aws.sigv4 import verify
from opentrail.clock import Clock
from opentrail.ports.identities import Identities, signing_secret
from opentrail.ports.ids import Ids

MAX_PLAIN_BYTES = 8 * MAX_BODY_BYTES
"""Of a body that came compressed: SDKs compress the calls of PutMetricData above 10 KiB."""

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


class OwnServices:
    """Answers for every service that is OpenTrail's own."""

    def __init__(
        self, services: Sequence[Service], *, admission: Admission, ids: Ids, clock: Clock
    ) -> None:
        """Take over the services.

        Args:
            services: The first is asked when nothing tells which one is meant.
        """
        self._services = {service.model: service for service in services}
        self._default = services[0]
        self._admission = admission
        self._ids = ids
        self._clock = clock

    @property
    def names(self) -> frozenset[str]:
        """The signing names answered."""
        return frozenset(service.name for service in self._services.values())

    def may_change(self, request: ObservedRequest) -> bool:
        """Whether the call could change something; such calls must not run side by side."""
        try:
            service = self._service(request)
            return service.may_change(operation_name(_plain(request, service)))
        except ApiError:
            return False

    def handle(self, request: ObservedRequest) -> Outcome:
        """The answer to a call."""
        request_id = self._ids.request_id()
        call: Call | None = None
        try:
            service = self._service(request)
            plain = _plain(request, service)
            call = read_call(plain, service.model)  # (1)
            caller = self._caller(request, request_id, service.name)  # (2)
            reply = self._reply(plain, service, call, caller)
        except Exception as problem:  # noqa: BLE001 - the door's outermost handler
            error = as_api_error(problem)
            if error.status >= 500:
                _log.error("call_failed", request_id=request_id, problem=repr(problem))
            headers, body = write_error(protocol_of(request), call, error, request_id)
            return Outcome(error.status, headers, body)
        headers, body = write_answer(call, reply.output, request_id)
        return Outcome(200, headers, body, reply.changes, reply.takes_effect, reply.behind)

    def _service(self, request: ObservedRequest) -> Service:
        """By what the request is for; by its signature where it names no target."""
        target = request.header("x-amz-target") or ""
        for model in by_target().get(target.rpartition(".")[0], ()):
            if model in self._services:
                return self._services[model]
        if not target:
            signed_for = service_id(request, read_scope(request))
            for service in self._services.values():
                if service.name == signed_for:
                    return service
        return self._default

    def _reply(
        self, request: ObservedRequest, service: Service, call: Call, caller: Caller
    ) -> Reply:
        name = call.operation.name
        self._admission.throttle.take(name, caller)
        sent = read_members(request, call)
        resources = service.resources(name, sent, caller)
        self._admission.authorize(name, resources, sent, caller, request)  # (3)
        passed = service.passes(name, sent)
        self._admission.authorize("PassRole", passed, sent, replace(caller, service="iam"), request)
        answer = service.answer(name)
        return answer(_checked(service, call, sent), caller)  # (4, 5)

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


def _plain(request: ObservedRequest, service: Service) -> ObservedRequest:
    """The request as it was before it was compressed; what was signed is the compressed one."""
    _check_size(request, service.max_body_bytes)
    try:
        plain = inflated(request, "")
    except ValueError as problem:
        raise ApiError("SerializationException", f"The body cannot be read: {problem}") from None
    _check_size(plain, MAX_PLAIN_BYTES)
    return plain


def _check_size(request: ObservedRequest, limit: int) -> None:
    if request.body_length > limit:
        raise ApiError(
            "RequestEntityTooLargeException",
            f"The request has {request.body_length} bytes; {limit} are allowed.",
            413,
        )


def _checked(service: Service, call: Call, sent: Mapping[str, Any]) -> Mapping[str, Any]:
    operation = call.operation
    if operation.input_shape is None:
        return sent
    found = list(problems(operation.input_shape, sent))
    if not found:
        return sent
    code = service.code_of(operation.name, found[0])
    if found[0].is_type:
        raise ApiError(code, found[0].message)
    told = "; ".join(one.message for one in found[:10])
    raise ApiError(
        code, f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected: {told}"
    )
