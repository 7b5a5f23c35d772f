"""`opentrail rules mute`: findings that nobody is told of."""

from __future__ import annotations

import secrets
from typing import Annotated

import msgspec
import typer

from opentrail.app.anchors import has_state, open_state
from opentrail.cli.events.opening import filter_shown, now, one_of, settings_here
from opentrail.cli.sigma.places import iso, rules_here
from opentrail.cli.terminal import EXIT_UNKNOWN, EXIT_USAGE, fail, output, safe
from opentrail.ports.state import Change, StateStore
from opentrail.predicate.matching import record_matcher
from opentrail.search.parser import parse_filter
from opentrail.search.times import parse_range
from opentrail.sigma.muting import EVERY_RULE, MUTE_KIND, Mute


def mute(
    rule: Annotated[str, typer.Argument(help="A rule's id or name; '*' for all rules.")],
    where: Annotated[
        str, typer.Option(help="Only if the record passes this filter, as for events search.")
    ] = "",
    until: Annotated[str, typer.Option(help="A time, as 2026-12-01; else for good.")] = "",
    reason: Annotated[str, typer.Option(help="Shown with the findings.")] = "muted",
) -> None:
    """Tell nobody of findings of a rule; they are kept, and listed with --muted.

    Exit codes: 0 muted, 2 no such rule, or a filter that can't be read, 3 no data directory.
    """
    state = _state()
    rule_id = rule
    if rule != EVERY_RULE:
        found = rules_here().read().rules.find(rule)
        if found is None:
            fail(f"there is no rule {rule[:80]!r}; give its id or name", EXIT_USAGE)
        rule_id = found.about.id
    if where:
        with filter_shown(where):
            record_matcher(parse_filter(where))
    made = Mute(
        id=secrets.token_hex(4),
        rule_id=rule_id,
        where=where,
        until=(parse_range(until, now()).start or 0) if until else 0,
        reason=reason,
        created=int(now().timestamp()),
    )
    state.apply([Change(MUTE_KIND, made.id, msgspec.json.encode(made), expected=0)])
    output.print(f"muted as {made.id}")


def mutes(
    format: Annotated[str, typer.Option(help="table or json.")] = "table",  # noqa: A002 - the option's name
) -> None:
    """List what is muted."""
    one_of("format", format, ("table", "json"))
    documents = _state().list(MUTE_KIND)
    found = [msgspec.json.decode(one.body, type=Mute) for one in documents]
    if format == "json":
        output.print_json(data={"version": 1, "mutes": [msgspec.to_builtins(one) for one in found]})
        return
    for one in found:
        until = f"until {iso(one.until)}" if one.until else "for good"
        where = f" where {one.where}" if one.where else ""
        output.print(safe(f"{one.id}  {one.rule_id}  {until}  {one.reason}{where}"))


def unmute(
    mute_id: Annotated[str, typer.Argument(metavar="ID", help="As `rules mutes` lists it.")],
) -> None:
    """Tell of findings again.

    Exit codes: 0 done, 2 nothing is muted under this id.
    """
    state = _state()
    if state.get(MUTE_KIND, mute_id) is None:
        fail(f"nothing is muted as {mute_id[:80]!r}", EXIT_USAGE)
    state.apply([Change(MUTE_KIND, mute_id, None)])
    output.print(f"{mute_id} is muted no longer")


def _state() -> StateStore:
    data = settings_here().data
    if not has_state(data):
        fail(f"{data} is not the data directory of an OpenTrail", EXIT_UNKNOWN)
    return open_state(data)
