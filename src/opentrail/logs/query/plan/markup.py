"""XML as values, by a reader that knows no document types: nothing can be defined or included."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

_DEEPEST = 50
_MOST_ELEMENTS = 2000
_TAG = re.compile(
    r"<!--.*?-->|<\?.*?\?>|<!\[CDATA\[(?P<data>.*?)\]\]>"
    r"|<(?P<close>/)?(?P<name>[A-Za-z_][\w:.-]*)(?P<attributes>(?:[^<>\"']|\"[^\"]*\"|'[^']*')*?)"
    r"(?P<empty>/)?>",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"([A-Za-z_][\w:.-]*)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")


class _Element:
    def __init__(self, name: str) -> None:
        self.name = name
        self.members: dict[str, Any] = {}
        self.texts: list[str] = []

    def add(self, name: str, value: Any) -> None:
        known = self.members.get(name)
        if known is None:
            self.members[name] = value
        elif isinstance(known, list):
            known.append(value)
        else:
            self.members[name] = [known, value]

    def value(self) -> Any:
        text = "".join(self.texts).strip()
        if not self.members:
            return text
        return self.members | ({"#text": text} if text else {})


def xml_value(text: str) -> dict[str, Any] | None:
    """The document's root by its name; None if it is no well-formed document."""
    document = _Element("")
    stack = [document]
    place = 0
    count = 0
    while (start := text.find("<", place)) >= 0:
        # What does not match ends it all: so no character is looked at again and again.
        tag = _TAG.match(text, start)
        count += 1
        if tag is None or count > _MOST_ELEMENTS or len(stack) > _DEEPEST:
            return None
        stack[-1].texts.append(unescape(text[place:start]))
        place = tag.end()
        if tag["data"] is not None:
            stack[-1].texts.append(tag["data"])
        elif tag["close"]:
            if len(stack) == 1 or stack[-1].name != tag["name"]:
                return None
            done = stack.pop()
            stack[-1].add(done.name, done.value())
        elif tag["name"]:
            _open(stack, tag)
    if len(stack) != 1 or not document.members:
        return None
    return document.members


def _open(stack: list[_Element], tag: re.Match[str]) -> None:
    element = _Element(tag["name"])
    for name, one, other in _ATTRIBUTE.findall(tag["attributes"] or ""):
        element.add(name, unescape(one or other))
    if tag["empty"]:
        stack[-1].add(element.name, element.value())
    else:
        stack.append(element)
