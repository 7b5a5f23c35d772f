"""Names of trails, buckets and prefixes.

Source: spec: api, section 2 (the messages are those AWS gives, as moto's authors saw them);
files, section 6.3 for names that would take over another trail's validation.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from opentrail.arn import Arn, partition_of
from opentrail.errors import InvalidArn, InvalidInput

MIN_NAME, MAX_NAME, MAX_PREFIX = 3, 128, 200
_ALLOWED: Final = re.compile(r"[A-Za-z0-9._-]+")
_DOUBLED: Final = re.compile(r"[._-]{2}")
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX: Final = re.compile(r"[A-Za-z0-9!_.*'()/=+@:,&$ -]+")


class InvalidTrailName(InvalidInput):
    """A trail name breaks a rule."""


class InvalidBucketName(InvalidInput):
    """A bucket name breaks a rule."""


class InvalidPrefix(InvalidInput):
    """A key prefix breaks a rule."""


class InvalidTrailArn(InvalidInput):
    """A text that starts like an ARN is not a trail's."""


def check_trail_name(name: str) -> None:
    """Nothing, if `name` may name a trail.

    Raises:
        InvalidTrailName: it may not.
    """
    if len(name) < MIN_NAME:
        raise InvalidTrailName(
            "Trail name too short. Minimum allowed length: 3 characters. "
            f"Specified name length: {len(name)} characters."
        )
    if len(name) > MAX_NAME:
        raise InvalidTrailName(
            "Trail name too long. Maximum allowed length: 128 characters. "
            f"Specified name length: {len(name)} characters."
        )
    if not _ALLOWED.fullmatch(name):
        raise InvalidTrailName(
            "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, "
            "periods (.), hyphens (-), and underscores (_)."
        )
    if not name[0].isalnum():
        raise InvalidTrailName("Trail name must starts with a letter or number.")
    if not name[-1].isalnum():
        raise InvalidTrailName("Trail name must ends with a letter or number.")
    if _DOUBLED.search(name):
        raise InvalidTrailName("Trail name can not have adjacent periods, hyphens or underscores.")
    if _is_address(name):
        raise InvalidTrailName("Trail name can not be in IP address format.")


def hijacks(name: str, other: str, home_region: str) -> bool:
    """Whether one trail's digests would be taken for the other's in the same bucket and prefix.

    `aws cloudtrail validate-logs` takes every digest whose name starts with `NAME_REGION_`.
    """
    return name.startswith(f"{other}_{home_region}_") or other.startswith(f"{name}_{home_region}_")


def check_bucket_name(name: str) -> None:
    """Nothing, if `name` may name a bucket.

    Raises:
        InvalidBucketName: it may not.
    """
    if not _BUCKET.fullmatch(name) or ".." in name or _is_address(name):
        raise InvalidBucketName(
            f"Bucket name {name[:100]!r} is not valid; 3 to 63 lowercase letters, numbers, "
            "periods and hyphens are allowed."
        )


def check_prefix(prefix: str) -> None:
    """Nothing, if `prefix` may stand before AWSLogs/.

    Raises:
        InvalidPrefix: it may not.
    """
    if len(prefix) > MAX_PREFIX:
        raise InvalidPrefix(f"The S3 prefix has {len(prefix)} characters; 200 are allowed.")
    parts = prefix.split("/")
    if not _PREFIX.fullmatch(prefix) or any(part in ("", ".", "..") for part in parts):
        raise InvalidPrefix(f"The S3 prefix {prefix!r} is not valid.")


def trail_arn(region: str, account_id: str, name: str) -> str:
    """The ARN of a trail by its home region, account and name."""
    return f"arn:{partition_of(region)}:cloudtrail:{region}:{account_id}:trail/{name}"


def parse_trail_arn(text: str) -> Arn:
    """The parts of a trail's ARN; the name stands behind `trail/`.

    Raises:
        InvalidTrailArn: it is no ARN of a trail.
    """
    try:
        arn = Arn.parse(text)
    except InvalidArn as cause:
        raise InvalidTrailArn(f"Trail ARN {text[:200]!r} is not valid.") from cause
    kind, _, name = arn.resource.partition("/")
    account = len(arn.account) == 12 and arn.account.isascii() and arn.account.isdigit()
    if arn.service != "cloudtrail" or kind != "trail" or not account or not arn.region:
        raise InvalidTrailArn(f"Trail ARN {text[:200]!r} is not valid.")
    check_trail_name(name)
    return arn


def _is_address(name: str) -> bool:
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True
