"""Whole record objects in bytes that are not one JSON document.

Joined containers, missing commas, JSON Lines, a file cut short, a record damaged in the middle:
what stands between good records is passed over (framing) or told (damage).

(1) Framing is skipped: white space, commas, brackets, the head of a container. (2) At `{` the
object's end is sought by its brackets, strings taken whole. (3) If it is a record it is given.
(4) If it is not, the stretch up to the next start of a record is damage. The start of a record is
an object whose first key is one of CloudTrail's: within a string its quotes would be escaped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

FIRST_KEYS = (
    "eventVersion|userIdentity|eventTime|eventSource|eventName|awsRegion|sourceIPAddress|userAgent|"
    "errorCode|errorMessage|additionalEventData|apiVersion|eventID|eventCategory|eventType|addendum"
)
_FRAMING = re.compile(
    rb'(?:[\s,\[\]}\x1e]|(?:\{\s*+)?"(?:Records|Events|events|logEvents)"\s*+:\s*+\[)++'
)
START = re.compile(rb'\{\s*+"(?:%s)"\s*+:' % FIRST_KEYS.encode())
"""The start of a record."""

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\]]', re.DOTALL)
_OPENING = {0x7B: 0x7D, 0x5B: 0x5D}

MAX_PROBLEMS = 5_000
"""After so many damaged stretches the rest of a piece is told as one."""

EXTRA_SCANS = 2
"""How much a scan looks behind starts of records for the end of an object: twice its bytes."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the bytes.

    Attributes:
        problem: Why it is no record; "" for a record.
    """

    start: int
    end: int
    problem: str = ""


class Scan:
    """One scan over `content`.

    `problem_of(bytes, sure)` tells why they are no record, "" if they are one; `sure` is False
    behind damage, where an inner object may be taken for an outer one.
    """

    def __init__(
        self, content: bytes, problem_of: Callable[[bytes, bool], str], *, longest: int
    ) -> None:
        self._content = content
        self._problem_of = problem_of
        self._longest = longest
        self._extra = EXTRA_SCANS * len(content)
        self._next_start = -1

    def spans(self, *, final: bool = True) -> Iterator[Span]:
        """Records and damage, in order.

        Args:
            final: Nothing follows. Else an object that has no end yet is left alone: the bytes
                behind the last span are to be given again, with what follows.
        """
        content, place, sure = self._content, 0, True
        problems = 0
        while True:
            framing = _FRAMING.match(content, place)
            place = framing.end() if framing else place
            if place >= len(content):
                return
            end = self._end(place) if content[place] == 0x7B else None
            if problems >= MAX_PROBLEMS:
                yield Span(place, len(content), "damaged in too many places")
                return
            problem = self._problem_of(content[place:end], sure) if end else "damaged"
            if not problem and end:
                yield Span(place, end)
                place, sure = end, True
                continue
            problems += 1
            following = self._start_after(place + 1)
            if not final and following == len(content) and len(content) - place <= self._longest:
                return
            whole = end is not None and end <= following
            stop = end if whole and end else following
            yield Span(place, stop, problem if whole else "damaged")
            place, sure = stop, whole

    def _end(self, place: int) -> int | None:
        """Where the object at `place` ends; None if it does not."""
        limit = min(place + self._longest, len(self._content))
        near = min(self._start_after(place + 1), limit)
        depth: list[int] = []
        for token in _TOKEN.finditer(self._content, place, limit):
            at = token.start()
            if at >= near:
                self._extra -= at - near
                near = at
                if self._extra < 0:
                    return None
            byte = self._content[at]
            if byte == 0x22:
                continue
            if byte in _OPENING:
                depth.append(_OPENING[byte])
            elif depth.pop() != byte:
                return None
            if not depth:
                return token.end()
        return None

    def _start_after(self, place: int) -> int:
        """Where the next record starts at or behind `place`; the end if none does."""
        if self._next_start < place:
            found = START.search(self._content, place)
            self._next_start = found.start() if found else len(self._content)
        return self._next_start
