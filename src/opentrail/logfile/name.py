"""Names of log files in a bucket, made and read.

Source: AWS CloudTrail user guide, "CloudTrail log file name format"; spec: files, section 1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

FOLDER = "CloudTrail"
"""The folder of management and data events."""

FOLDERS = {
    "Aggregated": "CloudTrail-Aggregated",
    "Insight": "CloudTrail-Insight",
    "NetworkActivity": "CloudTrail-NetworkActivity",
}
"""The folders of other categories of events."""

_KEY = re.compile(
    r"(?P<prefix>(?:.+/)?)AWSLogs/(?:(?P<organization>o-[a-z0-9]{10,32})/)?(?P<account>\d{12})/"
    r"CloudTrail/(?P<region>[a-z0-9-]+)/"
    r"(?P<year>\d{4})/(?P<month>\d{2})/(?P<day>\d{2})/"
    r"(?P=account)_CloudTrail_(?P=region)_(?P<minute>\d{8}T\d{4})Z_(?P<unique>[A-Za-z0-9]{16})"
    r"\.json\.gz"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFileName:
    """What a log file's key tells.

    Attributes:
        prefix: The trail's S3 key prefix without its slash, "" if none.
        minute: When it was delivered, aware UTC, whole minutes
            (when a key is made of it: any time of that minute).
    """

    prefix: str
    organization: str
    account_id: str
    region: str
    minute: datetime
    unique16: str
    folder: str = FOLDER


def log_file_key(name: LogFileName) -> str:
    """The key of a log file; the date folders and the name come from the same instant."""
    when = name.minute.astimezone(UTC)
    parts = [name.prefix] if name.prefix else []
    parts += ["AWSLogs", name.organization] if name.organization else ["AWSLogs"]
    parts += [name.account_id, name.folder, name.region, f"{when:%Y}", f"{when:%m}", f"{when:%d}"]
    parts.append(
        f"{name.account_id}_{name.folder}_{name.region}_{when:%Y%m%dT%H%MZ}_{name.unique16}.json.gz"
    )
    return "/".join(parts)


def read_log_file_key(key: str) -> LogFileName | None:
    """What `key` tells; None if it is not the key of a file of management and data events."""
    found = _KEY.fullmatch(key)
    if found is None:
        return None
    try:
        minute = datetime.strptime(found["minute"], "%Y%m%dT%H%M").replace(tzinfo=UTC)
    except ValueError:
        return None
    if f"{minute:%Y%m%d}" != found["year"] + found["month"] + found["day"]:
        return None
    return LogFileName(
        prefix=found["prefix"].rstrip("/"),
        organization=found["organization"] or "",
        account_id=found["account"],
        region=found["region"],
        minute=minute,
        unique16=found["unique"],
    )
