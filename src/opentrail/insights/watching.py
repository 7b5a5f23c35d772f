"""Series watched over time: added with their first call, learnt once a day, judged every minute.

This is the one account of it: the worker follows it live, `replay` over counted days, and the
benchmark over generated ones. What it finds is a function of the counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from opentrail.insights.alert import Alert
from opentrail.insights.baseline import DAY, Sensitivity
from opentrail.insights.counts import SeriesKey
from opentrail.insights.detect import Detection
from opentrail.insights.learning import Learning, Past, last_learnt_day, learning_minute

PAST_MINUTES = 8 * 60
"""What windows and levels look back."""

_HOUR = 60


class Watching:
    """Which series there are, which are watched, and what is ordinary for them.

    Attributes:
        first: The first call (minute since the epoch) of each series, watched or not.
        detection: The series that are watched.
    """

    def __init__(self, past: Past, sensitivity: Sensitivity, minute: int) -> None:
        """Begin behind `minute`: the first that is judged is the one after it."""
        self.first: dict[SeriesKey, int] = {}
        self.detection = Detection(minute)
        self._past = past
        self._learning = Learning(past, sensitivity)

    def known(self, key: SeriesKey, minute: int) -> None:
        """A series had calls at this minute."""
        self._learning.known(key, minute)
        self.first[key] = min(minute, self.first.get(key, minute))

    def forget(self, keys: Iterable[SeriesKey]) -> None:
        """Nothing is counted of these series any more: as if they had never been."""
        for key in keys:
            self.first.pop(key, None)
            if key in self.detection:
                self.detection.forget(key)
        self._learning.start(self.first)

    def add(self, key: SeriesKey) -> None:
        """Watch a known series from the next minute on."""
        judged = self.detection.minute
        past = self._past.counts(key, judged - PAST_MINUTES, judged + 1)
        is_news = self._learning.is_news(key, self.first[key], judged + 1)
        self.detection.add(key, past, is_news=is_news)
        self.learn(key)

    def learn(self, key: SeriesKey) -> None:
        """What is ordinary for a watched series at the next minute."""
        minute = self.detection.minute + 1
        baseline = self._learning.baseline(key, self.first[key], minute)
        if baseline is not None:
            self.detection.learn(key, baseline, last_learnt_day(key, minute))

    def judge(self, counts: Mapping[SeriesKey, int]) -> list[Alert]:
        """Judge the next minute.

        Args:
            counts: Its calls; of known series.

        Returns:
            As `Detection.tick`. What learns later must find them in the past.
        """
        minute = self.detection.minute + 1
        for key in sorted(counts):
            if key not in self.detection:
                self.add(key)
        if minute % DAY < _HOUR:
            for key in self.detection:
                if learning_minute(key) == minute % DAY:
                    self.learn(key)
        return self.detection.tick(counts)
