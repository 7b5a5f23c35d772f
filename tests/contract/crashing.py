"""Runs the workers and kills the process at the n-th step between two durable acts.

Steps are calls of the ports: spool write, state change, object put, spool removal. Counted
before and after each, so every gap of the walk is hit.
"""

import os
import signal
import sys
from typing import Any

from opentrail.adapters.objects import S3ObjectStore
from opentrail.adapters.spool import LocalSpool
from opentrail.adapters.state import SqliteStateStore
from opentrail.cli import main

LEFT = int(os.environ.pop("CRASH_AT"))


def _step() -> None:
    global LEFT  # noqa: PLW0603 - the countdown
    LEFT -= 1
    if LEFT == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def _around(kind: Any, name: str) -> None:
    before = getattr(kind, name)

    def counted(*args: Any, **kwargs: Any) -> Any:
        _step()
        result = before(*args, **kwargs)
        _step()
        return result

    setattr(kind, name, counted)


_around(S3ObjectStore, "put")
_around(SqliteStateStore, "apply")
_around(LocalSpool, "write")
_around(LocalSpool, "remove")
sys.argv = ["opentrail", "run", "workers"]
main()
