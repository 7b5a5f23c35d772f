"""S3's requestParameters: as sent, not as the SDK names them.

Real records hold the bucket and key, the Host, the query string's names, `x-amz-…` headers and
the XML body as nested objects with its namespace (spec: record contents, section 3.2).
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from opentrail.aws.call import ApiCall
from opentrail.aws.post_form import is_post_form
from opentrail.aws.protocols import xml
from opentrail.aws.protocols.values import MAX_DEPTH
from opentrail.recording.redact import Redaction, is_secret_name

_SIGNING_QUERY = ("x-amz-",)
_OLD_SIGNING_QUERY = frozenset({"awsaccesskeyid", "expires", "signature"})
"""Version 2 signs with plain names."""

_LEFT_OUT_HEADERS = frozenset(
    {
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-security-token",
        "x-amz-decoded-content-length",
        "x-amz-trailer",
        "x-amz-sdk-checksum-algorithm",
        "x-amz-checksum-mode",
        "x-amz-user-agent",
    }
)
_SECRET_HEADERS = ("server-side-encryption-customer-key", "server-side-encryption-context")
MAX_HOST_ID = 1024
_LENGTH = re.compile(r"[0-9]{1,15}")
_OBJECT_BODIES = frozenset({"PutObject", "UploadPart", "WriteGetObjectResponse"})


def s3_parameters(call: ApiCall, redaction: Redaction) -> dict[str, Any] | None:
    """The requestParameters of an S3 call, None for ListBuckets and the like without any."""
    request = call.observed.request
    values = call.parameters or {}
    found: dict[str, Any] = {}
    if "Bucket" in values:
        found["bucketName"] = values["Bucket"]
    if found:
        found["Host"] = request.header("host") or ""
    for name, text in parse_qsl(request.raw_query, keep_blank_values=True):
        lower = name.lower()
        if not lower.startswith(_SIGNING_QUERY) and lower not in _OLD_SIGNING_QUERY:
            found[name] = redaction.hide(text) if is_secret_name(name) else text
    if "Key" in values:
        found["key"] = values["Key"]
    for name, text in request.headers:
        lower = name.lower()
        if lower.startswith("x-amz-") and lower not in _LEFT_OUT_HEADERS:
            secret = any(part in lower for part in _SECRET_HEADERS) and "md5" not in lower
            found[lower] = redaction.hide(text) if secret else text
    found |= _body(call, redaction)
    return found or None


def s3_additional(call: ApiCall) -> dict[str, Any]:
    """The additionalEventData of an S3 call: how it was signed, and how much was transferred.

    Bytes count the object or document itself, without the framing of aws-chunked.
    """
    request, response = call.observed.request, call.observed.response
    found: dict[str, Any] = {}
    if call.scope is not None:
        if not is_post_form(request):
            found["AuthenticationMethod"] = "QueryString" if call.scope.presigned else "AuthHeader"
        # Version 2 has no scope, so no date of its own.
        found["SignatureVersion"] = "SigV4" if call.scope.date else "SigV2"
    decoded = request.header("x-amz-decoded-content-length") or ""
    found["bytesTransferredIn"] = (
        int(decoded) if _LENGTH.fullmatch(decoded) else request.body_length
    )
    found["bytesTransferredOut"] = response.body_length if response is not None else 0
    host_id = response.header("x-amz-id-2") if response is not None else None
    if host_id:
        found["x-amz-id-2"] = host_id[:MAX_HOST_ID]
    return found


def _body(call: ApiCall, redaction: Redaction) -> dict[str, Any]:
    request = call.observed.request
    operation = call.operation.name if call.operation is not None else ""
    whole = request.body_length == len(request.body)
    if not request.body.strip() or not whole or operation in _OBJECT_BODIES:
        return {}
    if operation == "PutBucketPolicy":
        return {"bucketPolicy": _policy(request.body)}
    try:
        root = xml.read(request.body)
    except ValueError:
        return {}
    return {xml.local_name(root.tag): _element(root, redaction, top=True)}


def _policy(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError):
        return body.decode("utf-8", "replace")


def _element(
    element: ET.Element, redaction: Redaction, *, top: bool = False, depth: int = 0
) -> Any:
    """An element as JSON: text, or an object; children of one name become a list."""
    if depth > MAX_DEPTH:
        return None
    if not len(element) and not top:
        return element.text or ""
    found: dict[str, Any] = {}
    if top and element.tag.startswith("{"):
        found["xmlns"] = element.tag[1:].partition("}")[0]
    for child in element:
        name = xml.local_name(child.tag)
        value = (
            redaction.hide("".join(child.itertext()))
            if is_secret_name(name)
            else _element(child, redaction, depth=depth + 1)
        )
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found
