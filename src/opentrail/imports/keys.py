"""What an object's key tells before it is read: whose it is, when, and whether it holds events.

Source: spec: files, section 1. Path segments are compared whole: `CloudTrail-Digest` begins with
`CloudTrail` and is another folder. A key only orders and explains; forms are told by content.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from sys import intern


class KeyKind(StrEnum):
    """What lies under a key."""

    LOG_FILE = "log-file"
    DIGEST = "digest"
    LAKE_RESULT = "lake-result"
    FOREIGN = "foreign"
    METADATA = "metadata"
    FOLDER = "folder"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFacts:
    """What a key tells.

    Attributes:
        account_id: "" if it names none; region too.
        minute: `YYYYMMDDHHMM` of delivery, "" if it tells none; days alone end in `0000`.
        service: Of a foreign key: whose logs they are.
    """

    kind: KeyKind
    account_id: str = ""
    region: str = ""
    minute: str = ""
    service: str = ""

    @property
    def day(self) -> str:
        """`YYYY-MM-DD`, "" if unknown."""
        text = self.minute
        return f"{text[:4]}-{text[4:6]}-{text[6:8]}" if text else ""


_FOLDERS = {
    "CloudTrail": KeyKind.LOG_FILE,
    "CloudTrail-Insight": KeyKind.LOG_FILE,
    "CloudTrail-NetworkActivity": KeyKind.LOG_FILE,
    "CloudTrail-Aggregated": KeyKind.LOG_FILE,
    "CloudTrail-Digest": KeyKind.DIGEST,
    "CloudTrail-Lake": KeyKind.LAKE_RESULT,
}
SIDECAR = ".metadata.json"
"""Ends the name of a file that holds another's user metadata."""

_PLACE = re.compile(r"(?:^|/)AWSLogs/(?:o-[a-z0-9]{10,32}/)?(?P<account>\d{12})/(?P<folder>[^/]+)/")
_REGION = re.compile(r"(?P<region>[a-z0-9-]+)/(?P<day>\d{4}/\d{2}/\d{2})/")
_DAY = re.compile(r"(?:^|/)(?P<day>\d{4}/\d{2}/\d{2})/")
_NAME = re.compile(
    r"(?:^|/)(?P<account>\d{12})_(?P<folder>CloudTrail(?:-[A-Za-z]+)?)_(?P<region>[a-z]{2}[a-z0-9-]*)_"
    r"(?:[^/]*_)?(?P<day>\d{8})T(?P<time>\d{4})(?:\d{2})?Z[^/]*$"
)


def read_key(key: str) -> KeyFacts:
    """What `key` tells."""
    if key.endswith("/"):
        return KeyFacts(kind=KeyKind.FOLDER)
    if key.endswith(SIDECAR):
        return KeyFacts(kind=KeyKind.METADATA)
    place, name = _PLACE.search(key), _NAME.search(key)
    folder = place["folder"] if place else name["folder"] if name else ""
    kind = _FOLDERS.get(folder, KeyKind.FOREIGN if place else KeyKind.OTHER)
    within = _REGION.match(key, place.end()) if place else None
    found = name or place
    return KeyFacts(
        kind=kind,
        # Few texts, many objects: each is kept once.
        account_id=intern(found["account"]) if found else "",
        region=intern(name["region"] if name else within["region"] if within else ""),
        minute=intern(_minute(key, name)),
        service=folder if kind is KeyKind.FOREIGN else "",
    )


def _minute(key: str, name: re.Match[str] | None) -> str:
    if name:
        return name["day"] + name["time"]
    day = _DAY.search(key)
    return day["day"].replace("/", "") + "0000" if day else ""


def reading_order(key: str, minute: str) -> tuple[str, str]:
    """Sorts objects by time across accounts and regions; those without a time come last."""
    return minute or "9" * 12, key


def skip_reason(facts: KeyFacts, size_bytes: int) -> str:
    """Why an object needs no reading; "" if it must be read."""
    reasons = {
        KeyKind.FOLDER: "folder marker",
        KeyKind.METADATA: "metadata beside another file",
        KeyKind.DIGEST: "digest file, not events",
        KeyKind.LAKE_RESULT: "Lake query result, not log files",
        KeyKind.FOREIGN: f"logs of {facts.service}, not of CloudTrail",
    }
    return reasons.get(facts.kind, "empty" if size_bytes == 0 else "")
