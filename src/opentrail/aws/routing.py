"""Who signed a call and for which service, read from its head; nothing of it is believed yet.

Source: AWS "Signature Version 4 signing process" for the forms of the scope.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import parse_qsl, unquote

from opentrail.aws.call import SigningScope
from opentrail.aws.models import by_endpoint, by_target, service_heads
from opentrail.aws.observed import ObservedRequest

_HEADER = re.compile(
    r"AWS4-(?:HMAC|ECDSA-P256)-SHA256\s+Credential=([^/,\s]+)/(\d{8})/([^,\s]+),\s*"
    r"SignedHeaders=([^,\s]*),\s*Signature=([0-9A-Za-z]*)"
)
_SIGV2 = re.compile(r"AWS ([^:\s]+):(\S+)")


def read_scope(request: ObservedRequest) -> SigningScope | None:
    """The signing scope of a request; None if it has none or a malformed one."""
    authorization = request.header("authorization")
    if authorization is not None:
        return _from_header(authorization)
    query = request.raw_query
    if "X-Amz-Credential" in query:
        return _from_query(query)
    if "AWSAccessKeyId=" in query and "Signature=" in query:
        return _from_old_query(query)
    return None


def form_scope(fields: Mapping[str, str]) -> SigningScope | None:
    """The signing scope of an upload from a browser's form; None if nobody signed its policy."""
    parts = fields.get("x-amz-credential", "").split("/")
    if len(parts) >= 4:
        return _scope(parts[0], parts[1], parts[2:], "", fields.get("x-amz-signature", ""))
    if "awsaccesskeyid" in fields:
        signature = fields.get("signature", "")
        return _scope(fields["awsaccesskeyid"], "", ["", "s3"], "", signature)
    return None


def service_id(request: ObservedRequest, scope: SigningScope | None) -> str:
    """The signing name that tells where the call goes; "" if nothing tells it.

    In this order: the signature's scope, the host, the target header, a query call's Action, the
    form of the path (an unsigned call for an object has nothing else).
    """
    if scope is not None and scope.service:
        return scope.service
    found = _by_host(request.header("host") or "")
    if found:
        return found
    target = request.header("x-amz-target")
    if target is not None:
        services = by_target().get(target.rpartition(".")[0], ())
        return service_heads()[services[0]].signing if services else ""
    if request.method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS") and "Action=" not in (
        request.raw_query
    ):
        return "s3"
    content_type = request.header("content-type") or ""
    return "s3" if content_type.startswith("multipart/form-data") else ""


# Asked twice for each call: to find its door, and for its record.
@lru_cache(maxsize=1024)
def _from_header(text: str) -> SigningScope | None:
    found = _HEADER.match(text)
    if found is None:
        old = _SIGV2.fullmatch(text)
        return None if old is None else _scope(old[1], "", ["", "s3"], "", old[2])
    return _scope(found[1], found[2], found[3].split("/"), found[4], found[5])


def _from_query(query: str) -> SigningScope | None:
    values = dict(parse_qsl(query, keep_blank_values=True))
    parts = values.get("X-Amz-Credential", "").split("/")
    if len(parts) < 4:
        return None
    return _scope(
        parts[0],
        parts[1],
        parts[2:],
        values.get("X-Amz-SignedHeaders", ""),
        values.get("X-Amz-Signature", ""),
        presigned=True,
    )


def _from_old_query(query: str) -> SigningScope | None:
    values = dict(parse_qsl(query, keep_blank_values=True))
    return _scope(
        values.get("AWSAccessKeyId", ""),
        "",
        ["", "s3"],
        "",
        values.get("Signature", ""),
        presigned=True,
    )


def _scope(
    key: str, date: str, rest: list[str], signed: str, signature: str, *, presigned: bool = False
) -> SigningScope | None:
    """`rest` is region, service, terminator; without a region for SigV4A."""
    if rest and rest[-1] == "aws4_request":
        rest = rest[:-1]
    if not rest or len(rest) > 2:
        return None
    return SigningScope(
        access_key_id=unquote(key)[:256],
        date=date,
        region=rest[0] if len(rest) == 2 else "",
        service=rest[-1],
        signed_headers=tuple(signed.split(";")) if signed else (),
        signature=signature,
        presigned=presigned,
    )


@lru_cache(maxsize=4096)
def _by_host(host: str) -> str:
    name = host.rpartition(":")[0] or host if host.count(":") == 1 else host
    labels = name.lower().split(".")
    if len(labels) < 2 or labels[-1].isdigit():
        return ""
    if "s3" in labels or any(label.startswith("s3-") for label in labels[1:]):
        return "s3"
    return by_endpoint().get(labels[0], "") if "amazonaws" in labels else ""
