"""Signing of digest files, and the public keys to check them with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What ListPublicKeys tells of a key.

    Attributes:
        value: DER of the PKCS#1 RSAPublicKey (not SPKI).
        fingerprint: Lower-case hex MD5 of `value`.
        valid_from: Aware UTC, inclusive.
        valid_to: Aware UTC, inclusive.
    """

    region: str
    value: bytes
    fingerprint: str
    valid_from: datetime
    valid_to: datetime


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature and the fingerprint of the key that made it."""

    value: bytes
    fingerprint: str


class Signer(Protocol):
    """RSASSA-PKCS1-v1_5 with SHA-256; a key pair per region, rotated with overlapping validity."""

    def current_key(self, region: str, at: datetime) -> PublicKey:
        """The newest key of `region` valid at `at`; made (or rotated) now if it is time."""
        ...

    def sign(self, fingerprint: str, message: bytes) -> bytes:
        """The signature over `message` by the key with that fingerprint."""
        ...

    def public_keys(self, region: str, start: datetime, end: datetime) -> tuple[PublicKey, ...]:
        """Keys whose validity overlaps [start, end], oldest first; old keys never vanish."""
        ...
