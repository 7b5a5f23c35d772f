"""Findings for people and programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from opentrail.cli.sigma.places import iso
from opentrail.cli.terminal import output, safe
from opentrail.sigma.finding import Finding

VERSION = 1
FORMATS = ("table", "json", "jsonl")


def told(finding: Finding) -> dict[str, Any]:
    """The finding as JSON tells it."""
    return msgspec.structs.asdict(finding) | {
        "first_time": iso(finding.first_time),
        "last_time": iso(finding.last_time),
        "made": iso(finding.made),
        "values": dict(finding.values),
    }


def line(finding: Finding) -> str:
    """The finding in one line."""
    muted = f"  (muted: {finding.muted})" if finding.muted else ""
    return safe(
        f"{finding.id}  {iso(finding.last_time)}  {finding.level:13} {finding.count:>6}  "
        f"{finding.rule_title}: {finding.summary}{muted}"
    )


def print_findings(found: Iterable[Finding], form: str) -> int:
    """Print them; how many they were."""
    count = 0
    if form == "json":
        listed = [told(one) for one in found]
        output.print_json(data={"version": VERSION, "findings": listed})
        return len(listed)
    for one in found:
        count += 1
        print_one(one, form)
    return count


def print_one(finding: Finding, form: str) -> None:
    """Print one as a line."""
    if form == "table":
        output.print(line(finding))
    else:
        output.print(msgspec.json.encode(told(finding)).decode())


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
