"""Aggregated events of trails that ask for them, counted while their log files are gathered.

The counts are kept with the delivery worker's place in one step, so after a crash every record is
counted once. Source: spec: api, section 5; record contents, section 9.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby

import msgspec

from opentrail.clock import iso_seconds, parse_iso_seconds
from opentrail.logfile.aggregated import (
    AGGREGATED_KIND,
    WINDOW,
    Aggregation,
    Count,
    Key,
    Windows,
    aggregated_event,
)
from opentrail.logfile.body import body_of
from opentrail.logfile.name import FOLDERS, LogFileName, log_file_key
from opentrail.logfile.outgoing import OUTGOING_KIND, OutgoingLogFile
from opentrail.ports.ids import Ids
from opentrail.ports.spool import Spool
from opentrail.ports.state import Change, StateStore
from opentrail.record import RecordHead
from opentrail.trail.trail import Trail


class _Kept(msgspec.Struct):
    """What is kept of a trail: as it was last, and its open windows."""

    trail: Trail
    windows: Windows


class Aggregates:
    """The counts of all trails."""

    def __init__(self, state: StateStore, spool: Spool, ids: Ids) -> None:
        self._spool = spool
        self._ids = ids
        self._trails: dict[str, tuple[Trail, Aggregation]] = {}
        for document in state.list(AGGREGATED_KIND):
            kept = msgspec.json.decode(document.body, type=_Kept)
            self._trails[document.key] = kept.trail, Aggregation(kept.windows)

    def add(self, trail: Trail, head: RecordHead) -> None:
        """`trail` takes the record."""
        if not trail.aggregation_templates:
            return
        _, counts = self._trails.get(trail.arn) or (trail, Aggregation())
        self._trails[trail.arn] = trail, counts
        counts.add(head, trail.aggregation_templates, head.recipient_account_id or trail.account_id)

    def turn(self, trails: Iterable[Trail]) -> None:
        """From here on only `trails` take records; what others counted is not waited for.

        So it is in the bucket before their digest chains end.
        """
        accounts = {one.arn: one.accounts for one in trails if one.aggregation_templates}
        for arn, (_, counts) in self._trails.items():
            counts.end_all_but(accounts.get(arn, ()))

    def due(self, now: datetime) -> bool:
        """Whether a window is over."""
        return any(counts.over(now) for _, counts in self._trails.values())

    def close(self, now: datetime) -> list[Change]:
        """Write the events of windows that are over; what is to be kept with the place."""
        changes: list[Change] = []
        for arn, (trail, counts) in list(self._trails.items()):
            changes += [
                Change(OUTGOING_KIND, file.state_key, msgspec.json.encode(file), expected=0)
                for file in self._files(trail, counts.take(now), now)
            ]
            if len(counts):
                kept = msgspec.json.encode(_Kept(trail, counts.windows()))
                changes.append(Change(AGGREGATED_KIND, arn, kept))
            else:
                del self._trails[arn]
                changes.append(Change(AGGREGATED_KIND, arn, None))
        return changes

    def _files(
        self, trail: Trail, taken: list[tuple[Key, Count]], now: datetime
    ) -> list[OutgoingLogFile]:
        by_place = sorted(taken, key=lambda item: (item[0].account_id, item[0].region))
        return [
            self._file(trail, account_id, region, list(items), now)
            for (account_id, region), items in groupby(
                by_place, key=lambda item: (item[0].account_id, item[0].region)
            )
        ]

    def _file(
        self,
        trail: Trail,
        account_id: str,
        region: str,
        items: list[tuple[Key, Count]],
        now: datetime,
    ) -> OutgoingLogFile:
        raws = [aggregated_event(key, count, self._ids.event_id()) for key, count in items]
        windows = [key.window for key, _ in items]
        newest = iso_seconds(parse_iso_seconds(max(windows)) + WINDOW)
        body = body_of(raws, min(windows), newest)
        unique = self._ids.unique16()
        self._spool.write(unique, body.content)
        return OutgoingLogFile(
            trail_arn=trail.arn,
            account_id=account_id,
            region=region,
            bucket=trail.s3_bucket_name,
            key=log_file_key(
                LogFileName(
                    prefix=trail.s3_key_prefix,
                    account_id=account_id,
                    region=region,
                    minute=now,
                    unique16=unique,
                    organization=trail.organization_id,
                    folder=FOLDERS["Aggregated"],
                )
            ),
            closed=now,
            sha256=body.sha256,
            oldest=body.oldest,
            newest=body.newest,
            records=len(raws),
            digested=trail.log_file_validation_enabled,
            spool=unique,
            kms_key_arn=trail.kms_key_id,
            sns_topic_arn=trail.sns_topic_arn,
        )
