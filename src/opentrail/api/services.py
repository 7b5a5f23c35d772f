"""The services that OpenTrail answers itself: their models, and who answers which operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.model import OperationModel

from opentrail.api import organizations
from opentrail.api.cloudtrail import HANDLERS
from opentrail.api.errors import ApiError
from opentrail.api.outcome import Backends, Caller, Reply
from opentrail.aws.models import service_model
from opentrail.aws.observed import ObservedRequest

Handler = Callable[[Mapping[str, Any], Caller, Backends], Reply]

JSON_TYPE = "application/x-amz-json-1.1"
_JSON_TYPES = (JSON_TYPE, "application/x-amz-json-1.0")
_ORGANIZATIONS_TARGET = "AWSOrganizationsV20161128"


@dataclass(frozen=True, slots=True)
class Called:
    """The operation that a request is of.

    Attributes:
        service: Its signing name.
    """

    service: str
    operation: OperationModel

    @property
    def handler(self) -> Handler:
        """Who answers it.

        Raises:
            ApiError: nobody does.
        """
        name = self.operation.name
        if self.service == "organizations":
            found = organizations.HANDLERS.get(name)
            if found is None:
                raise organizations.not_here(name)
            return found
        found = HANDLERS.get(name)
        if found is None:
            raise ApiError(
                "UnsupportedOperationException", f"{name} is not implemented by OpenTrail yet."
            )
        return found


def operation_name(request: ObservedRequest) -> str:
    """The name of the operation as the request gives it; it may be none."""
    target = request.header("x-amz-target")
    if target is None and request.raw_path.rstrip("/") == "/PutAuditEvents":
        return "PutAuditEvents"
    return (target or "").rpartition(".")[2]


def called(request: ObservedRequest) -> Called:
    """The operation that a request is of.

    Raises:
        ApiError: UnknownOperationException, or SerializationException for a request that is not
            one of AWS JSON.
    """
    name = operation_name(request)
    target = request.header("x-amz-target") or ""
    if name == "PutAuditEvents" and not target:
        return Called("cloudtrail-data", service_model("cloudtrail-data").operation_model(name))
    service = "organizations" if target.startswith(_ORGANIZATIONS_TARGET) else "cloudtrail"
    model = service_model(service)
    if name not in model.operation_names:
        raise ApiError(
            "UnknownOperationException",
            f"X-Amz-Target {target[:200]!r} names no operation of {service}.",
            404,
        )
    content_type = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if request.method != "POST" or content_type not in _JSON_TYPES:
        raise ApiError(
            "SerializationException",
            f"{request.method} with content type {content_type!r}; expected POST with {JSON_TYPE}",
        )
    return Called(service, model.operation_model(name))
