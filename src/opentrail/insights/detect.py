"""Unusual rates, found minute by minute in the counts of many series.

Each minute, of each series:
1. high: a window of 1, 5, 15 or 60 minutes reaches its limit while the last 15 minutes are above
   what is expected. It has ended when it did not stand out for ten minutes: in windows of 1 and 5
   minutes, or, if a longer one found it, in those. As long as a window still is three tenths as
   strange as its threshold, only windows of 1 and 5 minutes can begin another.
   active: the same of minutes with calls, in windows of 15 and 60 minutes.
2. drop, of calls only, every fifth minute: a window of 15, 60 or 180 minutes is as low as it never
   was at this time of day. It has ended when that window was not low for 15 minutes. Where no call
   at all of the account and region came in the window, nothing is told: what brings them has
   stopped, as behind an import of the past.
3. never seen: 20 calls in 15 minutes of a series that has no baseline yet and whose account is
   known long enough to say that it is new. Once a series.

A series has one alert at a time, remembered until it is over. The same counts give the same alerts,
in any split of the run: what detection remembers is counts, baselines and alerts.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from opentrail.insights.alert import Alert, Kind
from opentrail.insights.baseline import ACTIVITY_WINDOWS, SLOT, WINDOWS, Baseline
from opentrail.insights.counts import CALL_RATE, SeriesKey
from opentrail.insights.drops import DROP_WINDOWS, MARK
from opentrail.insights.limits import Drops, Limits
from opentrail.insights.tail import Floats, Ints
from opentrail.insights.windows import LENGTHS, Windows

NEVER_SEEN_CALLS = 20
QUIET_MINUTES = 10
DROP_QUIET_MINUTES = 15

Bools = NDArray[np.bool_]

_HELD = 0.3
_HIGH = slice(LENGTHS.index(WINDOWS[0]), LENGTHS.index(WINDOWS[-1]) + 1)
_DROPS = slice(LENGTHS.index(DROP_WINDOWS[0]), LENGTHS.index(DROP_WINDOWS[-1]) + 1)
_MOST = 2**24 - 1
_QUARTER = LENGTHS.index(SLOT)
_FIVE = WINDOWS.index(5)
_SHORT = 2
"""Windows of which three tenths of the threshold stand out; longer ones remember too long."""


class Detection:
    """The counts, limits and alerts of the series that were added."""

    def __init__(self, minute: int) -> None:
        """Begin behind `minute`: the first `tick` is of the minute after it."""
        self._windows = Windows(minute)
        self._limits = Limits(WINDOWS)
        self._activity = Windows(minute, ACTIVITY_WINDOWS)
        self._activity_limits = Limits(ACTIVITY_WINDOWS)
        self._drop_limits = Drops()
        self._rows: dict[SeriesKey, int] = {}
        self._keys: list[SeriesKey] = []
        self._free: list[int] = []
        self._phases = np.zeros(0, np.int64)
        self._new: dict[int, None] = {}
        self._alerts: dict[int, Alert] = {}

    @property
    def minute(self) -> int:
        """The last that was judged."""
        return self._windows.minute

    @property
    def alerts(self) -> Iterable[Alert]:
        """Those that last or are remembered."""
        return [msgspec.structs.replace(alert) for alert in self._alerts.values()]

    def __contains__(self, key: SeriesKey) -> bool:
        return key in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[SeriesKey]:
        return iter(self._rows)

    def add(
        self, key: SeriesKey, past: Iterable[tuple[int, int]] = (), *, is_news: bool = False
    ) -> None:
        """Watch a series.

        Args:
            past: Minutes and calls before, up to `minute`; the last eight hours matter.
            is_news: Its account is known long enough: 20 calls at once are told.
        """
        row = self._free.pop() if self._free else self._add_row()
        self._rows[key] = row
        self._keys[row] = key
        self._phases[row] = zlib.crc32("\x1f".join(key).encode()) % SLOT
        if is_news:
            self._new[row] = None
        past = list(past)
        self._windows.load(row, past)
        self._activity.load(row, [(minute, 1) for minute, count in past if count])

    def _add_row(self) -> int:
        row = self._windows.add_row()
        self._limits.add_row()
        self._activity.add_row()
        self._activity_limits.add_row()
        self._keys.append(SeriesKey("", "", "", "", "", "", ""))
        if row >= len(self._phases):
            self._phases = np.append(self._phases, np.zeros(max(64, row), np.int64))
        return row

    def forget(self, key: SeriesKey) -> None:
        """Watch a series no longer; its place is another's."""
        row = self._rows.pop(key)
        for one in (self._windows, self._limits, self._activity, self._activity_limits):
            one.clear(row)
        self._drop_limits.set(row, None)
        self._new.pop(row, None)
        self._alerts.pop(row, None)
        self._free.append(row)

    def learn(self, key: SeriesKey, baseline: Baseline, day: int) -> None:
        """What is ordinary from now on; for drops, on that day since the epoch."""
        row = self._rows[key]
        self._new.pop(row, None)
        self._limits.set(row, baseline.calls)
        self._activity_limits.set(row, baseline.activity)
        self._drop_limits.set(row, baseline.drops, day)
        # As they would be, had this been known when the row was renewed last.
        since = (self.minute - int(self._phases[row])) % SLOT
        self._renew(np.array([row]), self.minute - since)

    def resume(self, alert: Alert) -> None:
        """An alert that lasted when the run before ended."""
        row = self._rows[alert.series]
        self._alerts[row] = msgspec.structs.replace(alert)
        self._new.pop(row, None)

    def late(self, key: SeriesKey, minute: int, count: int) -> None:
        """Calls of a minute that was judged already: longer windows still see them."""
        row = self._rows[key]
        if count > 0 and not self._windows.had_calls(row, minute):
            self._activity.late(row, minute, 1)
        self._windows.late(row, minute, count)

    def tick(self, counts: Mapping[SeriesKey, int]) -> list[Alert]:
        """Judge the next minute.

        Returns:
            The alerts that began (`ended` is None), ended, or are over (`is_over`) with it.
        """
        rows = np.fromiter((self._rows[key] for key in counts), np.int64, len(counts))
        most = (min(count, _MOST) for count in counts.values())
        self._windows.advance(rows, np.fromiter(most, np.int32, len(counts)))
        self._activity.advance(rows, np.ones(len(rows), np.int32))
        minute = self.minute
        phases = self._phases[: self._windows.rows]
        self._renew(np.flatnonzero(phases == minute % SLOT), minute)
        found = self._ended()
        found += self._high()
        found += self._never_seen()
        if minute % MARK == MARK - 1:
            found += self._drops()
        return found

    def _renew(self, rows: Ints, minute: int) -> None:
        if len(rows):
            self._limits.renew(rows, minute, self._windows.level(rows, minute))
            activity = self._activity.level(rows, minute)
            self._activity_limits.renew(rows, minute, activity)

    def _high(self) -> list[Alert]:
        sums = self._windows.sums
        strange = sums[_HIGH] >= self._limits.high
        active = self._activity.sums >= self._activity_limits.high
        either = strange.any(0) | active.any(0)
        rows = np.flatnonzero(either & (sums[_QUARTER] >= self._limits.present))
        found = []
        for row in rows.tolist():
            known = self._alerts.get(row)
            if known is None:
                found.append(self._begin_high(row))
            elif known.ended is not None and strange[:_SHORT, row].any():
                found.append(msgspec.structs.replace(known, is_over=True))
                found.append(self._begin_high(row))
        return found

    def _begin_high(self, row: int) -> Alert:
        """The shortest window of calls that reaches its limit, else of minutes with calls."""
        kind = Kind.HIGH
        windows: tuple[int, ...] = WINDOWS
        counts, limits = self._windows.sums[_HIGH, row], self._limits
        if not (counts >= limits.high[:, row]).any():
            kind, windows = Kind.ACTIVE, ACTIVITY_WINDOWS
            counts, limits = self._activity.sums[:, row], self._activity_limits
        place = int(np.argmax(counts >= limits.high[:, row]))
        expected = limits.expected(np.array([row])).means[:, 0]
        rate = float(self._limits.expected(np.array([row])).means[0, 0])
        alert = Alert(
            self._keys[row], kind, self._since(row, windows[place], rate), self.minute,
            windows[place], int(counts[place]), float(expected[place]),
            int(limits.high[place, row]), standing=self.minute,
        )  # fmt: skip
        return self._begin(row, alert)

    def _since(self, row: int, window: int, rate: float) -> int:
        """The first minute of the window that stands out of it and of what is expected."""
        lately = self._windows.lately(row, window)
        least = max(2 * rate, sum(lately) / window / 2)
        first = next((at for at, count in enumerate(lately) if count > least), window - 1)
        return self.minute - window + 1 + first

    def _never_seen(self) -> list[Alert]:
        if not self._new:
            return []
        rows = np.fromiter(self._new, np.int64, len(self._new))
        many = self._windows.sums[_QUARTER, rows] >= NEVER_SEEN_CALLS
        found = []
        for row in map(int, rows[many]):
            del self._new[row]
            found.append(self._begin(row, Alert(
                self._keys[row], Kind.NEVER_SEEN, self._since(row, SLOT, 0.0), self.minute, SLOT,
                int(self._windows.sums[_QUARTER, row]), 0.0, NEVER_SEEN_CALLS,
                standing=self.minute,
            )))  # fmt: skip
        return found

    def _drops(self) -> list[Alert]:
        rows = self._drop_limits.rows
        if not len(rows):
            return []
        low, expected = self._drop_limits.at(self.minute)
        sums = self._windows.sums[_DROPS][:, rows]
        under = sums <= low
        heard: list[set[tuple[str, ...]]] = []
        found = []
        for place in np.flatnonzero(under.any(0)):
            row = int(rows[place])
            if row in self._alerts or self._keys[row].insight_type != CALL_RATE:
                continue
            heard = heard or self._heard()
            told = under[:, place] & [self._keys[row][:2] in places for places in heard]
            if not told.any():
                continue
            at = int(np.argmax(told))
            window = DROP_WINDOWS[at]
            found.append(self._begin(row, Alert(
                self._keys[row], Kind.DROP, self.minute - window + 1, self.minute, window,
                int(sums[at, place]), float(expected[at, place]), int(low[at, place]),
                standing=self.minute,
            )))  # fmt: skip
        return found

    def _heard(self) -> list[set[tuple[str, ...]]]:
        """By window for drops: the accounts and regions of which any call came in it."""
        sums = self._windows.sums[_DROPS][:, : len(self._keys)]
        return [{self._keys[row][:2] for row in np.flatnonzero(those).tolist()} for those in sums]

    def _begin(self, row: int, alert: Alert) -> Alert:
        self._alerts[row] = alert
        return msgspec.structs.replace(alert)

    def _ended(self) -> list[Alert]:
        found = []
        for row, stands, holds in list(self._lasting()):
            alert = self._alerts[row]
            alert.quiet = 0 if holds else alert.quiet + 1
            if stands and alert.ended is None:
                alert.standing = self.minute
            patience = DROP_QUIET_MINUTES if alert.kind is Kind.DROP else QUIET_MINUTES
            if alert.ended is None and self.minute - alert.standing >= patience:
                alert.ended = alert.standing + 1
                found.append(msgspec.structs.replace(alert))
            if alert.ended is not None and alert.quiet >= patience:
                alert.is_over = True
                del self._alerts[row]
                found.append(alert)
        return found

    def _lasting(self) -> Iterator[tuple[int, bool, bool]]:
        """Of each alert: its row, whether this minute stands out, whether it is to be held."""
        by_kind: dict[Kind, list[int]] = {kind: [] for kind in Kind}
        for row, alert in self._alerts.items():
            by_kind[alert.kind].append(row)
        for kind, judge in (
            (Kind.HIGH, self._high_lasts),
            (Kind.ACTIVE, self._active_lasts),
            (Kind.DROP, self._drop_lasts),
            (Kind.NEVER_SEEN, self._news_lasts),
        ):
            rows = np.array(by_kind[kind], np.int64)
            if len(rows):
                windows = np.array([self._alerts[row].window for row in by_kind[kind]])
                stands, holds = judge(rows, windows)
                yield from zip(by_kind[kind], stands.tolist(), holds.tolist(), strict=True)

    def _high_lasts(self, rows: Ints, windows: Ints) -> tuple[Bools, Bools]:
        counts = self._windows.sums[_HIGH][:, rows]
        ratio = self._limits.strangeness(rows, counts) / self._limits.thresholds(rows, self.minute)
        means = self._limits.expected(rows).means
        rises = counts[_FIVE] > means[_FIVE]
        is_long = windows > WINDOWS[_SHORT - 1]
        stands = (ratio[:_SHORT] >= _HELD).any(0) & (counts[0] > means[0])
        stands |= is_long & rises & (ratio[_SHORT:].max(0) >= 1)
        holds = (ratio >= _HELD).any(0) | (self._activeness(rows) >= _HELD).any(0)
        return stands, np.asarray(holds)

    def _active_lasts(self, rows: Ints, _: Ints) -> tuple[Bools, Bools]:
        ratio = self._activeness(rows)
        stands = (ratio[0] >= _HELD) & (self._windows.sums[0, rows] > 0)
        return stands, self._high_lasts(rows, rows * 0)[1]

    def _activeness(self, rows: Ints) -> Floats:
        """How strange minutes with calls are, in parts of what is told."""
        limits, counts = self._activity_limits, self._activity.sums[:, rows]
        return limits.strangeness(rows, counts) / limits.thresholds(rows, self.minute)

    def _drop_lasts(self, rows: Ints, windows: Ints) -> tuple[Bools, Bools]:
        recovered = self._drop_limits.recovered(rows, self.minute)
        low = self._windows.sums[_DROPS][:, rows] <= recovered
        own = np.searchsorted(DROP_WINDOWS, windows)
        return low[own, np.arange(len(rows))], np.asarray(low.any(0))

    def _news_lasts(self, rows: Ints, _: Ints) -> tuple[Bools, Bools]:
        newest = self._windows.sums[LENGTHS.index(1), rows]
        return newest > 0, self._windows.sums[_QUARTER, rows] >= _HELD * NEVER_SEEN_CALLS
