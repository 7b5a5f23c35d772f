"""The JSON paths of inputs: `$.detail.name`, `$['detail-type']`, `$.resources[0]`, `$.a[*].b`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from opentrail.errors import InvalidInput

_STEP = re.compile(
    r"""\.(?P<name>[^.\[\]'"*\s][^.\[\]'"*]*)"""
    r"""|\[(?P<index>[0-9]{1,9})\]"""
    r"""|(?P<all>\[\*\]|\.\*)"""
    r"""|\['(?P<single>[^'\]]+)'\]|\["(?P<double>[^"\]]+)"\]"""
)


class InvalidPath(InvalidInput):
    """A text is no JSON path."""


class _Missing:
    """What a path leads to where nothing is; null is something."""


MISSING: Final = _Missing()


@dataclass(frozen=True, slots=True)
class JsonPath:
    """Where a value lies.

    Attributes:
        steps: Names of members, places in arrays, None for all of an array.
    """

    steps: tuple[str | int | None, ...]

    def value(self, event: Any) -> Any:
        """What lies there, MISSING if nothing does; a list where the path asks for all of one."""
        found, is_list = [event], False
        for step in self.steps:
            if step is None:
                is_list = True
            found = _stepped(found, step)
        if is_list:
            return found or MISSING
        return found[0] if found else MISSING


def parse_path(text: str) -> JsonPath:
    """The path in `text`.

    Raises:
        InvalidPath: it is none.
    """
    if not text.startswith("$"):
        raise InvalidPath(f"{text[:100]!r} is no JSON path; expected one as $.detail.eventName")
    steps: list[str | int | None] = []
    at = 1
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None:
            raise InvalidPath(f"{text[:100]!r} is no JSON path: {text[at : at + 20]!r}")
        name = found["name"] or found["single"] or found["double"]
        if name is not None:
            steps.append(name)
        else:
            steps.append(int(found["index"]) if found["index"] is not None else None)
        at = found.end()
    return JsonPath(tuple(steps))


def _stepped(values: Sequence[Any], step: str | int | None) -> list[Any]:
    if isinstance(step, str):
        return [one[step] for one in values if isinstance(one, dict) and step in one]
    lists = [one for one in values if isinstance(one, list)]
    if step is None:
        return [element for one in lists for element in one]
    return [one[step] for one in lists if step < len(one)]
