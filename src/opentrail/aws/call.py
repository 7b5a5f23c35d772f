"""A call decoded: which service and operation, with what parameters, to what result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from botocore.model import OperationModel

from opentrail.aws.observed import ObservedCall


class SigningScope(msgspec.Struct, frozen=True, kw_only=True):
    """What a SigV4 header or presigned query says, before anything of it is believed.

    Attributes:
        service: The signing name (`s3`, `iam`, `elasticloadbalancing`).
        presigned: The signature stands in the query, not in a header.
    """

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    presigned: bool


class ReadRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a request alone tells of its call; the members mean what ApiCall's do."""

    scope: SigningScope | None
    service: str
    operation: OperationModel | None
    event_source: str
    region: str
    parameters: Mapping[str, Any] | None
    problem: str


class ApiCall(msgspec.Struct, frozen=True, kw_only=True):
    """One API call, as far as it could be understood.

    Attributes:
        scope: None for an unsigned call.
        service: botocore's service name (`s3`, `elbv2`), "" if it could not be told.
        operation: botocore's operation model, None if it could not be told.
        event_source: `s3.amazonaws.com`; the best known even when nothing else is.
        region: The region the call was made to; "" if nothing tells it.
        parameters: Input members by the model's names, nested; blobs are bytes, timestamps aware
            datetimes. None when there is no operation or the body could not be decoded.
        error_code: The error the upstream answered, "" on success.
        request_id: The id the upstream returned, "" if none.
        problem: What could not be decoded and why, "" when all could.
    """

    observed: ObservedCall
    scope: SigningScope | None
    service: str
    operation: OperationModel | None
    event_source: str
    region: str
    parameters: Mapping[str, Any] | None
    error_code: str
    error_message: str
    request_id: str
    problem: str
