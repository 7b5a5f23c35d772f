"""A session's records as one line of time: what was done, how it went, and what changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from opentrail.clock import parse_iso_seconds
from opentrail.sessions.caller import text
from opentrail.sessions.gather import decode_record
from opentrail.sessions.issued import issued_by

IDLE = timedelta(minutes=30)
"""A longer silence is shown."""

_DENIED = ("accessdenied", "unauthorized", "forbidden", "notauthorized")
_READS = ("Get", "List", "Describe", "Head", "Lookup", "BatchGet", "Search", "Query", "Scan")
_NAMED_BY = (
    "bucketName",
    "roleArn",
    "userName",
    "roleName",
    "functionName",
    "instanceId",
    "keyId",
    "secretId",
    "tableName",
    "name",
)
"""Parameters that name what a call is about, where the record has no `resources`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One record.

    Attributes:
        result: `ok`, or the error's code.
        changes: What differs from the record before, in words.
    """

    time: str
    event_name: str
    event_source: str
    resource: str
    result: str
    denied: bool
    read_only: bool
    address: str
    user_agent: str
    event_id: str
    changes: tuple[str, ...] = ()


@dataclass(slots=True)
class Counts:
    """What a timeline held so far."""

    events: int = 0
    reads: int = 0
    writes: int = 0
    denied: int = 0
    failed: int = 0
    first: str = ""
    last: str = ""
    addresses: list[str] = field(default_factory=list)
    user_agents: list[str] = field(default_factory=list)

    def add(self, moment: Moment) -> None:
        """Count a moment; they come oldest first."""
        self.events += 1
        self.reads += moment.read_only
        self.writes += not moment.read_only
        self.denied += moment.denied
        self.failed += moment.result != "ok" and not moment.denied
        self.first = self.first or moment.time
        self.last = moment.time or self.last
        for value, known in (
            (moment.address, self.addresses),
            (moment.user_agent, self.user_agents),
        ):
            if value and value not in known and len(known) < _MOST_KNOWN:
                known.append(value)


_MOST_KNOWN = 1000


def timeline(raws: Iterable[bytes], counts: Counts) -> Iterator[Moment]:
    """The moments of records that come oldest first; what is no record is left out.

    Args:
        counts: Counts along.
    """
    before: Moment | None = None
    for raw in raws:
        record = decode_record(raw)
        if record is None:
            continue
        moment = _moment(record, before)
        counts.add(moment)
        before = moment
        yield moment


def _moment(record: Mapping[str, Any], before: Moment | None) -> Moment:
    result = _result(record)
    address, agent = text(record.get("sourceIPAddress")), text(record.get("userAgent"))
    time, name = text(record.get("eventTime")), text(record.get("eventName"))
    changes = []
    if before is not None:
        if idle := _idle(before.time, time):
            changes.append(f"after {idle} of silence")
        if address != before.address:
            changes.append("other address")
        if agent != before.user_agent:
            changes.append("other user agent")
    issued = issued_by(record)
    if issued is not None and issued.key:
        changes.append(f"issues {issued.key}")
    read_only = record.get("readOnly")
    return Moment(
        time=time,
        event_name=name or text(record.get("eventType")),
        event_source=text(record.get("eventSource")),
        resource=_resource(record),
        result=result,
        denied=any(word in result.replace(".", "").lower() for word in _DENIED),
        read_only=read_only if isinstance(read_only, bool) else name.startswith(_READS),
        address=address,
        user_agent=agent,
        event_id=text(record.get("eventID")),
        changes=tuple(changes),
    )


def _result(record: Mapping[str, Any]) -> str:
    if code := text(record.get("errorCode")):
        return code
    answer = record.get("responseElements")
    # A failed sign-in has no errorCode (spec: record, section 6).
    failed = isinstance(answer, Mapping) and "Failure" in answer.values()
    return "Failure" if failed else "ok"


def _resource(record: Mapping[str, Any]) -> str:
    resources = record.get("resources")
    for one in resources if isinstance(resources, list) else ():
        if isinstance(one, Mapping):
            found = text(one.get("ARN")) or text(one.get("ARNPrefix"))
            if found:
                return found
    request = record.get("requestParameters")
    if not isinstance(request, Mapping):
        return ""
    named = next((found for name in _NAMED_BY if (found := text(request.get(name)))), "")
    key = text(request.get("key")) if "bucketName" in request else ""
    return f"{named}/{key}" if key else named


def _idle(earlier: str, later: str) -> str:
    try:
        span = parse_iso_seconds(later) - parse_iso_seconds(earlier)
    except ValueError:
        return ""
    return duration(span) if span > IDLE else ""


def duration(span: timedelta) -> str:
    """`45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`."""
    seconds = int(span.total_seconds())
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 60:
        return f"{seconds} s"
    if hours < 1:
        return f"{minutes} min"
    if days < 1:
        return f"{hours} h {minutes % 60} min"
    return f"{days} d {hours % 24} h"
