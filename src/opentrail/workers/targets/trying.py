"""What a target does with a delivery, whatever it raises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import structlog

from opentrail.errors import InvalidInput, Unavailable
from opentrail.ports.targets.outbox import whole
from opentrail.ports.targets.target import Answer, Outcome

MOST_STATUS = 200
MOST_DETAIL = 1000
"""Characters kept of what a target says of itself."""

_log = structlog.get_logger()


def answer_of(send: Callable[[], Answer]) -> Answer:
    """What it answers, or what became of it, in texts that can be kept; nothing is raised."""
    try:
        answer = send()
    except Exception as problem:  # noqa: BLE001 - a kind's mistake must not stop its lane
        answer = failure(problem)
    return replace(
        answer,
        status=whole(answer.status)[:MOST_STATUS],
        detail=whole(answer.detail)[:MOST_DETAIL],
    )


def failure(problem: Exception) -> Answer:
    """The answer of a target that raised it: only bad input is never tried again."""
    status = str(getattr(problem, "code", "")) or type(problem).__name__
    if isinstance(problem, InvalidInput):
        return Answer(outcome=Outcome.REFUSED, status=status, detail=str(problem))
    if not isinstance(problem, Unavailable):
        _log.error("delivery_raised", exc_info=problem)
        return Answer(
            outcome=Outcome.FAILED, status=status, detail=f"{type(problem).__name__}: {problem}"
        )
    return Answer(outcome=Outcome.FAILED, status=problem.code, detail=str(problem))
