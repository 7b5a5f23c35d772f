"""What is asked of calls by upstream: fail modes, and checks of signatures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from opentrail.errors import InvalidInput

ANY = "*"
CATEGORIES = ("management", "data")


class FailMode(StrEnum):
    """`closed`: not forwarded before an intent is durable, not ended before its record is.

    `spool`: forwarded at once; if the journal fails, the record waits in the spool.
    `open`: forwarded at once; if the journal fails, the record is lost, and that is counted.
    """

    CLOSED = "closed"
    SPOOL = "spool"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class ModePair:
    """The modes of one upstream by category."""

    management: FailMode = FailMode.CLOSED
    data: FailMode = FailMode.CLOSED

    def of(self, *, data: bool) -> FailMode:
        """The mode of a management or data call."""
        return self.data if data else self.management


@dataclass(frozen=True, slots=True)
class FailModes:
    """Modes by service's signing name; `*` for those not named."""

    named: Mapping[tuple[str, str], FailMode]

    def of(self, service: str) -> ModePair:
        """The modes of a service: its own for the category, its own, `*`'s, else closed."""
        return ModePair(*(self._mode(service, category) for category in CATEGORIES))

    def _mode(self, service: str, category: str) -> FailMode:
        for key in ((service, category), (service, ""), (ANY, category), (ANY, "")):
            if key in self.named:
                return self.named[key]
        return FailMode.CLOSED


def parse_fail_modes(texts: Sequence[str]) -> FailModes:
    """`*=closed`, `s3/data=open` and the like.

    Raises:
        InvalidInput: no `=`, no such category or mode, or a name twice.
    """
    named: dict[tuple[str, str], FailMode] = {}
    for text in texts:
        left, equals, word = text.partition("=")
        service, slash, category = left.strip().partition("/")
        fits = equals and service and word.strip() in tuple(FailMode)
        if not fits or (slash and category not in CATEGORIES):
            raise InvalidInput(
                f"fail mode {text!r}: expected SERVICE=MODE or SERVICE/CATEGORY=MODE with MODE one "
                f"of {', '.join(FailMode)} and CATEGORY one of {', '.join(CATEGORIES)}"
            )
        if (service, category) in named:
            raise InvalidInput(f"fail mode of {left.strip()} is named twice")
        named[service, category] = FailMode(word.strip())
    return FailModes(named)


CHECKED_BODY_BYTES = 64 * 1024 * 1024
"""A body up to this length is waited for, where its hash is needed before it may be forwarded."""


class SignatureCheck(StrEnum):
    """`off`: nobody looks. `note`: a wrong one is told in the record. `refuse`: it stops here."""

    OFF = "off"
    NOTE = "note"
    REFUSE = "refuse"
