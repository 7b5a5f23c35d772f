"""Counts every event, judges every minute, tells of what is unusual.

The walk: (1) read events of the store by sequence, from the place, and commit their counts with the
new place; (2) when the store is read to its end, judge the minutes that are over, as they are
counted there: begin and end alerts; (3) commit alerts, their records and the last minute judged.
The main process, the journal's one writer, appends the records. A crash repeats from what was
committed: nothing is counted twice, and the same counts make the same alerts and records, with the
same ids.

The store of events is followed, not the journal: imported events come by no other way (so that
an account has a baseline at once), and each event counts once, however often it was delivered.
A minute is judged when it is over for 15 seconds and the store is read up to then. What comes later
is counted, and seen by the windows that still hold its minute.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import msgspec
import structlog

from opentrail.clock import Clock
from opentrail.insights.alert import Alert
from opentrail.insights.baseline import DAY, NORMAL, Sensitivity
from opentrail.insights.counts import SeriesKey
from opentrail.insights.watching import Watching
from opentrail.ports.events import EventReader, Search
from opentrail.ports.insights.call_counts import (
    VALUES_KEPT_DAYS,
    CallCountStore,
    Changes,
    CountPlace,
)
from opentrail.ports.state import StateStore
from opentrail.workers.insights.counting import Tally
from opentrail.workers.insights.telling import record_of
from opentrail.workers.insights.wanted import Wanted

BATCH_EVENTS = 10_000
GRACE = timedelta(seconds=15)
PAUSE = timedelta(seconds=0.5)
FOLD_EVERY = timedelta(hours=1)
WANTED_EVERY = timedelta(seconds=5)
MOST_MINUTES = 2 * DAY
"""After a longer pause the minutes before are not judged."""

LEARNT_A_STEP = 50
_log = structlog.get_logger()


class InsightsWorker:
    """Follows the store of events."""

    def __init__(
        self,
        *,
        events: EventReader,
        counts: CallCountStore,
        state: StateStore,
        clock: Clock,
        sensitivity: Sensitivity = NORMAL,
    ) -> None:
        self._events = events
        self._counts = counts
        self._clock = clock
        self._sensitivity = sensitivity
        self._wanted = Wanted(state)
        never = datetime.min.replace(tzinfo=clock.now().tzinfo)
        self._read_at = self._folded_at = self._wanted_at = never
        self._begins = True

    def step(self) -> int:
        """Deal with what is new; how many events and minutes that was."""
        now = self._clock.now()
        if now - self._read_at < PAUSE:
            return 0
        if self._begins:
            self._start()
        self._begins = True  # if this fails, what was not committed is done again
        done = self._deal(now)
        self._begins = False
        done += self._fold(now)
        if not done:
            self._read_at = now
        return done

    def _start(self) -> None:
        """All that is remembered is worked out from the store."""
        now = int(self._clock.now().timestamp() // 60)
        place = self._counts.place()
        judged = max(place.judged if place else now - 1, now - MOST_MINUTES)
        self._place = CountPlace(place.sequence if place else 0, judged)
        self._watching = Watching(self._counts, self._sensitivity, judged)
        self._changed_past: dict[SeriesKey, None] = {}
        for one in self._counts.series():
            self._watching.known(one.key, one.first)
        self._wanted.refresh()
        self._left: list[Alert] = []
        self._watch()

    def _watch(self) -> None:
        """Add the series that are wanted, and their alerts; those of others end."""
        known, detection = self._watching.first, self._watching.detection
        for key in sorted(one for one in known if one in self._wanted):
            self._watching.add(key)
        for alert in self._counts.alerts(since=detection.minute + 1, limit=len(known)):
            if alert.is_over:
                continue
            if alert.series in detection:
                detection.resume(alert)
            else:
                ended = detection.minute + 1 if alert.ended is None else alert.ended
                self._left.append(msgspec.structs.replace(alert, ended=ended, is_over=True))
        _log.info("insight_series_watched", series=len(detection))

    def _deal(self, now: datetime) -> int:
        if now - self._wanted_at >= WANTED_EVERY:
            self._wanted_at = now
            if self._wanted.refresh():
                self._start()
        place, end = self._place, self._events.sequence_end()
        start = 0 if place.sequence > end else place.sequence  # another store, since
        upto = min(end, start + BATCH_EVENTS)
        if upto != place.sequence:
            self._count(start, upto)  # (1)
        if upto < end:
            return upto - start
        self._learn_changed()
        over = int((now - GRACE).timestamp() // 60) - 1
        for _ in range(min(DAY, over - self._watching.detection.minute)):
            if found := self._judge():  # (2)
                self._tell(found)  # (3): what is learnt next finds it there
        if self._watching.detection.minute != self._place.judged or self._left:
            self._tell([])
        return upto - start + len(self._changed_past)

    def _count(self, start: int, upto: int) -> None:
        today = int(self._clock.now().timestamp() // 60) // DAY
        tally = Tally((today - VALUES_KEPT_DAYS) * DAY)
        batch = Search(limit=None, sequence_from=start, sequence_before=upto)
        tally.add(one.raw for one in self._events.stream(batch))
        place = CountPlace(upto, self._place.judged)
        refused = self._counts.commit(Changes(tally.counts, tally.values), place)
        if refused:
            accounts = Counter(key.account_id for key in refused)
            _log.error(
                "series_refused", series=len(refused), calls=sum(refused.values()),
                accounts=len(accounts), most_of=accounts.most_common(1)[0][0],
            )  # fmt: skip
        self._place = place
        for (key, minute), count in tally.counts.items():
            if key not in refused:
                self._note(key, minute, count)

    def _note(self, key: SeriesKey, minute: int, count: int) -> None:
        self._watching.known(key, minute)
        detection = self._watching.detection
        if minute <= detection.minute and key in detection:
            detection.late(key, minute, count)
        if minute // DAY < detection.minute // DAY:
            self._changed_past[key] = None

    def _learn_changed(self) -> None:
        """Series whose past days have changed, by an import, are learnt anew; some at a time."""
        for key in list(self._changed_past)[:LEARNT_A_STEP]:
            del self._changed_past[key]
            if key in self._watching.detection:
                self._watching.learn(key)
            elif key in self._wanted:
                self._watching.add(key)

    def _judge(self) -> list[Alert]:
        counts = self._counts.at(self._watching.detection.minute + 1)
        return self._watching.judge(
            {key: count for key, count in counts.items() if key in self._wanted}
        )

    def _tell(self, found: list[Alert]) -> None:
        alerts = {one.id: one for one in (*self._left, *self._watching.detection.alerts, *found)}
        told = [one for one in found if not one.is_over and one.series in self._wanted]
        records = [record_of(one, self._counts) for one in told]
        place = CountPlace(self._place.sequence, self._watching.detection.minute)
        self._counts.commit(Changes(alerts=list(alerts.values()), records=records), place)
        self._place, self._left = place, []
        for alert in told:
            _log.info(
                "insight_found" if alert.ended is None else "insight_ended",
                account=alert.series.account_id, region=alert.series.region, kind=str(alert.kind),
            )  # fmt: skip

    def _fold(self, now: datetime) -> int:
        """A part of the hourly folding; how many rows that touched.

        Days that are not judged yet stay as they are: `_judge` reads their minutes.
        """
        if now - self._folded_at < FOLD_EVERY:
            return 0
        today = int(now.timestamp()) // 86400
        judged = (self._watching.detection.minute + 1) // DAY
        if done := self._counts.fold(min(today, judged + 1)):
            return done
        self._folded_at = now
        if forgotten := self._counts.forget():
            self._watching.forget(forgotten)
            for key in forgotten:
                self._changed_past.pop(key, None)
            _log.info("series_forgotten", series=len(forgotten))
        return 0
