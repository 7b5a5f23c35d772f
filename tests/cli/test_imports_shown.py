"""How past imports are listed."""

from datetime import UTC, datetime

import msgspec
import pytest

from opentrail.cli.importing.display import report_of
from opentrail.imports.report import ImportReport
from opentrail.ports.ledger import ImportRun

NOW = datetime(2026, 3, 2, tzinfo=UTC)
RUNNING = msgspec.json.encode(ImportReport(run=3, started="2026-03-02T00:00:00Z"))


@pytest.mark.parametrize("report", [b"", RUNNING], ids=["before a commit", "after one"])
def test_a_run_that_never_finished_is_unfinished(report: bytes) -> None:
    run = ImportRun(number=3, started=NOW, finished=None, report=report)

    told = report_of(run)

    assert (told.run, told.state, told.started) == (3, "unfinished", "2026-03-02T00:00:00Z")
