"""From bytes to an ApiCall: which service and operation, what parameters, what outcome.

Nothing here raises: whatever cannot be understood is told in `ApiCall.problem`, so that the call
is still recorded. The protocol is the one the client really spoke, whatever else the model lists.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

import msgspec
from botocore.model import OperationModel, Shape

from opentrail.aws.answers import is_raw, is_whole, read_outcome, read_output
from opentrail.aws.call import ApiCall, ReadRequest, SigningScope
from opentrail.aws.models import (
    by_signing_name,
    by_target,
    by_version,
    event_source,
    region_of,
    service_heads,
    service_model,
)
from opentrail.aws.observed import ObservedCall, ObservedRequest
from opentrail.aws.post_form import is_post_form, read_fields
from opentrail.aws.protocols import cbor, json, query, rest, xml
from opentrail.aws.routing import form_scope, read_scope, service_id


@dataclass(frozen=True, slots=True)
class _Understood:
    """What the request alone tells."""

    service: str
    operation: OperationModel | None
    parameters: Mapping[str, Any] | None
    problem: str = ""


MAX_INFLATED_BYTES = 16 * 1024 * 1024
S3_SIGNING_NAMES = frozenset({"s3", "s3express", "s3-outposts", "s3-object-lambda"})
"""What S3's own operations are signed for, by kind of bucket or endpoint."""

_NOTHING = _Understood("", None, None)


def read_request(request: ObservedRequest, default_region: str) -> ReadRequest:
    """What the request tells, as far as it can be understood; never raises."""
    scope = read_scope(request)
    signing = service_id(request, scope)
    try:
        if scope is None and signing == "s3" and is_post_form(request):
            fields = read_fields(request)
            scope = form_scope(fields)
            understood = _posted_object(request, fields)
        else:
            understood = _understand(inflated(request, signing), signing)
    except Exception as problem:  # noqa: BLE001 - whatever a caller sends ends as a record
        understood = _Understood("", None, None, f"{type(problem).__name__}: {problem}")
    service = understood.service or _first(signing)
    return ReadRequest(
        scope=scope,
        service=service,
        operation=understood.operation,
        event_source=event_source(service or signing or "unknown"),
        region=region_of(service, _scope_region(request, scope), default_region),
        parameters=understood.parameters,
        problem=understood.problem,
    )


def read_call(
    observed: ObservedCall, default_region: str, request: ReadRequest | None = None
) -> ApiCall:
    """The call that was observed, as far as it can be understood; never raises.

    Args:
        request: The same request as read before, so that it need not be read again.
    """
    read = request or read_request(observed.request, default_region)
    code, message, request_id = read_outcome(observed, read.service)
    return ApiCall(
        observed=observed,
        scope=read.scope,
        service=read.service,
        operation=read.operation,
        event_source=read.event_source,
        region=read.region,
        parameters=read.parameters,
        error_code=code,
        error_message=message,
        request_id=request_id,
        problem=read.problem,
    )


def read_result(call: ApiCall) -> Mapping[str, Any] | None:
    """The output members of a successful answer.

    None when there are none, when the call failed, or when they cannot be decoded. Payloads that
    stream are not decoded.
    """
    response = call.observed.response
    if call.operation is None or response is None or call.error_code or response.status >= 300:
        return None
    shape = call.operation.output_shape
    if shape is None:
        return None
    try:
        found = read_output(call.operation, shape, response)
    except Exception:  # noqa: BLE001 - an upstream's broken answer is recorded without result
        return None
    return found or None


# Requests


def _scope_region(request: ObservedRequest, scope: SigningScope | None) -> str:
    """The region that was signed for; of several (version 4A) the first, "" for all of them."""
    if scope is None or scope.region or not scope.date:
        return scope.region if scope else ""
    first = (request.header("x-amz-region-set") or "").partition(",")[0].strip()
    return "" if "*" in first else first


def _posted_object(request: ObservedRequest, fields: Mapping[str, str]) -> _Understood:
    """An upload from a browser's form, which the models do not know: a PutObject by other means."""
    path = _bucket_path(request.raw_path, request.header("host") or "")
    bucket = unquote(path.strip("/").partition("/")[0])
    key = fields.get("key", "").replace("${filename}", fields.get("filename", ""))
    parameters = {"Bucket": bucket} | ({"Key": key} if key else {})
    return _Understood("s3", _operation("s3", "PutObject"), parameters)


def inflated(request: ObservedRequest, signing: str) -> ObservedRequest:
    """The request with its body as it was before the SDK compressed it; an object stays as it is.

    Raises:
        ValueError: it says gzip and is not, or is larger than a call can be.
    """
    coding = (request.header("content-encoding") or "").rpartition(",")[2].strip().lower()
    if coding != "gzip" or signing in S3_SIGNING_NAMES or not is_whole(request):
        return request
    reader = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        plain = reader.decompress(request.body, MAX_INFLATED_BYTES)
    except zlib.error as cause:
        raise ValueError(f"body is not gzip: {cause}") from cause
    if not reader.eof:
        raise ValueError(f"body is cut, or larger than {MAX_INFLATED_BYTES} bytes before gzip")
    return msgspec.structs.replace(request, body=plain, body_length=len(plain))


def _understand(request: ObservedRequest, signing: str) -> _Understood:
    target = request.header("x-amz-target")
    if target is not None:
        return _json_request(request, target, signing)
    if request.header("smithy-protocol") is not None or "/operation/" in request.raw_path:
        found = _cbor_request(request, signing)
        if found is not None:
            return found
    form = _form(request)
    if form is not None and "Action" in form:
        return _query_request(request, form, signing)
    return _rest_request(request, signing)


def _json_request(request: ObservedRequest, target: str, signing: str) -> _Understood:
    prefix, _, name = target.rpartition(".")
    services = by_target().get(prefix, ())
    candidates = services or by_signing_name().get(signing.lower(), ())
    for service in candidates:
        operation = _operation(service, name)
        if operation is not None:
            break
    else:
        return _Understood(_first(signing), None, None, f"unknown X-Amz-Target {target[:200]!r}")
    if not is_whole(request):
        return _Understood(service, operation, None, "body too large to be decoded")
    shape = operation.input_shape
    try:
        value = json.read(request.body) if request.body.strip() else {}
        parameters = value if shape is None else json.from_json(shape, value)
    except ValueError as problem:
        return _Understood(service, operation, None, str(problem))
    if not isinstance(parameters, dict):
        return _Understood(service, operation, None, "body is not a JSON object")
    return _Understood(service, operation, parameters)


def _cbor_request(request: ObservedRequest, signing: str) -> _Understood | None:
    parts = request.raw_path.split("/")
    if "operation" not in parts[:-1]:
        return None
    name = parts[parts.index("operation") + 1]
    for service in by_signing_name().get(signing.lower(), ()):
        operation = _operation(service, name)
        if operation is not None:
            return _cbor_members(request, service, operation)
    return None


def _cbor_members(request: ObservedRequest, service: str, operation: OperationModel) -> _Understood:
    if not is_whole(request):
        return _Understood(service, operation, None, "body too large to be decoded")
    shape = operation.input_shape
    if shape is None or not request.body:
        return _Understood(service, operation, {})
    try:
        parameters = cbor.from_cbor(shape, cbor.read(request.body))
    except ValueError as problem:
        return _Understood(service, operation, None, str(problem))
    if not isinstance(parameters, dict):
        return _Understood(service, operation, None, "body is not a CBOR map")
    return _Understood(service, operation, parameters)


def _form(request: ObservedRequest) -> dict[str, str] | None:
    """The fields of a query call, from its body or (GET) its query string."""
    content_type = request.header("content-type") or ""
    if request.method == "POST" and content_type.startswith("application/x-www-form-urlencoded"):
        return query.read_form(request.body.decode("utf-8"))
    if "Action=" in request.raw_query:
        return query.read_form(request.raw_query)
    return None


def _query_request(request: ObservedRequest, form: dict[str, str], signing: str) -> _Understood:
    service = _by_version(signing, form["Action"], form.get("Version", ""))
    if service is None:
        return _Understood(_first(signing), None, None, f"unknown Action {form['Action'][:200]!r}")
    operation = service_model(service).operation_model(form["Action"])
    if not is_whole(request):
        return _Understood(service, operation, None, "body too large to be decoded")
    shape = operation.input_shape
    if shape is None:
        return _Understood(service, operation, {})
    ec2 = "ec2" in service_heads()[service].protocols
    return _Understood(service, operation, query.from_query(shape, query.read_tree(form), ec2=ec2))


@lru_cache(maxsize=4096)
def _by_version(signing: str, action: str, version: str) -> str | None:
    # An unsigned call (AssumeRoleWithWebIdentity) tells its service by its version alone.
    named = by_signing_name().get(signing.lower(), ()) if signing else by_version().get(version, ())
    fitting = [service for service in named if _operation(service, action) is not None]
    exact = [service for service in fitting if service_heads()[service].version == version]
    # RDS, Neptune and DocumentDB share everything on the wire; the oldest of them is meant.
    return next(iter([one for one in exact if one == signing] or exact or fitting), None)


def _rest_request(request: ObservedRequest, signing: str) -> _Understood:
    headers = request.first_headers
    query = request.raw_query
    pairs = dict(parse_qsl(query, keep_blank_values=True)) if query else {}
    path = request.raw_path
    services = by_signing_name().get(signing.lower(), ())
    if signing in S3_SIGNING_NAMES and not path.startswith("/S3Outposts/"):
        control = path.startswith("/v20180820/")
        services = ("s3control",) if control else ("s3",)
        path = path if control else _bucket_path(path, headers.get("host", ""))
    matches = [
        (service, found)
        for service in services
        if (found := rest.match(service, request.method, path, pairs, headers)) is not None
    ]
    if len(matches) > 1:
        # Services that share a signing name, a path and even an operation: what is sent decides.
        sent = _body_members(request)
        matches.sort(key=lambda one: one[1].known(pairs, sent), reverse=True)
    if matches:
        service, chosen = matches[0]
        return _rest_members(request, service, chosen, pairs, headers)
    form = f"{request.method} {request.raw_path[:200]}"
    return _Understood(_first(signing), None, None, f"no operation has the form {form!r}")


def _body_members(request: ObservedRequest) -> tuple[str, ...]:
    if request.body[:1] != b"{" or not is_whole(request):
        return ()
    try:
        value = json.read(request.body)
    except ValueError:
        return ()
    return tuple(value) if isinstance(value, dict) else ()


def _rest_members(
    request: ObservedRequest,
    service: str,
    found: rest.Match,
    pairs: Mapping[str, str],
    headers: Mapping[str, str],
) -> _Understood:
    operation = found.operation
    parameters = rest.uri_members(found, request.raw_query, pairs, headers)
    shape = operation.input_shape
    if shape is None or not request.body:
        return _Understood(service, operation, parameters)
    payload = shape.serialization.get("payload")
    if payload and is_raw(shape.members[payload]):
        if shape.members[payload].type_name == "string" and is_whole(request):
            parameters[payload] = request.body.decode("utf-8", "replace")
        return _Understood(service, operation, parameters)
    if not is_whole(request):
        return _Understood(service, operation, parameters, "body too large to be decoded")
    target = shape.members[payload] if payload else shape
    try:
        body = _structured(service, target, request.body)
    except ValueError as problem:
        return _Understood(service, operation, parameters, str(problem))
    if payload:
        parameters[payload] = body
    elif isinstance(body, dict):
        parameters |= body
    return _Understood(service, operation, parameters)


def _structured(service: str, shape: Shape, body: bytes) -> Any:
    if "rest-xml" in service_heads()[service].protocols:
        return xml.from_xml(shape, xml.read(body))
    return json.from_json(shape, json.read(body))


def _bucket_path(path: str, host: str) -> str:
    """A virtual-host style path in path style; path style stays as it is."""
    name = host.rpartition(":")[0] if ":" in host else host
    bucket, dot, rest_of = name.partition(".s3")
    if not dot or (rest_of[:1] not in (".", "-", "")):
        bucket, dot, _ = name.partition(".localhost")
    if not dot or not bucket:
        return path
    return f"/{quote(bucket)}{path}"


def _operation(service: str, name: str) -> OperationModel | None:
    model = service_model(service)
    return model.operation_model(name) if name in _names(service) else None


@lru_cache(maxsize=512)
def _names(service: str) -> frozenset[str]:
    return frozenset(service_model(service).operation_names)


@lru_cache(maxsize=4096)
def _first(signing: str) -> str:
    return next(iter(by_signing_name().get(signing.lower(), ())), "")
