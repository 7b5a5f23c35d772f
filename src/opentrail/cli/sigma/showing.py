"""Findings and incidents for people and programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import msgspec

from opentrail.cli.events.opening import one_of
from opentrail.cli.sigma.places import iso
from opentrail.cli.terminal import output, safe
from opentrail.sigma.finding import Finding
from opentrail.sigma.incidents import Incident
from opentrail.sigma.rule import Level

VERSION = 1
FORMATS = ("table", "json", "jsonl")


_Found = TypeVar("_Found", Finding, Incident)


def at_least(level: str) -> Level:
    """The level of an option; every level if it is not given."""
    return Level(one_of("level", level, list(Level))) if level else Level.INFORMATIONAL


def told(one: Finding | Incident) -> dict[str, Any]:
    """It as JSON tells it."""
    pairs = {"values": one.values} if isinstance(one, Finding) else {"told": one.told}
    return msgspec.structs.asdict(one) | {
        "first_time": iso(one.first_time),
        "last_time": iso(one.last_time),
        "made": iso(one.made),
        **{name: dict(found) for name, found in pairs.items()},
    }


def line(finding: Finding) -> str:
    """The finding in one line."""
    muted = f"  (muted: {finding.muted})" if finding.muted else ""
    return safe(
        f"{finding.id}  {iso(finding.last_time)}  {finding.level:13} {finding.count:>6}  "
        f"{finding.rule_title}: {finding.summary}{muted}"
    )


def incident_line(one: Incident) -> str:
    """The incident in one line."""
    return safe(
        f"{one.id}  {iso(one.first_time)} to {iso(one.last_time)}  {one.level:13} "
        f"{one.findings:>4} findings  {one.account_id or '-'}  {one.actor or '-'}: "
        f"{'; '.join(one.rules)}"
    )


def print_all(
    found: Iterable[_Found], form: str, *, name: str, shown: Callable[[_Found], str]
) -> int:
    """Print them; how many they were.

    Args:
        name: The member that holds them in JSON.
        shown: One in a line.
    """
    if form == "json":
        listed = [told(one) for one in found]
        output.print_json(data={"version": VERSION, name: listed})
        return len(listed)
    count = 0
    for one in found:
        count += 1
        print_one(one, form, shown)
    return count


def print_one(one: _Found, form: str, shown: Callable[[_Found], str]) -> None:
    """Print one as a line."""
    if form == "table":
        output.print(shown(one))
    else:
        output.print(msgspec.json.encode(told(one)).decode())


def details(finding: Finding) -> Iterator[str]:
    """All of a finding, a line each."""
    parts = {
        "finding": finding.id,
        "rule": f"{finding.rule_title} ({finding.rule_id})",
        "level": finding.level,
        "account": f"{finding.account_id or '-'} {finding.region}",
        "time": f"{iso(finding.first_time)} to {iso(finding.last_time)}, found {iso(finding.made)}",
        "actor": finding.actor,
        "incident": finding.incident_id,
        "events": str(finding.count),
        "summary": finding.summary,
        "muted": finding.muted,
        "description": " ".join(finding.description.split()),
        "tags": ", ".join(finding.tags),
    }
    parts |= {name: "-" if text is None else text for name, text in finding.values}
    for name, text in parts.items():
        if text:
            yield safe(f"{name:12} {text}")
