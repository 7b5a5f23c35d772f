"""Which findings are brought to nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog

from opentrail.errors import InvalidInput
from opentrail.ports.state import StateStore
from opentrail.predicate.matching import record_matcher
from opentrail.search.parser import parse_filter
from opentrail.sigma.finding import Finding
from opentrail.sigma.muting import EVERY_RULE, MUTE_KIND, Mute

Record = Mapping[str, Any]

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Asked:
    mute: Mute
    holds: Callable[[Record], bool] | None
    """Of the record; None for every finding."""


class Mutes:
    """The mutes of an installation; read anew when they have changed."""

    def __init__(self, state: StateStore) -> None:
        self._state = state
        self._versions: tuple[tuple[str, int], ...] = ()
        self._asked: tuple[_Asked, ...] = ()

    def refresh(self) -> None:
        """See what has changed."""
        documents = self._state.list(MUTE_KIND)
        versions = tuple((one.key, one.version) for one in documents)
        if versions != self._versions:
            self._asked = tuple(_read(one.body for one in documents))
            self._versions = versions

    def reason(self, finding: Finding, record: Record | None, now: int) -> str:
        """Why nobody is told of it, "" if somebody is.

        Args:
            record: That led to it; None if its time was over.
        """
        for one in self._asked:
            mute = one.mute
            if mute.rule_id not in (EVERY_RULE, finding.rule_id) or 0 < mute.until <= now:
                continue
            if one.holds is None or (record is not None and one.holds(record)):
                return mute.reason or "muted"
        return ""


def _read(bodies: Iterator[bytes]) -> Iterator[_Asked]:
    for body in bodies:
        mute = msgspec.json.decode(body, type=Mute)
        try:
            holds = record_matcher(parse_filter(mute.where)) if mute.where else None
        except InvalidInput as problem:
            _log.error("mute_unreadable", mute=mute.id, problem=str(problem))
            continue
        yield _Asked(mute, holds)
