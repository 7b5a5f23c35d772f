"""botocore's service models: the authority on names, shapes and where on the wire they stand.

The only module of the pure floors that reads files (botocore's own, and services.json, which
tools/make_service_index.py makes from them); what it read is kept.
"""

from __future__ import annotations

import pkgutil
from functools import lru_cache
from typing import Any

import msgspec
from botocore.loaders import Loader
from botocore.model import ServiceModel


class ServiceHead(msgspec.Struct, frozen=True):
    """What tells a service from others on the wire.

    Attributes:
        signing: The service name of its SigV4 scope.
        endpoint: The first label of its host names.
        target: What stands before the dot in X-Amz-Target; "" for other protocols.
        version: The API version, as query calls send it.
        is_global: botocore knows one endpoint for all regions.
    """

    signing: str
    endpoint: str
    target: str
    protocols: tuple[str, ...]
    version: str
    is_global: bool = msgspec.field(name="global")


_LOADER = Loader()

EVENT_SOURCES = {
    "cloudwatch": "monitoring.amazonaws.com",
    "dynamodbstreams": "dynamodb.amazonaws.com",
    "efs": "elasticfilesystem.amazonaws.com",
    "s3control": "s3.amazonaws.com",
    "sesv2": "ses.amazonaws.com",
    "stepfunctions": "states.amazonaws.com",
    "apigatewayv2": "apigateway.amazonaws.com",
    "sso-admin": "sso.amazonaws.com",
    "cloudtrail-data": "cloudtrail-data.amazonaws.com",
    "iot-data": "iotdata.amazonaws.com",
    "lex-runtime": "runtime.lex.amazonaws.com",
    "resourcegroupstaggingapi": "tagging.amazonaws.com",
}
"""Event sources that are not `<signing name>.amazonaws.com` (spec: record contents)."""

GLOBAL_SERVICES = frozenset(
    {
        "account",
        "budgets",
        "ce",
        "cloudfront",
        "cur",
        "globalaccelerator",
        "health",
        "iam",
        "networkmanager",
        "organizations",
        "route53",
        "route53domains",
        "shield",
        "support",
        "waf",
    }
)
"""Services recorded in us-east-1 wherever the call came from (spec: selectors 8)."""

GLOBAL_REGION = "us-east-1"


@lru_cache(maxsize=1)
def service_heads() -> dict[str, ServiceHead]:
    """Every service known, by botocore's name."""
    content = pkgutil.get_data("opentrail.aws", "services.json")
    assert content is not None
    return msgspec.json.decode(content, type=dict[str, ServiceHead])


@lru_cache(maxsize=1)
def by_signing_name() -> dict[str, tuple[str, ...]]:
    """Services that share a signing name; the one of the same name first."""
    found: dict[str, list[str]] = {}
    for name, head in service_heads().items():
        found.setdefault(head.signing.lower(), []).append(name)
    return {
        signing: tuple(sorted(names, key=lambda name: (name != signing, name)))
        for signing, names in found.items()
    }


@lru_cache(maxsize=1)
def by_target() -> dict[str, tuple[str, ...]]:
    """Services by what their X-Amz-Target starts with."""
    found: dict[str, list[str]] = {}
    for name, head in service_heads().items():
        if head.target:
            found.setdefault(head.target, []).append(name)
    return {target: tuple(names) for target, names in found.items()}


@lru_cache(maxsize=1)
def by_version() -> dict[str, tuple[str, ...]]:
    """Services that speak query or ec2, by the `Version` of their calls."""
    found: dict[str, list[str]] = {}
    for name, head in service_heads().items():
        if "query" in head.protocols or "ec2" in head.protocols:
            found.setdefault(head.version, []).append(name)
    return {version: tuple(names) for version, names in found.items()}


@lru_cache(maxsize=1)
def by_endpoint() -> dict[str, str]:
    """A signing name by the first label of a service's host names."""
    found: dict[str, str] = {}
    for head in service_heads().values():
        found.setdefault(head.endpoint, head.signing)
        found.setdefault(head.signing, head.signing)
    return found


@lru_cache(maxsize=512)
def service_model(service: str) -> ServiceModel:
    """The model of `service` (a key of `service_heads`)."""
    return ServiceModel(_LOADER.load_service_model(service, "service-2"), service)


def event_source(service: str) -> str:
    """CloudTrail's `eventSource` of a service."""
    found = EVENT_SOURCES.get(service)
    if found is not None:
        return found
    head = service_heads().get(service)
    return f"{(head.signing if head else service).lower()}.amazonaws.com"


def region_of(service: str, scope_region: str, default_region: str) -> str:
    """The region a call is recorded in."""
    if service in GLOBAL_SERVICES:
        return GLOBAL_REGION
    return scope_region or default_region


def partitions() -> tuple[dict[str, Any], ...]:
    """The partitions that botocore knows, with their regions."""
    return tuple(_LOADER.load_data("partitions")["partitions"])
