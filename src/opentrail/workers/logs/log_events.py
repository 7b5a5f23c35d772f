"""The records of a log file as log events, in the batches that CloudWatch Logs takes.

Source: CloudWatch Logs API reference, PutLogEvents; spec: files, section 2; quotas, section 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec
import structlog

from opentrail.clock import epoch_milliseconds
from opentrail.logs.event import EVENT_BYTES, MOST_BYTES, MOST_EVENTS
from opentrail.ports.destinations import LogEvent
from opentrail.record.container import inflate
from opentrail.trail.feeds import MOST_RECORD_BYTES

_log = structlog.get_logger()


class _Container(msgspec.Struct):
    records: list[msgspec.Raw] = msgspec.field(name="Records")


def log_batches(content: bytes, delivered: datetime) -> Iterator[list[LogEvent]]:
    """The records in the gzip bytes of a log file; their time is that of the delivery.

    A record of more than 256 KiB goes to no log group, as with AWS; it is logged and is in the log
    file.
    """
    plain = inflate(content)
    now = epoch_milliseconds(delivered)
    batch: list[LogEvent] = []
    size = 0
    for raw in msgspec.json.decode(plain, type=_Container).records:
        length = len(bytes(raw))
        if length > MOST_RECORD_BYTES:
            _log.warning("record_too_large_for_log_group", bytes=length)
            continue
        if batch and (len(batch) >= MOST_EVENTS or size + length + EVENT_BYTES > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(LogEvent(now, bytes(raw).decode()))
        size += length + EVENT_BYTES
    if batch:
        yield batch
