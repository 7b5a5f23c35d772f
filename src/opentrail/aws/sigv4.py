"""Strict check of a Signature Version 4 or 4A, header or presigned query form.

The steps are those of AWS's "Create a signed AWS API request": (1) canonical request, (2) string
to sign, (3) signing key, (4) signature. OpenTrail's own API lets nothing pass that AWS refuses.
Version 4A signs for several regions with a key pair that is derived from the secret: its steps 3
and 4 are those of NIST SP 800-108 and ECDSA on P-256.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from urllib.parse import parse_qsl, quote, unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from opentrail.aws.call import SigningScope
from opentrail.aws.observed import ObservedRequest
from opentrail.errors import InvalidInput

MAX_SKEW = timedelta(minutes=5)
MAX_PRESIGNED_SECONDS = 604800
S3_MAX_SKEW = timedelta(minutes=15)
_ALGORITHM = "AWS4-HMAC-SHA256"
_ALGORITHM_4A = "AWS4-ECDSA-P256-SHA256"
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_S3_NAMES = frozenset({"s3", "s3express", "s3-outposts", "s3-object-lambda"})
"""Their paths are signed as they are sent, and their bodies need not be signed."""

_UNRESERVED = "-_.~"
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningSecret:
    """What is known of the key that a request names.

    Attributes:
        secret_access_key: "" if only the id is known.
        session_token: "" for long-term keys.
        expires: None for long-term keys; exclusive.
    """

    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)
    expires: datetime | None = None


class SignatureRefused(InvalidInput):
    """A request that is not surely its caller's.

    Attributes:
        code: The AWS error code.
        status: The HTTP status.
    """

    def __init__(self, code: str, message: str, status: int = 403) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def verify(
    request: ObservedRequest,
    scope: SigningScope | None,
    secret: SigningSecret | None,
    now: datetime,
    *,
    service: str,
    payload_sha256: str | None = None,
) -> None:
    """Nothing, if the key of the scope signed the request.

    Args:
        service: The signing name that the scope must have; "" for any.
        payload_sha256: Of the body, in hex; None to hash `request.body`, "" if the body is not
            there: then the hash that the request itself tells is believed.

    Raises:
        SignatureRefused: missing, malformed, unknown key, wrong scope, time or signature.
    """
    if scope is None:
        if request.header("authorization") is None and "X-Amz-" not in request.raw_query:
            raise SignatureRefused("MissingAuthenticationToken", "Missing Authentication Token")
        raise SignatureRefused(
            "IncompleteSignature", "The request signature is not in a form that is understood."
        )
    if secret is None or not secret.secret_access_key:
        raise SignatureRefused(
            "UnrecognizedClientException", "The security token included in the request is invalid."
        )
    _check_scope(scope, service)
    signed_at = _check_time(request, scope, now)
    _check_token(request, scope, secret, now)
    _check_signed_headers(request, scope)
    if payload_sha256 is None:
        payload_sha256 = hashlib.sha256(request.body).hexdigest()
    digest = _canonical_digest(request, scope, payload_sha256)
    if scope.region:
        right = _is_hmac_right(scope, secret, signed_at, digest)
    else:
        right = _is_ecdsa_right(scope, secret, signed_at, digest)
    if not right:
        raise _mismatch()


def _check_scope(scope: SigningScope, service: str) -> None:
    if not service and scope.date:
        return
    if scope.service != service or not scope.region:
        raise SignatureRefused(
            "InvalidSignatureException",
            f"Credential should be scoped to correct service: '{service}'.",
        )


def _check_time(request: ObservedRequest, scope: SigningScope, now: datetime) -> str:
    """The time of signing as written; within the skew, or within a presigned URL's validity."""
    query = dict(parse_qsl(request.raw_query, keep_blank_values=True)) if scope.presigned else {}
    text = query.get("X-Amz-Date") if scope.presigned else request.header("x-amz-date")
    try:
        when = datetime.strptime(text or "", "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as cause:
        raise SignatureRefused(
            "IncompleteSignature", "Date must be in ISO-8601 'basic format' (X-Amz-Date)."
        ) from cause
    if not (text or "").startswith(scope.date):
        raise SignatureRefused(
            "InvalidSignatureException",
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date.",
        )
    skew = latest = S3_MAX_SKEW if scope.service in _S3_NAMES else MAX_SKEW
    if scope.presigned:
        seconds = query.get("X-Amz-Expires", "")
        if not seconds.isdigit() or not 1 <= int(seconds) <= MAX_PRESIGNED_SECONDS:
            raise SignatureRefused(
                "IncompleteSignature", "X-Amz-Expires must be between 1 and 604800 seconds."
            )
        latest = timedelta(seconds=int(seconds))
    if when > now + skew:
        raise SignatureRefused(
            "InvalidSignatureException", f"Signature not yet current: {text} is in the future."
        )
    if now > when + latest:
        raise SignatureRefused(
            "InvalidSignatureException", f"Signature expired: {text} is too long ago."
        )
    return text or ""


def _check_token(
    request: ObservedRequest, scope: SigningScope, secret: SigningSecret, now: datetime
) -> None:
    sent = request.header("x-amz-security-token") or ""
    if scope.presigned:
        sent = dict(parse_qsl(request.raw_query)).get("X-Amz-Security-Token", sent)
    if not hmac.compare_digest(sent.encode(), secret.session_token.encode()):
        raise SignatureRefused(
            "UnrecognizedClientException", "The security token included in the request is invalid."
        )
    if secret.expires is not None and now >= secret.expires:
        raise SignatureRefused(
            "ExpiredTokenException", "The security token included in the request is expired"
        )


def _check_signed_headers(request: ObservedRequest, scope: SigningScope) -> None:
    """Host and every `x-amz-` header must be signed: an unsigned one could be anybody's."""
    signed = set(scope.signed_headers)
    sent = {name.lower() for name, _ in request.headers}
    needed = {name for name in sent if name.startswith("x-amz-")} | {"host"}
    if not scope.presigned and "x-amz-target" in sent:
        needed.add("x-amz-target")
    missing = needed - signed
    if missing:
        raise SignatureRefused(
            "IncompleteSignature", f"These headers must be signed: {', '.join(sorted(missing))}."
        )
    if list(scope.signed_headers) != sorted(signed) or not signed <= sent:
        raise _mismatch()


def _canonical_digest(request: ObservedRequest, scope: SigningScope, payload: str) -> str:
    """SHA-256 of the canonical request, in hex (1)."""
    canonical = "\n".join(
        (
            request.method,
            request.raw_path if scope.service in _S3_NAMES else _canonical_path(request.raw_path),
            _canonical_query(request.raw_query, scope),
            _canonical_headers(request, scope.signed_headers),
            ";".join(scope.signed_headers),
            _signed_payload(request, scope, payload),
        )
    )
    return hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()


def _signed_payload(request: ObservedRequest, scope: SigningScope, payload: str) -> str:
    """What stands for the body in the canonical request."""
    declared = request.header("x-amz-content-sha256")
    if declared is None:
        return "UNSIGNED-PAYLOAD" if scope.presigned and scope.service in _S3_NAMES else payload
    hashed = len(declared) == 64 and not declared.startswith("STREAMING-")
    if not hashed and scope.service not in _S3_NAMES:
        raise _mismatch()
    if hashed and payload and declared != payload:
        raise _mismatch()
    return declared


def _is_hmac_right(scope: SigningScope, secret: SigningSecret, signed_at: str, digest: str) -> bool:
    place = f"{scope.date}/{scope.region}/{scope.service}/aws4_request"
    to_sign = f"{_ALGORITHM}\n{signed_at}\n{place}\n{digest}"  # (2)
    key = _signing_key(secret.secret_access_key, scope.date, scope.region, scope.service)
    wanted = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()  # (4)
    return hmac.compare_digest(wanted.encode(), scope.signature.encode())


def _is_ecdsa_right(
    scope: SigningScope, secret: SigningSecret, signed_at: str, digest: str
) -> bool:
    place = f"{scope.date}/{scope.service}/aws4_request"
    to_sign = f"{_ALGORITHM_4A}\n{signed_at}\n{place}\n{digest}"  # (2)
    key = _public_key_4a(scope.access_key_id, secret.secret_access_key)
    try:
        key.verify(bytes.fromhex(scope.signature), to_sign.encode(), ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache(maxsize=256)
def _public_key_4a(access_key_id: str, secret: str) -> ec.EllipticCurvePublicKey:
    """The public half of the pair that version 4A derives from a secret (3)."""
    for counter in range(1, 255):
        fixed = _ALGORITHM_4A.encode() + b"\0" + access_key_id.encode() + bytes([counter])
        content = b"\0\0\0\1" + fixed + (256).to_bytes(4, "big")
        found = hmac.new(f"AWS4A{secret}".encode(), content, hashlib.sha256).digest()
        number = int.from_bytes(found, "big")
        if number <= _P256_ORDER - 2:
            return ec.derive_private_key(number + 1, ec.SECP256R1()).public_key()
    raise ValueError("no key can be derived")


def _canonical_path(raw_path: str) -> str:
    # Every service but S3 encodes the path a second time.
    return quote(raw_path, safe="/" + _UNRESERVED) or "/"


def _canonical_query(raw_query: str, scope: SigningScope) -> str:
    pairs = []
    for part in raw_query.split("&") if raw_query else []:
        name, _, value = part.partition("=")
        name, value = unquote(name), unquote(value)
        if scope.presigned and name == "X-Amz-Signature":
            continue
        pairs.append((quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _canonical_headers(request: ObservedRequest, signed: tuple[str, ...]) -> str:
    values: dict[str, list[str]] = {}
    for name, value in request.headers:
        values.setdefault(name.lower(), []).append(_BLANKS.sub(" ", value.strip()))
    return "".join(f"{name}:{','.join(values[name])}\n" for name in signed)


@lru_cache(maxsize=1024)
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()  # (3)
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _mismatch() -> SignatureRefused:
    return SignatureRefused(
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. "
        "Check your AWS Secret Access Key and signing method.",
    )
