"""A log group's configuration.

Source: CloudWatch Logs API reference, LogGroup and PutRetentionPolicy.
"""

from __future__ import annotations

import msgspec

from opentrail.errors import InvalidInput
from opentrail.logs.names import GroupKey

LOG_GROUP_KIND = "log_group"
"""The state documents of LogGroup, keyed by `account/region/name`."""

RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
)  # fmt: skip
"""The only spans that AWS keeps log events for, beside for ever."""

MOST_TAGS = 50
_DAY = 86_400_000


class InvalidRetention(InvalidInput):
    """A number of days that is none of RETENTION_DAYS."""


class LogGroup(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a group beside its events.

    Attributes:
        created: Milliseconds since 1970.
        retention_days: One of RETENTION_DAYS; None keeps events for ever.
        kms_key_arn: Told and nothing more: events are not encrypted.
        tags: (key, value) in the order of their keys.
        is_protected: It cannot be deleted.
    """

    account_id: str
    region: str
    name: str
    created: int
    retention_days: int | None = None
    kms_key_arn: str = ""
    log_group_class: str = "STANDARD"
    tags: tuple[tuple[str, str], ...] = ()
    is_protected: bool = False

    @property
    def key(self) -> GroupKey:
        """Which group it is."""
        return GroupKey(self.account_id, self.region, self.name)

    def kept_from(self, now: int) -> int:
        """The time of the oldest events that are still shown; both in milliseconds."""
        return 0 if self.retention_days is None else now - self.retention_days * _DAY


def check_retention(days: int) -> None:
    """Nothing, if events can be kept so long.

    Raises:
        InvalidRetention: they can't.
    """
    if days not in RETENTION_DAYS:
        allowed = ", ".join(map(str, RETENTION_DAYS))
        raise InvalidRetention(
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy "
            f"constraint: Member must satisfy enum value set: [{allowed}]"
        )
