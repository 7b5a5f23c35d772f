"""The fields of one log event: members of the JSON object in its message, by dotted names.

Source: AWS user guide, "Supported logs and discovered fields"; lang/logs_insights.md, section 4.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from opentrail.logs.query.json_in import object_in
from opentrail.logs.query.plan.texts import shown

MOST_FIELDS = 1000
"""Of one event here; AWS stops at 200 for queries, and names reach deeper all the same."""
_MOST_DEEP = 60
_SYSTEM = ("@ingestionTime", "@log", "@logStream", "@message", "@ptr", "@timestamp")


def discovered(message: str) -> dict[str, str]:
    """Each field's text, in the order of the message; of nothing but leaves."""
    value = object_in(message)
    found: dict[str, str] = {}
    if value is None:
        return found
    for name, leaf in _leaves(value, "", 0):
        text = shown(leaf)
        if text is not None:
            found[name] = text
        if len(found) >= MOST_FIELDS:
            break
    return found


def _leaves(value: Any, name: str, depth: int) -> Iterator[tuple[str, Any]]:
    inner: Iterable[tuple[Any, Any]]
    if isinstance(value, Mapping):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    else:
        yield name, value
        return
    if depth > _MOST_DEEP:
        return
    for key, one in inner:
        own = f"@{key}" if not name and str(key).startswith("@") else str(key)
        yield from _leaves(one, f"{name}.{own}" if name else own, depth + 1)


def field_shares(messages: list[str]) -> list[tuple[str, int]]:
    """(field, percentage of the messages that have it), the most frequent first."""
    counts: Counter[str] = Counter()
    for message in messages:
        counts.update(discovered(message).keys())
    if not messages:
        return []
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:MOST_FIELDS]
    return [(name, 100) for name in _SYSTEM] + [
        (name, round(100 * count / len(messages))) for name, count in ranked
    ]
