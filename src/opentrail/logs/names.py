"""Names and ARNs of log groups and streams.

Source: CloudWatch Logs API reference, CreateLogGroup and CreateLogStream; service authorization
reference, "Actions, resources, and condition keys for Amazon CloudWatch Logs".
"""

from __future__ import annotations

import re
from typing import NamedTuple

from opentrail.arn import Arn, partition_of
from opentrail.errors import InvalidArn, InvalidInput

LONGEST_NAME = 512
_GROUP = re.compile(r"[A-Za-z0-9._/#-]{1,512}")
_KIND = "log-group:"
_STREAMS = ":log-stream:"


class InvalidLogName(InvalidInput):
    """No possible name or ARN of a log group or stream."""


class GroupKey(NamedTuple):
    """A log group, unmistakably."""

    account_id: str
    region: str
    name: str

    @property
    def state_key(self) -> str:
        """The key of its document."""
        return f"{self.account_id}/{self.region}/{self.name}"

    @property
    def arn(self) -> str:
        """Its ARN, without the `:*` that stands for its streams."""
        partition = partition_of(self.region)
        return f"arn:{partition}:logs:{self.region}:{self.account_id}:{_KIND}{self.name}"

    @property
    def any_arn(self) -> str:
        """Its ARN with the `:*` that stands for its streams, as most rights are asked for."""
        return f"{self.arn}:*"

    def stream_arn(self, stream: str) -> str:
        """The ARN of one of its streams."""
        return f"{self.arn}{_STREAMS}{stream}"


def parse_group_arn(text: str) -> GroupKey:
    """The group of an ARN, with or without `:*` at its end.

    Raises:
        InvalidLogName: it is no log group's, or its partition is not its region's.
    """
    try:
        arn = Arn.parse(text)
    except InvalidArn:
        raise InvalidLogName(f"{text[:200]!r} is not the ARN of a log group") from None
    name = arn.resource.removeprefix(_KIND).removesuffix(":*")
    is_group = arn.service == "logs" and arn.resource.startswith(_KIND)
    if arn.partition != partition_of(arn.region):
        raise InvalidLogName(
            f"{text[:200]!r} has the partition {arn.partition[:50]!r}; expected "
            f"{partition_of(arn.region)!r}, that of its region"
        )
    if not is_group or not is_group_name(name) or not arn.account:
        raise InvalidLogName(f"{text[:200]!r} is not the ARN of a log group")
    return GroupKey(arn.account, arn.region, name)


def is_group_name(name: str) -> bool:
    """Whether `name` may name a log group."""
    return _GROUP.fullmatch(name) is not None
