"""Webhooks: a signed POST to a URL (see targets.webhook)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime

from opentrail import __version__
from opentrail.adapters.targets.posting import Posted, Poster
from opentrail.ports.targets.outbox import ANSWER_BYTES, Delivery
from opentrail.ports.targets.target import Answer, Outcome, Target
from opentrail.targets.webhook import (
    attribute_headers,
    parse_url,
    signature_headers,
)

_AGAIN = frozenset({401, 407, 408, 409, 425, 429})
"""Besides 5xx: what another try may help against, as EventBridge's API destinations have it."""

_USUAL = (("User-Agent", f"OpenTrail/{__version__}"), ("Content-Type", "application/json"))


class WebhookTarget(Target):
    """See ports.targets.target."""

    event_name = "WebhookSent"

    def __init__(self, poster: Poster, secret_of: Callable[[str, str], str]) -> None:
        """Take over what is needed.

        Args:
            secret_of: The secret shared with the owner of a webhook: (account id, URL).
        """
        self._poster = poster
        self._secret_of = secret_of

    def send(self, delivery: Delivery, now: datetime) -> Answer:
        url = parse_url(delivery.target)
        told = attribute_headers(delivery.attributes)
        named = {name.lower() for name, _ in told}
        headers = [*told, *(one for one in _USUAL if one[0].lower() not in named)]
        if url.user:
            headers.append(
                ("Authorization", "Basic " + base64.b64encode(url.user.encode()).decode())
            )
        headers += signature_headers(
            self._secret_of(delivery.account_id, delivery.target),
            delivery_id=delivery.id,
            seconds=int(now.timestamp()),
            body=delivery.payload,
        )
        return _answer(self._poster.post(url, headers, delivery.payload))


def _answer(posted: Posted) -> Answer:
    status = str(posted.status)
    content = posted.content[:ANSWER_BYTES]
    if 200 <= posted.status < 300:
        return Answer(outcome=Outcome.DELIVERED, status=status, content=content, acted=True)
    if posted.status < 400:
        detail = "it answers with a redirect, which is not followed"
    else:
        detail = f"it answers {status}"
    again = posted.status in _AGAIN or posted.status >= 500
    return Answer(
        outcome=Outcome.FAILED if again else Outcome.REFUSED,
        status=status,
        detail=detail,
        content=content,
        wait_seconds=_wait(posted.headers.get("retry-after", "")),
    )


def _wait(text: str) -> float:
    """Seconds; the other spelling of Retry-After, a date, is not looked at."""
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0.0
