"""What was found in one object of a source: records, what could not be read, and in which form."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Form(StrEnum):
    """How an object holds its records; recognised by content."""

    RECORDS = "records"
    ARRAY = "array"
    LINES = "lines"
    RECORD = "record"
    LOOKUP_EVENTS = "lookup-events"
    LOG_EVENTS = "log-events"
    LOG_EXPORT = "log-export"
    SUBSCRIPTION = "subscription"
    EVENTBRIDGE = "eventbridge"
    DAMAGED = "damaged"
    DIGEST = "digest"
    LAKE_RESULT = "lake-result"
    NOTIFICATION = "notification"
    EMPTY = "empty"
    UNKNOWN = "unknown"


SKIPPED_FORMS = {
    Form.DIGEST: "digest file, not events",
    Form.LAKE_RESULT: "Lake query result, not log files",
    Form.NOTIFICATION: "notification of a service, not events",
    Form.EMPTY: "empty",
    Form.UNKNOWN: "no CloudTrail records",
}
"""Forms without records, and what the report says of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an object may cost.

    Attributes:
        plain_bytes: Most bytes of an object after decompression.
        ratio: Most bytes after decompression for each before it; only from `ratio_from_bytes` on.
            A record's ids alone don't compress below a tenth of that.
        record_bytes: Most bytes of one record; AWS writes at most 256 KB.
        depth: Deepest nesting of a record; AWS's are below 20.
        digits: Longest number of a record.
        piece_bytes: Objects larger than this are handled in pieces of about this size.
    """

    plain_bytes: int = 512 * 1024 * 1024
    ratio: int = 200
    ratio_from_bytes: int = 8 * 1024 * 1024
    record_bytes: int = 4 * 1024 * 1024
    depth: int = 64
    digits: int = 64
    piece_bytes: int = 16 * 1024 * 1024


LIMITS = Limits()


MAX_QUARANTINED = 10_000
"""Of one piece of an object so many stretches are kept; the others are counted."""

KEPT_BYTES = 1024 * 1024
"""Of a longer stretch that can't be read, this much is kept."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Bytes that could not be read as a record.

    Attributes:
        offset: Where they begin, in the object after decompression, or in the JSON string that
            they stand in; -1 when there is no one place.
        length: How many they are.
        content: The bytes, at most the first `KEPT_BYTES`.
        reason: Why, in words.
    """

    offset: int
    length: int
    content: bytes
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadObject:
    """What one object, or a piece of a large one, holds.

    Attributes:
        raws: Records, byte for byte as they stand in the object.
        quarantined_more: Records quarantined beyond `MAX_QUARANTINED`.
        flagged: (what is odd about records that were taken, how many).
        plain_bytes: Bytes after decompression.
        plain_sha256: Lower-case hex over them (of the whole object, on its last piece); "" if it
            was not asked for.
        skipped: Why there is nothing in it; "" if there is.
    """

    form: Form
    raws: tuple[bytes, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    quarantined_more: int = 0
    flagged: tuple[tuple[str, int], ...] = ()
    plain_bytes: int = 0
    plain_sha256: str = ""
    skipped: str = ""

    @property
    def found(self) -> int:
        """Records found: taken or quarantined."""
        return len(self.raws) + len(self.quarantined) + self.quarantined_more


@dataclass(slots=True)
class Sieve:
    """Collects while an object is read."""

    raws: list[bytes] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    flags: dict[str, int] = field(default_factory=dict)
    more: int = 0

    def refuse(self, offset: int, content: bytes, reason: str) -> None:
        if len(self.quarantined) >= MAX_QUARANTINED:
            self.more += 1
            return
        self.quarantined.append(Quarantined(offset, len(content), content[:KEPT_BYTES], reason))

    def flag(self, name: str) -> None:
        self.flags[name] = self.flags.get(name, 0) + 1

    def result(self, form: Form, plain_bytes: int) -> ReadObject:
        nothing = not self.raws and not self.quarantined
        return ReadObject(
            form=form,
            raws=tuple(self.raws),
            quarantined=tuple(self.quarantined),
            quarantined_more=self.more,
            flagged=tuple(sorted(self.flags.items())),
            plain_bytes=plain_bytes,
            skipped=SKIPPED_FORMS.get(form, "") if nothing else "",
        )
