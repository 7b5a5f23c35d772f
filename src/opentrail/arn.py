"""Amazon Resource Names: `arn:partition:service:region:account:resource`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NewType

from opentrail.errors import InvalidArn

AccountId = NewType("AccountId", str)
"""Twelve digits."""

RegionName = NewType("RegionName", str)
"""As in `us-east-1`."""

_ARN = re.compile(r"arn:([^:\s]+):([^:\s]+):([^:\s]*):([^:\s]*):(\S.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Arn:
    """An ARN in its six parts; `str()` gives the text back unchanged."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> Arn:
        """The parts of `text`.

        Raises:
            InvalidArn: fewer than six parts, or an empty partition, service or resource.
        """
        found = _ARN.fullmatch(text)
        if found is None:
            raise InvalidArn(
                f"{text[:200]!r} is not an ARN; expected arn:partition:service:region:account:name"
            )
        return cls(*found.groups())

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"


_PARTITIONS = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
    "eusc-": "aws-eusc",
}


def partition_of(region: str) -> str:
    """The partition that a region belongs to; a region of your own belongs to `aws`.

    Source: botocore's partitions data.
    """
    return next((name for start, name in _PARTITIONS.items() if region.startswith(start)), "aws")
