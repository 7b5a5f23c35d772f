"""What a pack holds; packs are TOML files beside this module.

Patterns are CloudWatch Logs' JSON filter patterns, in the shape that public checkers know:
`{ ($.eventSource = s) && (($.eventName = a) || ($.eventName = b)) }`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opentrail.errors import InvalidInput

LONGEST_PATTERN = 1024
"""Characters that PutMetricFilter takes."""

BUCKET = "%bucket%"
"""Stands in a pattern for a test of the trail's bucket, if that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One metric filter and the alarm on its metric.

    Attributes:
        slug: Its name within the pack, and the metric's.
        references: What of a benchmark it answers.
        pattern: "" for an alarm on another control's metric.
        metric: The metric's name.
        threshold: The alarm turns at so many events within `period` seconds.
    """

    slug: str
    title: str
    metric: str
    pattern: str = ""
    references: tuple[str, ...] = ()
    threshold: int = 1
    period: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A set of controls.

    Attributes:
        namespace: Of the metrics.
    """

    name: str
    title: str
    namespace: str
    controls: tuple[Control, ...]

    def resource_name(self, control: Control) -> str:
        """Of its metric filter and its alarm."""
        return f"{self.prefix}{control.slug}"

    @property
    def prefix(self) -> str:
        """What the names of all that the pack makes begin with."""
        return f"opentrail-{self.name}-"


def read_pack(text: str) -> Pack:
    """The pack in a TOML file.

    Raises:
        InvalidInput: it is no pack.
    """
    try:
        found = tomllib.loads(text)
        controls = tuple(map(_control, found["controls"]))
        pack = Pack(
            name=found["name"],
            title=found["title"],
            namespace=found["namespace"],
            controls=controls,
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as cause:
        raise InvalidInput(f"this is no pack: {cause}") from cause
    metrics = {one.metric for one in controls if one.pattern}
    for one in controls:
        if one.metric not in metrics:
            raise InvalidInput(f"{one.slug}: nothing makes the metric {one.metric}")
    if len({one.slug for one in controls}) < len(controls):
        raise InvalidInput("two controls have one slug")
    return pack


def _control(found: Mapping[str, Any]) -> Control:
    slug = found["slug"]
    pattern = found.get("pattern") or _pattern(found.get("events", ()), found.get("source", ""))
    if len(pattern) > LONGEST_PATTERN:
        raise InvalidInput(f"{slug}: its pattern has {len(pattern)} characters")
    return Control(
        slug=slug,
        title=found["title"],
        metric=found.get("metric", slug),
        pattern=pattern,
        references=tuple(found.get("references", ())),
        threshold=found.get("threshold", 1),
        period=found.get("period", 300),
    )


def _pattern(events: list[str] | tuple[()], source: str) -> str:
    if not events:
        return ""
    names = " || ".join(f"($.eventName = {name})" for name in events)
    return f"{{ ($.eventSource = {source}) && ({names}) }}" if source else f"{{ {names} }}"
