"""Which objects a queue's message tells of.

S3's own event message, the same through SNS or EventBridge, and CloudTrail's SNS message of
delivered log files. Source: S3 user guide, "Event message structure"; spec: files, section 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

import msgspec

_MAX_WRAPPINGS = 2
"""SNS around S3's message; nothing wraps more often."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a message says.

    Attributes:
        objects: (bucket, key) of new objects; () for S3's test message and for deletions.
        known: False: it is no such message, and not ours to delete.
    """

    objects: tuple[tuple[str, str], ...] = ()
    known: bool = True


def read_notice(body: str) -> Notice:
    """What `body` says; never raises."""
    text = body
    for _ in range(_MAX_WRAPPINGS):
        try:
            document = msgspec.json.decode(text.encode())
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return Notice(known=False)
        if not isinstance(document, dict):
            return Notice(known=False)
        wrapped = document.get("Message")
        if not isinstance(wrapped, str) or "Records" in document:
            return _of(document)
        text = wrapped
    return Notice(known=False)


def _of(document: dict[str, Any]) -> Notice:
    try:
        if document.get("Event") == "s3:TestEvent":
            return Notice()
        if "s3ObjectKey" in document:
            bucket = str(document["s3Bucket"])
            return Notice(tuple((bucket, str(key)) for key in document["s3ObjectKey"]))
        if document.get("detail-type") == "Object Created":
            detail = document["detail"]
            return Notice(((str(detail["bucket"]["name"]), str(detail["object"]["key"])),))
        return Notice(
            tuple(
                (str(one["s3"]["bucket"]["name"]), unquote_plus(str(one["s3"]["object"]["key"])))
                for one in document["Records"]
                if str(one.get("eventName", "")).removeprefix("s3:").startswith("ObjectCreated:")
            )
        )
    except (KeyError, TypeError, AttributeError):
        return Notice(known=False)
