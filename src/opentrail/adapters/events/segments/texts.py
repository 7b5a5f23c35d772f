"""The distinct texts of a column, in the order of their UTF-8 bytes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_REMEMBERED = 64
"""Texts asked for lately; accounts and regions are asked for again and again."""


def encode_text(text: str) -> bytes:
    """Lone surrogates, which JSON can spell, are kept."""
    return text.encode("utf-8", "surrogatepass")


class Texts(Sequence[str]):
    """Texts that lie one behind the other in a mapped array."""

    def __init__(self, content: npt.NDArray[np.uint8], ends: npt.NDArray[np.uint32]) -> None:
        self._content = content.data
        self._ends = ends
        self._all: list[str] | None = None
        self._found: dict[str, int | None] = {}

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, number):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN204
        return self.bytes_at(number).decode("utf-8", "surrogatepass")

    def bytes_at(self, number: int) -> bytes:
        """The UTF-8 bytes of one."""
        start = int(self._ends[number - 1]) if number else 0
        return bytes(self._content[start : int(self._ends[number])])

    def find(self, text: str) -> int | None:
        """Its number, None if it is not there."""
        if text in self._found:
            return self._found[text]
        wanted = encode_text(text)
        number = self.first_not_below(wanted)
        there = number < len(self) and self.bytes_at(number) == wanted
        if len(self._found) >= _REMEMBERED:
            self._found.clear()
        self._found[text] = number if there else None
        return self._found[text]

    def first_not_below(self, wanted: bytes) -> int:
        """The number of the first text that is not below; the length if there is none."""
        return bisect_left(range(len(self)), wanted, key=self.bytes_at)

    def all(self) -> list[str]:
        """Every text; kept once it was asked for."""
        if self._all is None:
            whole, start, found = bytes(self._content), 0, []
            for end in self._ends.tolist():
                found.append(whole[start:end].decode("utf-8", "surrogatepass"))
                start = end
            self._all = found
        return self._all


def joined(texts: Sequence[bytes]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint32]]:
    """The arrays of a Texts."""
    lengths = np.fromiter(map(len, texts), np.uint32, len(texts))
    return np.frombuffer(b"".join(texts), np.uint8), np.cumsum(lengths, dtype=np.uint32)
