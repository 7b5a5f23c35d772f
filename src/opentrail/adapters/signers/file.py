"""Signing keys in files: one RSA pair a region, rotated in time, old public keys kept for ever.

The private half lies in the key directory (0600), named by its fingerprint; what ListPublicKeys
tells lies in the state store. Validity and overlap are those of AWS's samples (spec: files 5).
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from opentrail.digest.signing import fingerprint
from opentrail.errors import IntegrityError
from opentrail.ports.signers import PublicKey
from opentrail.ports.state import Change, StateStore

KEY_KIND = "signing_key"
VALIDITY = timedelta(days=30)
OVERLAP = timedelta(days=10)
"""A new key is made this long before the old one ends."""

_EARLIER = timedelta(hours=1)
"""A key is valid a little before it was made: the first digest's window began before."""


class StoredKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key's public half, as kept in the state store."""

    region: str
    value: bytes
    valid_from: datetime
    valid_to: datetime


class FileSigner:
    """See ports.signers."""

    def __init__(self, directory: Path, state: StateStore) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._state = state

    def current_key(self, region: str, at: datetime) -> PublicKey:
        keys = [key for key in self._keys(region) if key.valid_from <= at <= key.valid_to]
        if not keys or keys[-1].valid_to - at < OVERLAP:
            return self.rotate(region, at)
        return keys[-1]

    def rotate(self, region: str, at: datetime) -> PublicKey:
        """A new key, from now on the one that signs; the ones before stay valid."""
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        value = private.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
        name = fingerprint(value)
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        fd = os.open(self._path(name), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        start = at.replace(microsecond=0)
        stored = StoredKey(
            region=region, value=value, valid_from=start - _EARLIER, valid_to=start + VALIDITY
        )
        key = f"{region}|{start:%Y%m%dT%H%M%S}|{name}"
        self._state.apply([Change(KEY_KIND, key, msgspec.json.encode(stored), expected=0)])
        return _public(stored)

    def sign(self, fingerprint: str, message: bytes) -> bytes:
        return _load(self._path(fingerprint)).sign(message, padding.PKCS1v15(), hashes.SHA256())

    def public_keys(self, region: str, start: datetime, end: datetime) -> tuple[PublicKey, ...]:
        keys = self._keys(region)
        return tuple(key for key in keys if key.valid_from <= end and key.valid_to >= start)

    def all_keys(self) -> tuple[PublicKey, ...]:
        """Every key of every region, oldest first within a region."""
        return self._keys("")

    def _keys(self, region: str) -> tuple[PublicKey, ...]:
        documents = self._state.list(KEY_KIND, f"{region}|" if region else "")
        return tuple(
            _public(msgspec.json.decode(document.body, type=StoredKey)) for document in documents
        )

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.pem"


def _public(stored: StoredKey) -> PublicKey:
    return PublicKey(
        region=stored.region,
        value=stored.value,
        fingerprint=fingerprint(stored.value),
        valid_from=stored.valid_from,
        valid_to=stored.valid_to,
    )


@lru_cache(maxsize=256)
def _load(path: Path) -> rsa.RSAPrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError) as cause:
        raise IntegrityError(f"signing key {path.name} can't be read") from cause
    if not isinstance(key, rsa.RSAPrivateKey):
        raise IntegrityError(f"signing key {path.name} is no RSA key")
    return key
