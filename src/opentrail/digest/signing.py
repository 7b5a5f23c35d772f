"""What a digest's signature covers, and its check.

Source: spec: files, section 5: RSASSA-PKCS1-v1_5 with SHA-256 over four lines; public keys are
PKCS#1 DER, their fingerprint is the MD5 of it.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

SIGNATURE_METADATA = "signature"
ALGORITHM_METADATA = "signature-algorithm"
BACKFILL_METADATA = "backfill-generation-timestamp"


def string_to_sign(
    *, end_time: str, bucket: str, key: str, plain: bytes, previous_signature: str | None
) -> bytes:
    """The four lines; `end_time` exactly as the document has it, `plain` its exact bytes."""
    digest = hashlib.sha256(plain).hexdigest()
    return f"{end_time}\n{bucket}/{key}\n{digest}\n{previous_signature or 'null'}".encode()


def signature_is_valid(public_key: bytes, signature: str, message: bytes) -> bool:
    """Whether `signature` (hex) over `message` was made by the key (PKCS#1 DER)."""
    key = _load(public_key)
    if key is None:
        return False
    try:
        key.verify(bytes.fromhex(signature), message, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def fingerprint(public_key: bytes) -> str:
    """Lower-case hex MD5 of PKCS#1 DER; a name for the key, not a protection."""
    return hashlib.md5(public_key, usedforsecurity=False).hexdigest()


@lru_cache(maxsize=1024)
def _load(public_key: bytes) -> RSAPublicKey | None:
    try:
        key = load_der_public_key(public_key)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, RSAPublicKey) else None
