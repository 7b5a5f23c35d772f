"""What a verifier knows from outside the bucket: keys, and where chains stood.

A trust file is taken from the service (or kept by an auditor) and holds public keys and, for each
chain, its first and newest digest. It is what makes rewritten, shortened or emptied buckets show:
nothing inside a bucket can, if its writer has the key (design: trust, section 1).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from opentrail.digest.chain_state import ChainHead
from opentrail.errors import InvalidInput

FORMAT = 1


class TrustedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A public key; `value` is PKCS#1 DER (base64 in the file)."""

    region: str
    fingerprint: str
    value: bytes
    valid_from: datetime
    valid_to: datetime


class Trust(msgspec.Struct, frozen=True, kw_only=True):
    """Keys and chain heads.

    Attributes:
        heads: The newest known head of each chain; () when nothing is known of chains.
        visited: Heads that were seen before; each must still be in its chain.
        undigested: Keys of log files that the service has delivered and not digested yet.
        taken: When this was known, None if it was never written down.
    """

    format: int = FORMAT
    keys: tuple[TrustedKey, ...] = ()
    heads: tuple[ChainHead, ...] = ()
    visited: tuple[ChainHead, ...] = ()
    undigested: tuple[str, ...] = ()
    taken: datetime | None = None

    def key(self, fingerprint: str) -> TrustedKey | None:
        """The key with that fingerprint, None if it is not known."""
        return next((one for one in self.keys if one.fingerprint == fingerprint), None)

    def head(self, trail_name: str, account_id: str, region: str) -> ChainHead | None:
        """What is known of a chain."""
        for one in self.heads:
            name = one.trail_arn.rpartition("/")[2]
            if (name, one.account_id, one.region) == (trail_name, account_id, region):
                return one
        return None


def write_trust(trust: Trust) -> bytes:
    """The file's bytes."""
    return msgspec.json.format(msgspec.json.encode(trust), indent=1) + b"\n"


def read_trust(content: bytes) -> Trust:
    """What the file says.

    Raises:
        InvalidInput: no trust file, or one of a later format.
    """
    try:
        trust = msgspec.json.decode(content, type=Trust)
    except (msgspec.MsgspecError, UnicodeDecodeError) as cause:
        raise InvalidInput(f"not a trust file: {cause}") from cause
    if trust.format != FORMAT:
        raise InvalidInput(f"trust file of format {trust.format}; this program reads {FORMAT}")
    return trust


def merged(first: Trust, second: Trust) -> Trust:
    """Both, the second's heads where both know a chain; keys of both."""
    keys = {key.fingerprint: key for key in (*first.keys, *second.keys)}
    heads = {_place(head): head for head in (*first.heads, *second.heads)}
    return Trust(
        keys=tuple(keys.values()),
        heads=tuple(heads.values()),
        visited=(*first.visited, *second.visited),
        undigested=second.undigested or first.undigested,
        taken=second.taken or first.taken,
    )


def with_heads(trust: Trust, heads: Iterable[ChainHead], taken: datetime) -> Trust:
    """The same keys, these heads instead where they are of the same chain."""
    return merged(trust, Trust(heads=tuple(heads), taken=taken))


def _place(head: ChainHead) -> tuple[str, str, str]:
    return head.trail_arn.rpartition("/")[2], head.account_id, head.region
