"""Where rules and findings of this data directory are."""

from __future__ import annotations

from datetime import UTC, datetime

from opentrail.adapters.findings import FILE_NAME, SqliteFindings
from opentrail.adapters.rule_files import HAS_SIGMA, NO_SIGMA, RuleDirectory
from opentrail.cli.events.opening import settings_here
from opentrail.cli.terminal import EXIT_UNKNOWN, fail
from opentrail.clock import iso_seconds


def rules_here() -> RuleDirectory:
    """The directory of rules; ends with 3 if they can't be read."""
    if not HAS_SIGMA:
        fail(NO_SIGMA, EXIT_UNKNOWN)
    return RuleDirectory(settings_here().data / "rules")


def findings_here() -> SqliteFindings:
    """What was found; ends with 3 if no server ran here yet."""
    path = settings_here().data / FILE_NAME
    if not path.exists():
        fail(f"{path} is not there: no server with rules ran on this directory yet", EXIT_UNKNOWN)
    return SqliteFindings(path)


def iso(seconds: int) -> str:
    """Epoch seconds as records spell times."""
    return iso_seconds(datetime.fromtimestamp(seconds, UTC))
