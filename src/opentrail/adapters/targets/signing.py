"""The key that signs messages of topics, and its certificate, in one file."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from opentrail.targets.notification import LINK_PATH

_VALID = timedelta(days=3650)
_KEY_BITS = 2048
_HASHES: dict[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303 - version 1 is SHA-1


def new_signing_file(now: datetime) -> bytes:
    """A fresh key and its self-signed certificate, in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.opentrail")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now.astimezone(UTC) - timedelta(days=1))
        .not_valid_after(now.astimezone(UTC) + _VALID)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


class TopicSigner:
    """See targets.notification.Signs; reads its file when it is first needed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def sign(self, version: str, text: bytes) -> str:
        signature = self._key.sign(text, padding.PKCS1v15(), _HASHES[version])
        return base64.b64encode(signature).decode()

    @property
    def certificate_path(self) -> str:
        name = sha256(self.certificate).hexdigest()[:32]
        return f"{LINK_PATH}SimpleNotificationService-{name}.pem"

    @cached_property
    def certificate(self) -> bytes:
        """In PEM."""
        certificate = x509.load_pem_x509_certificate(self._content)
        return certificate.public_bytes(serialization.Encoding.PEM)

    @cached_property
    def _content(self) -> bytes:
        return self._path.read_bytes()

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        key = serialization.load_pem_private_key(self._content, None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return key
