"""A document too large to hold is cut between its elements into documents of the same form."""

from __future__ import annotations

import re

import msgspec
from msgspec import Raw

from opentrail.imports.found import Limits
from opentrail.imports.judging import refusal
from opentrail.imports.scanning import Scan

_OPENING = re.compile(rb'(?:\xef\xbb\xbf)?\s*+(\{\s*+"(?:Records|Events|events)"\s*+:\s*+)?\[')
_LINE = re.compile(rb"(?:\xef\xbb\xbf)?\s*+(?:\{.*\}|\d{4}-\d\d-\d\dT.*)\s*\n")
_MAX_TRIES = 8
_WHOLE_PIECES = 4
"""A document that can't be cut is held up to this many pieces."""

_array = msgspec.json.Decoder(list[Raw])


class PieceCutter:
    """Takes a document's bytes as they come; gives documents that can be read alone."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._rest = b""
        self._place = 0
        self._cut = self._first

    def feed(self, plain: bytes, *, last: bool) -> tuple[bytes, int]:
        """What can be read so far, and what to add to its offsets for those in the whole."""
        self._rest += plain
        return self._cut(last=last)

    def _first(self, *, last: bool) -> tuple[bytes, int]:
        """The first piece decides how the document is cut."""
        opening = _OPENING.match(self._rest)
        if opening:
            self._head = b"[" if opening[1] is None else opening[1] + b"["
            self._tail = b"]" if opening[1] is None else b"]}"
            self._drop(opening.end())
            self._cut = self._list
        elif _LINE.match(self._rest):
            self._cut = self._lines
        else:
            self._head = self._tail = b""
            self._cut = self._whole if self._rest.lstrip()[:1] == b"{" else self._scraps
        return self._cut(last=last)

    def _list(self, *, last: bool) -> tuple[bytes, int]:
        shift = self._place - len(self._head)
        if last:
            return self._head + self._rest, shift
        end = self._last_boundary()
        ready = self._head + self._rest[:end] + self._tail
        self._drop(end)
        self._drop(len(self._rest) - len(self._rest.lstrip(b" \t\r\n,")))
        return ready, shift

    def _lines(self, *, last: bool) -> tuple[bytes, int]:
        end = len(self._rest) if last else self._rest.rfind(b"\n") + 1
        if end == 0 and len(self._rest) > self._limits.piece_bytes + self._limits.record_bytes:
            end = len(self._rest)  # no line is that long
        ready, shift = self._rest[:end], self._place
        self._drop(end)
        return ready, shift

    def _whole(self, *, last: bool) -> tuple[bytes, int]:
        """One object: kept together as long as that is possible."""
        if last:
            return self._rest, self._place
        if len(self._rest) < _WHOLE_PIECES * self._limits.piece_bytes:
            return b"", self._place
        self._cut = self._list
        return self._cut(last=last)

    def _scraps(self, *, last: bool) -> tuple[bytes, int]:  # noqa: ARG002 - as the others
        """No document at all."""
        ready, shift = self._rest, self._place
        self._drop(len(ready))
        return ready, shift

    def _drop(self, length: int) -> None:
        self._rest = self._rest[length:]
        self._place += length

    def _last_boundary(self) -> int:
        """Where the last whole element ends.

        What can be read as a list up to a place is a list of whole elements up to that place.
        """
        place = len(self._rest)
        for mark in (b'},{"eventVersion"', b"},{"):
            for _ in range(_MAX_TRIES):
                place = self._rest.rfind(mark, 0, place)
                if place < 0:
                    place = len(self._rest)
                    break
                try:
                    _array.decode(b"[" + self._rest[: place + 1] + b"]")
                except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
                    continue
                return place + 1
        scan = Scan(
            self._rest,
            lambda raw, _: refusal(raw, self._limits),
            longest=self._limits.record_bytes,
        )
        return max((span.end for span in scan.spans(final=False)), default=0)
