"""Texts that are alike: what `pattern` shows, and `diff` compares.

Texts come as shapes, numbers and ids in them left out already. Shapes of as many words that begin
alike are compared word by word; those with enough in common become one, `<*>` where they differ
(after Drain: He, Zhu, Zheng, Lyu, ICWS 2017). Which clusters AWS makes is not known to the letter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

VARIABLE = "<*>"
_ALIKE = 0.6
"""Share of words that must be the same."""
_MOST_WORDS = 400
_MOST_CANDIDATES = 32
"""Clusters that a shape is compared with; one more begins a cluster of its own."""
_WORDS = re.compile(r"\s+|[^\s\w<>*]|[\w<>*]+")
_SEVERITIES = (
    ("FATAL", ("FATAL", "CRITICAL", "PANIC")),
    ("ERROR", ("ERROR", "EXCEPTION", "FAIL", "DENIED")),
    ("WARN", ("WARN",)),
    ("DEBUG", ("DEBUG",)),
    ("TRACE", ("TRACE",)),
    ("INFO", ("INFO",)),
)

Shape = tuple[str, str, int]
"""What is alike, one of the texts, and how many there are."""


@dataclass(slots=True)
class _Cluster:
    words: list[str]
    sample: str
    now: int = 0
    before: int = 0

    @property
    def pattern(self) -> str:
        text = "".join(self.words)
        return re.sub(r"(?:<\*>){2,}", VARIABLE, text)

    def fits(self, words: Sequence[str]) -> bool:
        same = sum(one == other for one, other in zip(self.words, words, strict=True))
        return same >= _ALIKE * len(words)

    def take(self, words: Sequence[str]) -> None:
        self.words = [
            one if one == other else VARIABLE for one, other in zip(self.words, words, strict=True)
        ]


class _Clusters:
    def __init__(self) -> None:
        self._by_kind: dict[tuple[int, str], list[_Cluster]] = {}

    def of(self, shape: str, sample: str) -> _Cluster:
        words = _WORDS.findall(shape, 0, 16 * _MOST_WORDS)[:_MOST_WORDS] or [""]
        alike = self._by_kind.setdefault((len(words), words[0]), [])
        for cluster in alike[:_MOST_CANDIDATES]:
            if cluster.fits(words):
                cluster.take(words)
                return cluster
        cluster = _Cluster(words, sample)
        alike.append(cluster)
        return cluster

    def all(self) -> list[_Cluster]:
        return [one for alike in self._by_kind.values() for one in alike]


def clustered(now: Sequence[Shape], before: Sequence[Shape] | None) -> dict[str, list[object]]:
    """Columns of the patterns, the most frequent first.

    Args:
        before: Of the period before, None if that is not asked.
    """
    clusters = _Clusters()
    for shape, sample, count in now:
        clusters.of(shape, sample).now += count
    for shape, sample, count in before or ():
        clusters.of(shape, sample).before += count
    total = sum(count for _, _, count in now)
    # Two clusters may have grown into one pattern.
    merged: dict[str, _Cluster] = {}
    for one in clusters.all():
        known = merged.setdefault(one.pattern, one)
        if known is not one:
            known.now += one.now
            known.before += one.before
    found = sorted(merged.items(), key=lambda one: (-one[1].now, one[0]))
    return {
        "pattern": [pattern for pattern, _ in found],
        "samplecount": [float(one.now) for _, one in found],
        "ratio": [one.now / total if total else 0.0 for _, one in found],
        "severitylabel": [_severity(one.sample) for _, one in found],
        "diffeventcount": [float(one.now - one.before) for _, one in found],
        "differencepercent": [_percent(one) for _, one in found],
        "differencedescription": [_described(one) for _, one in found],
    }


def _severity(sample: str) -> str:
    upper = sample[:4096].upper()
    return next(
        (label for label, words in _SEVERITIES if any(word in upper for word in words)), "NONE"
    )


def _percent(one: _Cluster) -> float | None:
    return None if not one.before else 100.0 * (one.now - one.before) / one.before


def _described(one: _Cluster) -> str:
    if not one.before:
        return "New"
    if not one.now:
        return "Gone"
    if one.now == one.before:
        return "Same"
    return "More" if one.now > one.before else "Fewer"
