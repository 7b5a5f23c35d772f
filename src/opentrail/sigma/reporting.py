"""Findings in words: who, what, how often."""

from __future__ import annotations

from opentrail.sigma.finding import MOST_IDS, Finding, finding_id, shown
from opentrail.sigma.happening import Happening, Values
from opentrail.sigma.rule import About, Correlation, FirstSeen, Kind, Rule
from opentrail.sigma.windows import Fired, Window

_SHOWN = ("eventName", "eventSource", "userIdentity.arn", "sourceIPAddress")
"""Fields that every finding of a rule shows."""


def rule_finding(rule: Rule, happening: Happening, now: int) -> Finding:
    """One record passed a rule."""
    names = dict.fromkeys((*_SHOWN, *map(".".join, rule.about.fields)))
    values = tuple((name, _shown(happening.first(name))) for name in names)
    by_name = dict(values)
    who = by_name["userIdentity.arn"] or by_name["sourceIPAddress"] or "somebody unknown"
    return _finding(
        rule.about,
        finding_id(rule.about.id, *happening.ids),
        happening,
        now,
        values=values,
        summary=f"{by_name['eventName'] or 'A record'} by {who}.",
    )


def correlation_finding(one: Correlation, window: Window, fired: Fired, now: int) -> Finding:
    """The condition holds for a group."""
    times = [time for time, _ in fired.events] or [window.newest]
    ids = [one for _, one in fired.events]
    group = [f"{name}={value}" for name, value in window.values]
    return Finding(
        id=finding_id(one.about.id, group, ids, str(window.opened)),
        rule_id=one.about.id,
        rule_title=one.about.title,
        level=one.about.level,
        account_id=window.account_id,
        region=window.region,
        first_time=min(times),
        last_time=max(times),
        event_ids=tuple(ids[:MOST_IDS]),
        count=len(ids),
        values=window.values,
        summary=_counted(one, fired.count) + _among(window.values),
        made=now,
        description=one.about.description,
        tags=one.about.tags,
        actor=window.actor,
    )


def first_seen_finding(
    one: FirstSeen, group: Values, value: str, happening: Happening, now: int
) -> Finding:
    """A value was never seen before."""
    names = ", ".join(one.values)
    return _finding(
        one.about,
        finding_id(one.about.id, [f"{name}={text}" for name, text in group], value, *happening.ids),
        happening,
        now,
        values=(*group, (names, value)),
        summary=f"{names} {value} was never seen before{_among(group)}",
    )


def _finding(
    about: About,
    identity: str,
    happening: Happening,
    now: int,
    *,
    values: Values,
    summary: str,
) -> Finding:
    return Finding(
        id=identity,
        rule_id=about.id,
        rule_title=about.title,
        level=about.level,
        account_id=happening.account_id,
        region=happening.region,
        first_time=happening.time,
        last_time=happening.time,
        event_ids=happening.ids,
        count=1,
        values=values,
        summary=shown(summary),
        made=now,
        description=about.description,
        tags=about.tags,
        actor=happening.actor(),
    )


def _counted(one: Correlation, count: int) -> str:
    span = f"within {one.span_seconds} s"
    match one.kind:
        case Kind.EVENT_COUNT:
            return f"{count} events {span}"
        case Kind.VALUE_COUNT:
            return f"{count} values of {', '.join(one.values)} {span}"
        case Kind.TEMPORAL:
            return f"{count} rules matched {span}"
        case Kind.TEMPORAL_ORDERED:
            return f"{count} rules matched in their order {span}"


def _among(values: Values) -> str:
    if not values:
        return "."
    return " for " + ", ".join(f"{name} {value}" for name, value in values) + "."


def _shown(text: str | None) -> str | None:
    return None if text is None else shown(text)
