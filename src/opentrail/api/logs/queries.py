"""Logs Insights: StartQuery to GetQueryResults, and the records that results point to.

Source: CloudWatch Logs API reference; lang/logs_insights.md, section 5.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from opentrail.api.errors import ApiError
from opentrail.api.logs import reading
from opentrail.api.logs.backends import LogsBackends, Parameters, milliseconds
from opentrail.api.logs.find import find_group, invalid, key_in, key_of, key_of_identifier
from opentrail.api.outcome import Caller, Reply
from opentrail.errors import InvalidInput
from opentrail.logs.event import EventPlace, Keeper
from opentrail.logs.group import LogGroup
from opentrail.logs.names import GroupKey
from opentrail.logs.query import tree
from opentrail.logs.query.discovered import discovered, field_shares
from opentrail.logs.query.errors import MalformedQuery
from opentrail.logs.query.parser import parse
from opentrail.logs.query.plan.fields import Holds
from opentrail.logs.query.plan.planning import plan
from opentrail.logs.query.plan.scope import Moments
from opentrail.logs.query.pointers import read_pointer
from opentrail.logs.query.times import milliseconds as period_milliseconds
from opentrail.logs.query.tree import Moment, Query
from opentrail.ports.ids import Ids
from opentrail.ports.log_events import log_group, log_groups, spans_shown
from opentrail.ports.queries import (
    ENDED,
    QueriedGroup,
    QueryBook,
    QueryEntry,
    QueryRequest,
    QueryStatistics,
    QueryStatus,
)

MOST_GROUPS = 50
"""Of one query that names them [doc]."""
MOST_UNFINISHED = 100
"""Of one account [doc]."""
PAGE_ROWS = 10_000
"""Of one GetQueryResults [model]."""
_SECOND = 1000
_MOST_TOLD = 1000
_AROUND = 8 * 60 * _SECOND
_RECENT = 15 * 60 * _SECOND
_SAMPLE = 1000
"""Log events that GetLogGroupFields looks at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueriesBackends:
    """What the handlers work with."""

    logs: LogsBackends
    book: QueryBook
    ids: Ids


Handler = Callable[[Parameters, Caller, QueriesBackends], Reply]


def start_query(parameters: Parameters, caller: Caller, backends: QueriesBackends) -> Reply:
    """A query is accepted, and will be run."""
    _check_language(parameters)
    start, end = parameters["startTime"] * _SECOND, (parameters["endTime"] + 1) * _SECOND
    if start >= end:
        raise invalid("End time should not be before start time.")
    text = parameters["queryString"]
    now = milliseconds(caller)
    query = _compiled(text, Moments(now=now, start=start, end=end))
    groups = _groups(parameters, query, caller, backends)
    if query.source is not None:
        start, end = _times_of(query, now, start, end)
    if backends.book.unfinished(caller.account_id) >= MOST_UNFINISHED:
        raise ApiError(
            "LimitExceededException",
            f"Account maximum query concurrency limit of [{MOST_UNFINISHED}] reached.",
        )
    request = QueryRequest(
        text=text, start=start, end=end, now=now, limit=parameters.get("limit"),
        groups=tuple(
            QueriedGroup.of(one, spans_shown(backends.logs.state, one.key), now) for one in groups
        ),
    )  # fmt: skip
    entry = QueryEntry(
        query_id=backends.ids.request_id(),
        account_id=caller.account_id,
        region=caller.region,
        request=request,
        groups=tuple(group.name for group in groups),
        created=now,
    )
    backends.book.add(entry)
    return Reply({"queryId": entry.query_id})


def _check_language(parameters: Parameters) -> None:
    language = parameters.get("queryLanguage", "CWLI")
    if language != "CWLI":
        raise invalid(f"The query language {language} is not supported yet by OpenTrail; use CWLI.")


def _compiled(text: str, moments: Moments) -> Query:
    try:
        query = parse(text)
        plan(query, Holds.BOTH, moments)
    except MalformedQuery as problem:
        location = {"startCharOffset": problem.start, "endCharOffset": problem.end}
        told = {"location": location, "message": str(problem)}
        raise ApiError(
            "MalformedQueryException", str(problem), members={"queryCompileError": told}
        ) from None
    return query


def _groups(
    parameters: Parameters, query: Query, caller: Caller, backends: QueriesBackends
) -> list[LogGroup]:
    """The groups that the call or the query's SOURCE names."""
    named = [name for name in _NAMINGS if parameters.get(name)]
    if query.source is not None:
        if named:
            raise invalid(f"A query that begins with SOURCE takes no {named[0]}.")
        keys = keys_of_source(query.source, caller, backends)
        return [_found(key, caller, backends) for key in keys]
    if len(named) != 1:
        raise invalid(
            "Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be given."
        )
    keys = _NAMINGS[named[0]](parameters[named[0]], caller)
    if len(keys) > MOST_GROUPS:
        raise invalid(f"A query reads at most {MOST_GROUPS} log groups, not {len(keys)}.")
    return [_found(key, caller, backends) for key in dict.fromkeys(keys)]


_NAMINGS: dict[str, Callable[[Any, Caller], list[GroupKey]]] = {
    "logGroupName": lambda name, caller: [key_of(name, caller)],
    "logGroupNames": lambda names, caller: [key_of(name, caller) for name in names],
    "logGroupIdentifiers": lambda names, caller: [key_of_identifier(n, caller) for n in names],
}


def _found(key: GroupKey, caller: Caller, backends: QueriesBackends) -> LogGroup:
    group = log_group(backends.logs.state, key)
    if group is None:
        raise ApiError(
            "ResourceNotFoundException",
            f"Log group '{key.name}' does not exist for account ID '{key.account_id}' (Service: "
            "AWSLogs; Status Code: 400; Error Code: ResourceNotFoundException; Request ID: "
            f"{caller.request_id}; Proxy: null)",
        )
    return group


def keys_of_source(
    source: tree.Source, caller: Caller, backends: QueriesBackends
) -> list[GroupKey]:
    """The groups that SOURCE names, there or not, and those that its selections find.

    Raises:
        ApiError: a name is none, or of another account or region.
    """
    found = [key_of_identifier(name, caller) for name in source.groups]
    prefix = f"{caller.account_id}/{caller.region}/"
    for selection in source.selections:
        options = dict(selection)
        if caller.account_id not in options.get("accountIdentifiers", (caller.account_id,)):
            continue
        groups = log_groups(backends.logs.state, prefix)
        found += [group.key for group in groups if _fits(group, options)]
    return list(dict.fromkeys(found))


def _fits(group: LogGroup, options: Mapping[str, Sequence[str]]) -> bool:
    prefixes, classes = options.get("namePrefix", ("",)), options.get("class")
    return group.name.startswith(tuple(prefixes)) and (
        classes is None or group.log_group_class in classes
    )


def _times_of(query: Query, now: int, start: int, end: int) -> tuple[int, int]:
    """The times that SOURCE names, else those of the call."""
    assert query.source is not None

    def told(moment: Moment | None, otherwise: int) -> int:
        if moment is None:
            return otherwise
        if moment.ago is not None:
            return now - period_milliseconds(moment.ago.count, moment.ago.unit)
        return now if moment.epoch_ms is None else moment.epoch_ms

    found = told(query.source.start, start), told(query.source.end, end)
    if found[0] >= found[1]:
        raise invalid("End time should not be before start time.")
    return found


def get_query_results(parameters: Parameters, caller: Caller, backends: QueriesBackends) -> Reply:
    """How far the query is, and its rows as soon as it is complete."""
    entry = _entry(parameters["queryId"], caller, backends)
    answer: dict[str, Any] = {
        "queryLanguage": "CWLI",
        "status": entry.status.value,
        "statistics": _statistics(entry.statistics),
        "results": [],
    }
    if entry.status is not QueryStatus.COMPLETE:
        return Reply(answer)
    first = _first_row(parameters.get("nextToken"), entry)
    most = parameters.get("maxItems") or PAGE_ROWS
    rows = backends.book.rows(entry.query_id, first, most)
    answer["results"] = [[{"field": name, "value": text} for name, text in row] for row in rows]
    if first + len(rows) < entry.rows:
        answer["nextToken"] = _row_token(entry.query_id, first + len(rows))
    return Reply(answer)


def _entry(query_id: str, caller: Caller, backends: QueriesBackends) -> QueryEntry:
    entry = backends.book.find(caller.account_id, query_id)
    if entry is None or entry.region != caller.region:
        raise ApiError(
            "ResourceNotFoundException", f"Query with ID '{query_id[:100]}' does not exist."
        )
    return entry


def _row_token(query_id: str, first: int) -> str:
    return base64.urlsafe_b64encode(f"{query_id}/{first}".encode()).decode()


def _first_row(token: str | None, entry: QueryEntry) -> int:
    if token is None:
        return 0
    try:
        query_id, _, first = base64.urlsafe_b64decode(token).decode().rpartition("/")
        number = int(first[:12])
    except ValueError:
        query_id, number = "", 0
    if query_id != entry.query_id or number < 0:
        raise invalid("The specified nextToken is invalid.")
    return number


def _statistics(one: QueryStatistics) -> dict[str, float]:
    return {
        "recordsMatched": one.records_matched,
        "recordsScanned": one.records_scanned,
        "estimatedRecordsSkipped": 0.0,
        "bytesScanned": one.bytes_scanned,
        "estimatedBytesSkipped": 0.0,
        "logGroupsScanned": one.log_groups_scanned,
        "resultCount": one.result_count,
    }


def stop_query(parameters: Parameters, caller: Caller, backends: QueriesBackends) -> Reply:
    """The query is cancelled."""
    entry = _entry(parameters["queryId"], caller, backends)
    if entry.status in ENDED or not backends.book.stop(caller.account_id, entry.query_id):
        raise invalid("The specified query has already ended.")
    return Reply({"success": True})


def describe_queries(parameters: Parameters, caller: Caller, backends: QueriesBackends) -> Reply:
    """Queries of the last days, newest first."""
    _check_language(parameters)
    status = parameters.get("status")
    if status == "Unknown":
        return Reply({"queries": []})
    most = parameters.get("maxResults", _MOST_TOLD)
    found = backends.book.newest(
        caller.account_id,
        caller.region,
        statuses=[QueryStatus(status)] if status else [],
        group=parameters.get("logGroupName"),
        before=_before(parameters.get("nextToken")),
        limit=most + 1,
    )
    answer: dict[str, Any] = {"queries": [_described(one) for one in found[:most]]}
    if len(found) > most:
        last = found[most - 1]
        answer["nextToken"] = _row_token(last.query_id, last.created)
    return Reply(answer)


def _before(token: str | None) -> tuple[int, str] | None:
    if token is None:
        return None
    try:
        query_id, _, created = base64.urlsafe_b64decode(token).decode().rpartition("/")
        return int(created[:15]), query_id
    except ValueError:
        raise invalid("The specified nextToken is invalid.") from None


def _described(one: QueryEntry) -> dict[str, Any]:
    """As the service tells them: with the groups and times in the query."""
    text = one.request.text
    if not text.lstrip().lower().startswith("source"):
        groups = ", ".join(f'"{name}"' for name in one.groups)
        last = one.request.end - _SECOND
        text = f"SOURCE {groups} START={one.request.start} END={last + 999} | {text}"
    told: dict[str, Any] = {
        "queryLanguage": "CWLI",
        "queryId": one.query_id,
        "queryString": text[:10_000],
        "status": one.status.value,
        "createTime": one.created,
        "bytesScanned": one.statistics.bytes_scanned,
    }
    if one.groups:
        told["logGroupName"] = one.groups[0]
    if one.status in ENDED:
        told["queryDuration"] = one.took
    return told


def get_log_record(parameters: Parameters, caller: Caller, backends: QueriesBackends) -> Reply:
    """All fields of the log event that a result points to."""
    try:
        pointer = read_pointer(parameters["logRecordPointer"])
    except InvalidInput as problem:
        raise invalid(str(problem)) from None
    key = pointer.group
    if key is None or key[:2] != (caller.account_id, caller.region):
        raise ApiError("ResourceNotFoundException", "The specified log record does not exist.")
    group, _ = find_group(key, backends.logs)
    event = _event_at(group, pointer.place, milliseconds(caller), backends)
    if event is None:
        raise ApiError("ResourceNotFoundException", "The specified log record does not exist.")
    message = event.message.decode("utf-8", "replace")
    record = discovered(message) | {
        "@timestamp": str(event.place.milliseconds),
        "@message": message,
        "@logStream": event.stream or "",
        "@log": f"{key.account_id}:{key.name}",
        "@ingestionTime": str(event.ingested),
        "@ptr": parameters["logRecordPointer"],
    }
    return Reply({"logRecord": record})


def _event_at(
    group: LogGroup, place: EventPlace, now: int, backends: QueriesBackends
) -> reading.Read | None:
    if place.milliseconds < group.kept_from(now):
        return None
    view = reading.view_of(group, backends.logs)
    before = EventPlace(place.milliseconds, place.source, place.number - 1)
    asked = reading.Asked(
        start=place.milliseconds,
        end=place.milliseconds + 1,
        after=before if place.number > 0 or place.source == Keeper.OWN else None,
    )
    for event in reading.read(group, view, asked, backends.logs):
        if event.place >= place:
            return event if event.place == place and event.stream is not None else None
    return None


def get_log_group_fields(
    parameters: Parameters, caller: Caller, backends: QueriesBackends
) -> Reply:
    """The fields of a sample of the group's events, and how many of those have each."""
    group, _ = find_group(key_in(parameters, caller), backends.logs)
    now = milliseconds(caller)
    centre = parameters.get("time")
    if centre is None:
        start, end = now - _RECENT, now + 1
    else:
        # Seconds or milliseconds: both are sent.
        moment = centre if centre > 10**11 else centre * _SECOND
        start, end = moment - _AROUND, moment + _AROUND + 1
    asked = reading.Asked(
        start=max(start, group.kept_from(now), 0), end=max(end, 0), newest_first=True
    )
    view = reading.view_of(group, backends.logs)
    shown: Iterable[reading.Read] = (
        one for one in reading.read(group, view, asked, backends.logs) if one.stream is not None
    )
    messages = [one.message.decode("utf-8", "replace") for one in islice(shown, _SAMPLE)]
    shares = field_shares(messages)
    return Reply({"logGroupFields": [{"name": n, "percent": p} for n, p in shares]})
