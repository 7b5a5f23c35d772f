"""Filter policies of subscriptions: event patterns over a message's attributes, or over its body.

Source: SNS developer guide, "Amazon SNS subscription filter policies" and "Filter policy scope".
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from opentrail.rules.matching import Matcher
from opentrail.rules.pattern import parse_pattern
from opentrail.targets.notification import Publication
from opentrail.targets.topic import Subscription

_KNOWN_POLICIES = 1024


def wants(subscription: Subscription, publication: Publication) -> bool:
    """Whether a subscriber gets a message."""
    policy = subscription.attributes.get("FilterPolicy", "")
    if not policy or policy == "{}":
        return True
    if subscription.attributes.get("FilterPolicyScope") == "MessageBody":
        body = _json(publication.message)
        return isinstance(body, dict) and _matcher(policy).holds_for_any(body)
    return _matcher(policy).holds_for_any(_attributes(publication))


def _attributes(publication: Publication) -> dict[str, Any]:
    """Attributes as policies see them: numbers, arrays and texts; of binary ones only the name."""
    found: dict[str, Any] = {}
    for name, kind, value in publication.attributes:
        if kind.startswith("Number") or kind == "String.Array":
            parsed = _json(value)
            found[name] = value if parsed is None else parsed
        else:
            found[name] = value
    return found


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


@lru_cache(maxsize=_KNOWN_POLICIES)
def _matcher(policy: str) -> Matcher:
    return Matcher(parse_pattern(policy))
