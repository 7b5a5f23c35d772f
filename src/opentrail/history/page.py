"""Page tokens of LookupEvents: where the next page starts, bound to what was asked.

A token holds the last event's time and sequence, so pages stay in step while events arrive; a MAC
over the token and the question keeps it from being used for another one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass

import msgspec

from opentrail.history.lookup import LookupQuery, LookupRefused

_MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class After:
    """The last event of a page: the next page starts behind it.

    Attributes:
        event_time: Epoch seconds.
        sequence: Its number in the store.
        start: The first page's range, kept although the default range moves with the clock.
        end: As `start`.
    """

    event_time: int
    sequence: int
    start: int
    end: int


def make_token(after: After, query: LookupQuery, secret: bytes) -> str:
    """The token for the page behind `after`."""
    body = msgspec.json.encode([after.event_time, after.sequence, after.start, after.end])
    return base64.urlsafe_b64encode(_mac(body, query, secret) + body).decode()


def read_token(token: str, query: LookupQuery, secret: bytes) -> After:
    """Where a page starts.

    Raises:
        LookupRefused: not a token of ours, or one for another question.
    """
    try:
        data = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
        mac, body = data[:_MAC_BYTES], data[_MAC_BYTES:]
        if hmac.compare_digest(mac, _mac(body, query, secret)):
            return After(*msgspec.json.decode(body, type=tuple[int, int, int, int]))
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        pass
    raise LookupRefused(
        "InvalidNextTokenException",
        "The token is not valid for this lookup; repeat the parameters of the first page.",
    )


def _mac(body: bytes, query: LookupQuery, secret: bytes) -> bytes:
    asked = [query.account_id, query.region, query.attribute, query.value, query.insight]
    return hmac.new(secret, msgspec.json.encode(asked) + body, hashlib.sha256).digest()[:_MAC_BYTES]
