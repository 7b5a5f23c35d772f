"""What boto3 itself writes on the wire, caught before it is sent."""

import contextlib
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config

from opentrail.aws.observed import ObservedCall, ObservedRequest, ObservedResponse

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class _Raw:
    def stream(self, *_: Any, **__: Any) -> Any:
        yield b""

    def read(self, *_: Any) -> bytes:
        return b""


def request_of(
    service: str, operation: str, parameters: dict[str, Any], **options: Any
) -> ObservedRequest:
    """The request that boto3 makes of a call (operation as the model names it)."""
    client = boto3.client(
        service,
        region_name=options.pop("region", "eu-west-1"),
        endpoint_url=options.pop("endpoint", "http://127.0.0.1:4600"),
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="secret",
        config=Config(parameter_validation=True, retries={"total_max_attempts": 1}, **options),
    )
    caught: list[AWSPreparedRequest] = []

    def catch(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        caught.append(request)
        return AWSResponse(request.url, 500, {}, _Raw())

    client.meta.events.register("before-send", catch)
    method = next(
        python for python, name in client.meta.method_to_api_mapping.items() if name == operation
    )
    with contextlib.suppress(client.exceptions.ClientError):
        getattr(client, method)(**parameters)
    client.close()
    return observed_request(caught[0])


def observed_request(request: AWSPreparedRequest) -> ObservedRequest:
    body = request.body or b""
    if hasattr(body, "read"):
        body = body.read()
    body = body.encode() if isinstance(body, str) else bytes(body)
    _scheme, _, rest = request.url.partition("://")
    host, slash, target = rest.partition("/")
    headers = [
        (key, value.decode() if isinstance(value, bytes) else str(value))
        for key, value in request.headers.items()
    ]
    if not any(name.lower() == "host" for name, _ in headers):
        headers.append(("Host", host))
    return ObservedRequest(
        method=request.method,
        target=slash + target or "/",
        headers=tuple(headers),
        body=body,
        body_length=len(body),
        peer_address="127.0.0.1",
        started=WHEN,
    )


def call_of(
    request: ObservedRequest,
    *,
    status: int = 200,
    body: bytes = b"",
    headers: tuple[tuple[str, str], ...] = (),
) -> ObservedCall:
    response = ObservedResponse(status=status, headers=headers, body=body, body_length=len(body))
    return ObservedCall(request=request, response=response, failure="", ended=WHEN)
