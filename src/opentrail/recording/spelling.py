"""Decoded members in the spelling of CloudTrail's records, secrets hidden on the way.

Source: spec: record contents, section 3.2, and the real records it was taken from: first letters
in lower case, EC2's lists as `…Set.items`, times as `Mar 24, 2014, 9:11:59 PM`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from opentrail.recording.ec2_names import Spelled
from opentrail.recording.redact import UNTRACED, Redaction, is_secret_name, may_be_shown

NO_NAMES: Mapping[str, Spelled] = MappingProxyType({})
_EC2_SETS = {"instance": "instancesSet", "resource": "resourcesSet"}
_WRAPPED = re.compile(r"(Id|Ids)$")


class Speller:
    """Renders the members of one operation.

    Attributes of the constructor:
        hidden: Member names (as the record spells them) that are hidden on every level.
        ec2: Lists become `{"items": […]}` under EC2's own names.
        result: The members are an answer's, not a request's.
        names: Members of the first level that are not spelled by rule.
        as_sent: Names stay as the model has them.
        redaction: How values are hidden.
    """

    def __init__(
        self,
        hidden: frozenset[str],
        *,
        ec2: bool = False,
        result: bool = False,
        names: Mapping[str, Spelled] = NO_NAMES,
        as_sent: bool = False,
        redaction: Redaction = UNTRACED,
    ) -> None:
        self._hidden = hidden
        self._ec2 = ec2
        self._result = result
        self._names = names
        self._as_sent = as_sent
        self._redaction = redaction
        self._hide = redaction.hide

    def members(self, shape: StructureShape | None, value: Mapping[str, Any]) -> dict[str, Any]:
        """All members of an operation's input or output."""
        rest = {name: item for name, item in value.items() if name not in self._names}
        found = self.structure(shape, rest)
        for name, item in value.items():
            spelled = self._names.get(name)
            if spelled is None:
                continue
            if spelled.item and isinstance(item, list):
                items = [{spelled.item: plain(one, self._redaction)} for one in item]
                before = found.get(spelled.key, {}).get("items", [])
                found[spelled.key] = {"items": before + items} if before + items else {}
            else:
                found[spelled.key] = plain(item, self._redaction)
        return found

    def structure(self, shape: StructureShape | None, value: Mapping[str, Any]) -> dict[str, Any]:
        """All members of a structure; streams are left out."""
        found: dict[str, Any] = {}
        known = {} if shape is None else shape.members
        for name, item in value.items():
            member = known.get(name)
            if member is None:
                key = name if self._as_sent else lower_first(name)
                found[key] = (
                    self._hide(item) if self._is_hidden(key) else plain(item, self._redaction)
                )
                continue
            if member.serialization.get("streaming") or member.serialization.get("eventstream"):
                continue
            key = self._key(name, member)
            if self._must_hide(key, member):
                found[key] = self._hide(item)
            else:
                found[key] = self._value(name, member, item)
        return found

    def _value(self, name: str, shape: Shape, value: Any) -> Any:
        if isinstance(shape, StructureShape) and isinstance(value, dict):
            return self.structure(shape, value)
        if isinstance(shape, ListShape) and isinstance(value, list):
            return self._list(name, shape, value)
        if isinstance(shape, MapShape) and isinstance(value, dict):
            return self._map(shape, value)
        return plain(value, self._redaction)

    def _list(self, name: str, shape: ListShape, value: list[Any]) -> Any:
        member = shape.member
        if self._is_sensitive(name, member):
            return self._hide(value)
        items = [self._value(name, member, item) for item in value]
        if not self._ec2:
            return items
        if not self._result and not isinstance(member, StructureShape):
            inner = lower_first(_singular(name, shape))
            items = [{inner: item} for item in items]
        return {"items": items} if items else {}

    def _map(self, shape: MapShape, value: dict[Any, Any]) -> dict[str, Any]:
        # The keys are the caller's own; they are not respelled.
        marked = shape.value.metadata.get("sensitive") or shape.key.metadata.get("sensitive")
        sensitive = marked and not self._redaction.show_sensitive
        return {
            str(key): self._hide(item)
            if sensitive or self._is_hidden(str(key))
            else self._value(str(key), shape.value, item)
            for key, item in value.items()
        }

    def _key(self, name: str, shape: Shape) -> str:
        if not self._ec2:
            return name if self._as_sent else lower_first(name)
        if self._result:
            return lower_first(str(shape.serialization.get("name", name)))
        if isinstance(shape, ListShape):
            return _ec2_set(_singular(name, shape), shape)
        return lower_first(name)

    def _is_hidden(self, key: str) -> bool:
        return key in self._hidden or is_secret_name(key)

    def _must_hide(self, key: str, shape: Shape) -> bool:
        if self._is_hidden(key):
            return True
        return self._is_sensitive(key, shape)

    def _is_sensitive(self, name: str, shape: Shape) -> bool:
        if self._redaction.show_sensitive:
            return False
        return bool(shape.metadata.get("sensitive")) and not may_be_shown(name)


def plain(value: Any, redaction: Redaction = UNTRACED) -> Any:
    """A value without a shape, as JSON."""
    if isinstance(value, datetime):
        return spelled_time(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, dict):
        return {
            lower_first(str(key)): (
                redaction.hide(item) if is_secret_name(str(key)) else plain(item, redaction)
            )
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [plain(item, redaction) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), -float("inf"))):  # noqa: PLR0124 - NaN
        return str(value)
    return value


def spelled_time(when: datetime) -> str:
    """`Mar 24, 2014, 9:11:59 PM`."""
    utc = when.astimezone(UTC)
    hour = utc.hour % 12 or 12
    half = "AM" if utc.hour < 12 else "PM"
    return f"{utc:%b} {utc.day}, {utc.year}, {hour}:{utc:%M:%S} {half}"


@lru_cache(maxsize=65536)
def lower_first(name: str) -> str:
    """`RoleArn` as `roleArn`; only the first letter changes (`DBName` is `dBName`)."""
    return name[:1].lower() + name[1:]


def _singular(name: str, shape: ListShape) -> str:
    wire = str(shape.serialization.get("name") or "")
    if not wire:
        wire = str(shape.member.serialization.get("name") or name)
    return wire[:1].upper() + wire[1:]


def _ec2_set(singular: str, shape: ListShape) -> str:
    stem = lower_first(_WRAPPED.sub("", singular))
    if stem in _EC2_SETS:
        return _EC2_SETS[stem]
    if isinstance(shape.member, StructureShape) and singular not in ("Filter", "Tag"):
        return lower_first(singular)
    return f"{stem}Set"
