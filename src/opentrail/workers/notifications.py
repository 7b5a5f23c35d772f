"""Telling topics of delivered log files, one message for all of a bucket that are new.

Source: spec: files, section 2 (SNS).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import groupby

import msgspec
import structlog

from opentrail.clock import Clock
from opentrail.errors import Unavailable
from opentrail.logfile.outgoing import NOTIFICATION_KIND, Notification
from opentrail.ports.destinations import DestinationNotFound, Topics
from opentrail.ports.state import Change, Document, StateStore
from opentrail.trail.trail import TRAIL_KIND, Trail
from opentrail.workers.status import apply_with_status

MOST_KEYS = 500
"""In one message; SNS takes 256 KiB."""

PAUSE = timedelta(seconds=30)
"""Before a topic that took nothing is tried again."""

_log = structlog.get_logger()


class NotificationWorker:
    """Publishes, and forgets what was published; at least once."""

    def __init__(self, *, state: StateStore, topics: Topics, clock: Clock) -> None:
        self._state = state
        self._topics = topics
        self._clock = clock
        self._pauses: dict[str, datetime] = {}

    def step(self) -> int:
        """Publish what waits; how many files were told of."""
        found = [
            (msgspec.json.decode(document.body, type=Notification), document)
            for document in self._state.list(NOTIFICATION_KIND)
        ]
        told = 0
        for (_, topic, bucket), group in groupby(found, key=lambda item: _about(item[0])):
            waiting = list(group)[:MOST_KEYS]
            if self._pauses.get(topic, self._clock.now()) <= self._clock.now():
                told += self._tell(topic, bucket, waiting)
        return told

    def _tell(self, topic: str, bucket: str, waiting: list[tuple[Notification, Document]]) -> int:
        keys = [file.key for file, _ in waiting]
        message = json.dumps({"s3Bucket": bucket, "s3ObjectKey": keys}, separators=(",", ":"))
        arn, region = waiting[0][0].trail_arn, waiting[0][0].region
        now = self._clock.now()
        try:
            self._topics.publish(topic, message)
        except Unavailable as problem:
            if isinstance(problem, DestinationNotFound) and not self._is_topic_of(arn, topic):
                _log.warning("topic_given_up", topic=topic, files=len(waiting))
                self._note(arn, region, {"latest_notification_error": ""}, waiting)
                return 0
            self._pauses[topic] = now + PAUSE
            code = problem.code or "InternalError"
            told = {"latest_notification_attempt_time": now, "latest_notification_error": code}
            self._note(arn, region, told, [])
            _log.warning("topic_not_told", topic=topic, problem=str(problem))
            return 0
        self._pauses.pop(topic, None)
        told = {
            "latest_notification_time": now,
            "latest_notification_attempt_time": now,
            "latest_notification_attempt_succeeded": now,
            "latest_notification_error": "",
        }
        self._note(arn, region, told, waiting)
        return len(waiting)

    def _is_topic_of(self, arn: str, topic: str) -> bool:
        """Whether the trail still wants the topic told; a topic may come back."""
        document = self._state.get(TRAIL_KIND, arn)
        return document is not None and (
            msgspec.json.decode(document.body, type=Trail).sns_topic_arn == topic
        )

    def _note(
        self,
        arn: str,
        region: str,
        told: Mapping[str, object],
        done: list[tuple[Notification, Document]],
    ) -> None:
        changes = [
            Change(NOTIFICATION_KIND, document.key, None, expected=document.version)
            for _, document in done
        ]
        if self._state.get(TRAIL_KIND, arn) is None:
            # A deleted trail's status is forgotten.
            self._state.apply(changes)
            return
        apply_with_status(
            self._state,
            (arn, region),
            lambda status: msgspec.structs.replace(status, **told),
            changes,
        )


def _about(file: Notification) -> tuple[str, str, str]:
    return f"{file.trail_arn}|{file.region}", file.topic_arn, file.bucket
