"""Names of digest files, made and read.

Source: spec: files, sections 1 and 6. The name is read strictly: the AWS command's pattern takes
digests of a trail whose name merely starts alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

FOLDER = "CloudTrail-Digest"

_KEY = re.compile(
    r"(?P<prefix>(?:.+/)?)AWSLogs/(?:(?P<organization>o-[a-z0-9]{10,32})/)?(?P<account>\d{12})/"
    r"CloudTrail-Digest/(?P<region>[a-z0-9-]+)/(?P<day>\d{4}/\d{2}/\d{2})/"
    r"(?P=account)_CloudTrail-Digest_(?P=region)_(?P<trail>[A-Za-z0-9._-]{3,128})_"
    r"(?P<home>[a-z0-9-]+)_(?P<end>\d{8}T\d{6})Z(?P<backfill>_backfill)?\.json\.gz"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestName:
    """What a digest's key tells.

    Attributes:
        end: `digestEndTime`, aware UTC.
    """

    prefix: str
    organization: str
    account_id: str
    region: str
    trail: str
    home_region: str
    end: datetime
    backfill: bool


def digest_key(name: DigestName) -> str:
    """The key of a digest file; the date folders and the name come from its end."""
    end = name.end.astimezone(UTC)
    parts = [name.prefix] if name.prefix else []
    parts += ["AWSLogs", name.organization] if name.organization else ["AWSLogs"]
    parts += [name.account_id, FOLDER, name.region, f"{end:%Y}", f"{end:%m}", f"{end:%d}"]
    tail = "_backfill" if name.backfill else ""
    parts.append(
        f"{name.account_id}_{FOLDER}_{name.region}_{name.trail}_{name.home_region}_"
        f"{end:%Y%m%dT%H%M%SZ}{tail}.json.gz"
    )
    return "/".join(parts)


def read_digest_key(key: str) -> DigestName | None:
    """What `key` tells; None if it is not the key of a digest file."""
    found = _KEY.fullmatch(key)
    if found is None:
        return None
    try:
        end = datetime.strptime(found["end"], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    if f"{end:%Y/%m/%d}" != found["day"]:
        return None
    return DigestName(
        prefix=found["prefix"].rstrip("/"),
        organization=found["organization"] or "",
        account_id=found["account"],
        region=found["region"],
        trail=found["trail"],
        home_region=found["home"],
        end=end,
        backfill=found["backfill"] is not None,
    )
