"""`opentrail deliveries`: what is on its way to targets, what became of it, and a person's word."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from opentrail.app.anchors import has_state
from opentrail.app.settings import read_settings
from opentrail.app.wiring import Parts, open_parts
from opentrail.cli.terminal import EXIT_UNKNOWN, fail, output, safe
from opentrail.clock import Clock, iso_seconds
from opentrail.ports.targets.outbox import Attempt, DeliveryQuery, DeliveryState, Kept, Outbox
from opentrail.targets.webhook import shown_target
from opentrail.workers.targets import persons

deliveries = typer.Typer(
    help="What OpenTrail does on its own: what is on its way to targets, and what became of it.",
    no_args_is_help=True,
)

_SHOWN_BYTES = 4096
_Decide = Callable[[Outbox, str, str, Clock], Kept]
_Format = Annotated[str, typer.Option("--format", help="table or json.")]
_Id = Annotated[str, typer.Argument(help="The delivery's id.")]


@deliveries.command("list")
def list_deliveries(
    state: Annotated[
        list[str] | None, typer.Option(help="Only these states, as needs-approval or given-up.")
    ] = None,
    text: Annotated[str, typer.Option(help="Only those with this in target or cause.")] = "",
    account: Annotated[str, typer.Option(help="Only this account's.")] = "",
    limit: Annotated[int, typer.Option(help="Most to show.", min=1, max=10_000)] = 50,
    form: _Format = "table",
) -> None:
    """List deliveries, the newest first: when, state, tries, id, target and cause."""
    parts = _open(form)
    states = tuple(_state(one) for one in state or ())
    query = DeliveryQuery(account_id=account, states=states, text=text, limit=limit)
    outbox = parts.outbox()
    found = outbox.list(query)
    figures = outbox.figures()
    if form == "json":
        shown = [_as_json(one) for one in found]
        output.print_json(data={"format": 1, "byState": figures.by_state, "deliveries": shown})
        return
    for one in found:
        delivery = one.delivery
        output.print(
            f"{_time(delivery.created * 1000)}  {one.state:14}  {one.attempts:3}  "
            f"{safe(delivery.id):36}  {safe(shown_target(delivery.target))}  {safe(delivery.cause)}"
        )
    output.print("  ".join(f"{name} {count}" for name, count in sorted(figures.by_state.items())))


@deliveries.command("show")
def show(delivery_id: _Id, form: _Format = "table") -> None:
    """Show a delivery, its attempts and what it brings."""
    outbox = _open(form).outbox()
    kept = outbox.find(delivery_id)
    if kept is None:
        fail(f"there is no delivery {delivery_id}", EXIT_UNKNOWN)
    attempts = outbox.attempts(delivery_id)
    if form == "json":
        tried = [_attempt_as_json(one) for one in attempts]
        content = kept.delivery.payload.decode("utf-8", "replace")
        output.print_json(data={"format": 1, **_as_json(kept), "tried": tried, "payload": content})
        return
    for name, value in _as_json(kept).items():
        output.print(f"{name:14} {safe(value if isinstance(value, str) else str(value))}")
    output.print()
    for one in attempts:
        output.print(
            f"{_time(one.at)}  {one.outcome:11}  {safe(one.status) or '-':8}  "
            f"{one.took:6} ms  {safe(one.detail)}"
        )
        for line in one.answer.decode("utf-8", "replace").splitlines():
            output.print(f"    {safe(line)}")
    output.print()
    for line in kept.delivery.payload[:_SHOWN_BYTES].decode("utf-8", "replace").splitlines():
        output.print(safe(line))


@deliveries.command("retry")
def retry(delivery_id: _Id) -> None:
    """Have a delivery that waits, was given up or refused tried now."""
    _decide(persons.retry, delivery_id, "is tried again")


@deliveries.command("approve")
def approve(delivery_id: _Id) -> None:
    """Let a delivery that needs approval be sent."""
    _decide(persons.approve, delivery_id, "is approved")


@deliveries.command("refuse")
def refuse(delivery_id: _Id) -> None:
    """Let a delivery that needs approval, or waits, never be sent."""
    _decide(persons.refuse, delivery_id, "is refused")


def _decide(decide: _Decide, delivery_id: str, done: str) -> None:
    parts = _open("table")
    decide(parts.outbox(), delivery_id, getpass.getuser(), parts.clock)
    output.print(f"delivery {safe(delivery_id)} {done}")


def _open(form: str) -> Parts:
    if form not in ("table", "json"):
        fail(f"format {form!r}: expected table or json")
    settings = read_settings(os.environ)
    if not has_state(settings.data):
        fail(f"{settings.data} is not the data directory of an OpenTrail", EXIT_UNKNOWN)
    return open_parts(settings)


def _state(text: str) -> DeliveryState:
    try:
        return DeliveryState(text)
    except ValueError:
        fail(f"state {text!r}: expected one of {', '.join(DeliveryState)}")


def _as_json(kept: Kept) -> dict[str, Any]:
    delivery = kept.delivery
    return {
        "id": delivery.id,
        "state": str(kept.state),
        "reason": kept.reason,
        "target": shown_target(delivery.target),
        "cause": delivery.cause,
        "chain": list(kept.chain),
        "eventIds": list(delivery.event_ids),
        "account": delivery.account_id,
        "region": delivery.region,
        "attempts": kept.attempts,
        "created": _time(delivery.created * 1000),
        "changed": _time(kept.changed),
        "due": "" if kept.due is None else _time(kept.due),
        "deadLetter": delivery.dead_letter,
        "decidedBy": kept.by,
    }


def _attempt_as_json(attempt: Attempt) -> dict[str, Any]:
    return {
        "at": _time(attempt.at),
        "outcome": attempt.outcome,
        "status": attempt.status,
        "detail": attempt.detail,
        "answer": attempt.answer.decode("utf-8", "replace"),
        "milliseconds": attempt.took,
    }


def _time(milliseconds: int) -> str:
    return iso_seconds(datetime.fromtimestamp(milliseconds / 1000, UTC))
