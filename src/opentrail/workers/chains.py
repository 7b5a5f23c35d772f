"""When digest chains begin and end: as the trail logs and validates, at its place in the journal.

A chain ends only when every log file of its trail lies in its bucket, so that the final digest
lists them all. Source: spec: files, section 4.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
import structlog

from opentrail.clock import Clock
from opentrail.digest.chain_state import CHAIN_KIND, Chain, chain_key
from opentrail.logfile.delivered import DELIVERED_KIND, DeliveredLogFile
from opentrail.logfile.outgoing import OUTGOING_KIND, outgoing_prefix
from opentrail.ports.state import Change, StateStore
from opentrail.trail.status import STATUS_KIND, status_key
from opentrail.trail.timeline import TIMELINE_KIND, Timeline
from opentrail.trail.trail import Trail
from opentrail.workers.following import read_place, read_timelines

_SECOND = timedelta(seconds=1)

_log = structlog.get_logger()


class ChainKeeper:
    """Opens and closes chains behind the delivery worker."""

    def __init__(
        self,
        *,
        state: StateStore,
        clock: Clock,
        regions: tuple[str, ...],
        follower: str,
        needed_from: Callable[[], int] | None = None,
    ) -> None:
        """Work behind `follower`.

        Args:
            needed_from: The lowest offset at which others still ask what a trail was like; None if
                nobody does.
        """
        self._needed_from = needed_from
        self._state = state
        self._clock = clock
        self._regions = regions
        self._follower = follower

    def step(self) -> int:
        """Do what is due; how many chains were opened or told to close."""
        place = read_place(self._state, self._follower)
        if place is None:
            return 0
        changed = 0
        needed = place if self._needed_from is None else min(place, self._needed_from())
        for arn, timeline in read_timelines(self._state).items():
            trail = timeline.at(place)
            if trail is not None and trail.is_logging and trail.log_file_validation_enabled:
                changed += self._open(trail) + self._close(arn, trail.accounts)
            else:
                changed += self._close(arn)
            if trail is None and timeline.turns[-1].offset <= needed:
                self._forget(arn)
        return changed

    def _open(self, trail: Trail) -> int:
        known = {document.key for document in self._state.list(CHAIN_KIND, f"{trail.arn}|")}
        started = self._clock.now().replace(microsecond=0)
        wanted = {
            (account, region): started
            for account in trail.accounts
            for region in (
                {*self._regions, trail.home_region}
                if trail.is_multi_region_trail
                else {trail.home_region}
            )
        }
        for place, closed in self._files_of(trail).items():
            # A region that is not enabled, but had events: its files are digested too.
            wanted.setdefault(place, min(started, closed.replace(microsecond=0)))
        changes = [
            Change(CHAIN_KIND, key, msgspec.json.encode(chain), expected=0)
            for (account, region), start in sorted(wanted.items())
            if (key := chain_key(trail.arn, account, region)) not in known
            for chain in (
                Chain(trail_arn=trail.arn, account_id=account, region=region, started=start),
            )
        ]
        if changes:
            self._state.apply(changes)
            _log.info("digest_chains_opened", trail=trail.arn, chains=len(changes))
        return len(changes)

    def _files_of(self, trail: Trail) -> dict[tuple[str, str], datetime]:
        """The first closing time of undigested files by account and region."""
        found: dict[tuple[str, str], datetime] = {}
        for document in self._state.list(DELIVERED_KIND, f"{trail.arn}|"):
            file = msgspec.json.decode(document.body, type=DeliveredLogFile)
            place = (file.account_id, file.region)
            found[place] = min(found.get(place, file.closed), file.closed)
        return found

    def _close(self, arn: str, kept: tuple[str, ...] = ()) -> int:
        """Close the trail's chains, but not those of the accounts that it `kept`."""
        chains = [
            (document, chain)
            for document in self._state.list(CHAIN_KIND, f"{arn}|")
            for chain in (msgspec.json.decode(document.body, type=Chain),)
            if chain.closing is None and chain.account_id not in kept
        ]
        if not chains or self._state.list(OUTGOING_KIND, outgoing_prefix(arn)):
            return 0
        changes: list[Change] = []
        for document, chain in chains:
            # Behind every file closed so far; a digest's times are whole seconds.
            end = max(self._clock.now().replace(microsecond=0), chain.covered) + _SECOND
            closing = msgspec.structs.replace(chain, closing=end)
            body = msgspec.json.encode(closing)
            changes.append(Change(CHAIN_KIND, document.key, body, expected=document.version))
        if changes:
            self._state.apply(changes)
            _log.info("digest_chains_closing", trail=arn, chains=len(changes))
        return len(changes)

    def _forget(self, arn: str) -> None:
        """A deleted trail, once nothing of it is left to deliver or to sign."""
        if self._state.list(CHAIN_KIND, f"{arn}|") or self._state.list(
            OUTGOING_KIND, outgoing_prefix(arn)
        ):
            return
        document = self._state.get(TIMELINE_KIND, arn)
        if document is None:
            return
        turns = msgspec.json.decode(document.body, type=Timeline).turns
        if turns and turns[-1].trail is not None:
            return
        self._state.apply(
            [
                Change(TIMELINE_KIND, arn, None, expected=document.version),
                *(
                    Change(STATUS_KIND, one.key, None)
                    for one in self._state.list(STATUS_KIND, status_key(arn, ""))
                ),
            ]
        )
