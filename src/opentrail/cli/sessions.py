"""`opentrail sessions`: who worked with which credentials, and what they did from first to last."""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from opentrail.adapters.sessions import FILE_NAME, SqliteSessionIndex
from opentrail.app.settings import read_settings
from opentrail.app.wiring import open_event_reader
from opentrail.cli.terminal import (
    EXIT_UNKNOWN,
    EXIT_USAGE,
    fail,
    is_terminal,
    messages,
    output,
    safe,
)
from opentrail.clock import SystemClock, iso_seconds, parse_iso_seconds
from opentrail.ports.events import EventReader, Search
from opentrail.ports.sessions import SessionIndex, SessionQuery, derived, records_in
from opentrail.predicate.comparing import text_matcher
from opentrail.predicate.expression import All, Expression, Operator, Test
from opentrail.search.times import parse_time
from opentrail.sessions import Chain, Session, decode_record
from opentrail.sessions.timeline import Counts, Moment, duration, timeline

sessions = typer.Typer(help="People, and what they did with one set of credentials.")

VERSION = 1
LATEST = "latest"
SIGN_IN_WITHIN = timedelta(minutes=2)
"""How far a console session's creationDate may be from its ConsoleLogin."""

_COLUMNS = ("session", "person", "kind", "identity", "accounts", "first", "last", "complete")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "'")
"""How a cell begins that a spreadsheet might run (OWASP, "CSV injection")."""


@sessions.command("list")
def list_sessions(
    person: Annotated[
        str, typer.Option(help="Only of this person: an ARN or name; * stands for anything.")
    ] = "",
    since: Annotated[str, typer.Option(help="Used since: 30m, 2h, 7d, 2026-07-01.")] = "7d",
    account: Annotated[str, typer.Option(help="Only with records of this account.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 50,
    format: Annotated[str, typer.Option(help="table, json, jsonl or csv.")] = "table",  # noqa: A002 - the option's name
) -> None:
    """List sessions, those used last first.

    Exit codes: 0 listed (also none), 2 a wrong option, 3 no index.
    """
    _one_of(format, ("table", "json", "jsonl", "csv"))
    index = _open_index()
    start = iso_seconds(datetime.fromtimestamp(parse_time(since, SystemClock().now()), UTC))
    operator = Operator.WILDCARD if "*" in person else Operator.EQUALS
    query = SessionQuery(
        person=text_matcher(Test(("person",), operator, person)) if person else None,
        start=start,
        account=account,
        limit=limit,
    )
    found = index.sessions(query)
    _LISTS[format](found)
    if format == "table":
        more = " (there may be more: --limit)" if len(found) == limit else ""
        messages.print(f"{len(found)} sessions since {start}{more}")


@sessions.command("show")
def show_session(
    session: Annotated[
        str, typer.Argument(help="A session's id, an event's id, an access key, or latest.")
    ],
    format: Annotated[str, typer.Option(help="table, json, or jsonl (exact records).")] = "table",  # noqa: A002 - the option's name
) -> None:
    """Show who is behind a session, and everything done in it, oldest first.

    Exit codes: 0 shown, 2 no such session, 3 no index or no data directory.
    """
    _one_of(format, ("table", "json", "jsonl"))
    index = _open_index()
    events = open_event_reader(read_settings(os.environ))
    show(index, events, session, format)


def show(index: SessionIndex, events: EventReader, named: str, form: str) -> None:
    """What `opentrail sessions show` prints."""
    found = find(index, events, named)
    if found is None:
        chain = index.chain_of(named)
        if chain is None:
            fail(f"no session, event or access key {named[:80]!r} is here", EXIT_USAGE)
        _print(chain_lines(chain))
        messages.print("This key was issued; no record of its use is here.")
        return
    chain = index.chain(found.caller)
    where = records_in(index, index.keys_of_session(found.id))
    raws = (one.raw for one in events.stream(_of_session(found, where)))
    if form == "jsonl":
        for raw in raws:
            shown = safe(raw.decode("utf-8", "replace")).encode() if is_terminal() else raw
            sys.stdout.buffer.write(shown.replace(b"\n", b" ") + b"\n")
        return
    counts = Counts()
    moments = timeline(raws, counts)
    if form == "json":
        _print_json(found, chain, list(moments), counts)
        return
    _print(_head(found, chain))
    _print(_sign_in(found, events))
    _print(chain_lines(chain))
    output.print("")
    for moment in moments:
        output.print(_moment_line(moment))
    output.print("")
    _print(_counts_lines(counts))


def find(index: SessionIndex, events: EventReader, named: str) -> Session | None:
    """The session that is meant: by its own id, by an event in it, by a key used in it."""
    if named == LATEST:
        return next(iter(index.sessions(SessionQuery(limit=1))), None)
    found = index.find_session(named)
    paths = (("eventID",), ("userIdentity", "accessKeyId"))
    for path in paths if found is None else ():
        where = Test(path, Operator.EQUALS, named)
        for event in events.search(Search(where=where, limit=1)):
            record = decode_record(event.raw)
            return index.find_session(str(derived(index)(record or {}).get("session", "")))
    return found


def chain_lines(chain: Chain) -> Iterator[str]:
    """The chain as a small tree, the person first; then what is to be said of it."""
    yield f"{chain.person.id}  ({chain.person.kind})"
    for depth, link in enumerate(reversed(chain.links)):
        what = link.key or link.principal
        by = f"{link.event_name} {link.time}" + (f" from {link.address}" if link.address else "")
        yield f"{'   ' * depth}└─ {what}  {link.arn or link.role_arn}  {by}"
    if not chain.links and (chain.caller.key or chain.caller.arn):
        yield f"└─ {chain.caller.key or chain.caller.principal}  {chain.caller.arn}"
    yield from _remarks(chain)


def _remarks(chain: Chain) -> Iterator[str]:
    if chain.conflicts:
        yield f"! {len(chain.conflicts)} records issue one key or session to different callers:"
        for one in chain.conflicts:
            who = one.issuer.arn or one.issuer.principal or one.issuer.invoked_by
            key = one.issuer.key
            yield f"!   {one.event_name} {one.time} by {who} {key} (event {one.event_id})"
    elif chain.disputed:
        yield "! this key was used by different principals; one key is one principal's:"
        for caller in (chain.caller, *chain.disputed):
            yield f"!   {caller.principal} {caller.arn}"
    elif chain.cycle:
        yield "! the records lead back to themselves: nobody can be named"
    elif not chain.complete:
        yield "? a link is missing: no record here tells who asked for the first credentials shown"
    if chain.person.claimed:
        yield "? the name is the caller's own word; nothing here proves it"
    if chain.source_identity:
        yield f"  source identity {chain.source_identity} (set by who assumed the role)"
    for made in chain.made_by:
        who = made.issuer.arn or made.issuer.principal
        mark = "!" if who != chain.root.arn else " "
        yield f"{mark} key {made.key} was created by {who} at {made.time} from {made.address}"


def _of_session(found: Session, where: Expression) -> Search:
    """All the session's records, oldest first."""
    start = _epoch(found.first)
    end = _epoch(found.last)
    return Search(
        where=where,
        start=start,
        end=None if end is None else end + 1,
        newest_first=False,
        limit=None,
    )


def _head(found: Session, chain: Chain) -> Iterator[str]:
    span = _span(found.first, found.last)
    yield f"session   {found.id}"
    yield f"person    {', '.join(chain.person.texts)}"
    yield f"identity  {found.caller.arn or found.caller.invoked_by or found.caller.type}"
    yield f"accounts  {', '.join(found.accounts) or '-'}"
    yield f"time      {found.first or '?'} to {found.last or '?'}{f' ({span})' if span else ''}"


def _sign_in(found: Session, events: EventReader) -> Iterator[str]:
    """The ConsoleLogin of a console session; its record does not name the session."""
    created = _epoch(found.caller.created)
    if not found.caller.console or created is None:
        return
    around = int(SIGN_IN_WITHIN.total_seconds())
    where = All(
        (
            Test(("eventName",), Operator.EQUALS, "ConsoleLogin"),
            Test(("userIdentity", "principalId"), Operator.EQUALS, found.caller.principal),
        )
    )
    search = Search(where=where, start=created - around, end=created + around + 1, limit=1)
    for event in events.search(search):
        record = decode_record(event.raw) or {}
        address, mfa = record.get("sourceIPAddress"), record.get("additionalEventData")
        used = mfa.get("MFAUsed") if isinstance(mfa, dict) else None
        yield f"sign-in   {record.get('eventTime')} from {address}, MFA used: {used or '?'}"


def _moment_line(moment: Moment) -> str:
    marks = f"  [{', '.join(moment.changes)}]" if moment.changes else ""
    service = moment.event_source.removesuffix(".amazonaws.com")
    kind = "r" if moment.read_only else "w"
    parts = (
        moment.time,
        kind,
        f"{moment.event_name:28}",
        f"{service:14}",
        f"{moment.result:18}",
        f"{moment.address:15}",
        moment.resource,
    )
    return safe(" ".join(parts).rstrip() + marks)


def _counts_lines(counts: Counts) -> Iterator[str]:
    yield (
        f"{counts.events} events: {counts.reads} reads, {counts.writes} writes, "
        f"{counts.denied} denied, {counts.failed} failed otherwise"
    )
    if counts.events:
        span = _span(counts.first, counts.last)
        yield f"first {counts.first}, last {counts.last}{f', {span}' if span else ''}"
    yield f"addresses    {', '.join(counts.addresses) or '-'}"
    yield f"user agents  {', '.join(counts.user_agents) or '-'}"


def _print_json(found: Session, chain: Chain, moments: list[Moment], counts: Counts) -> None:
    shape = {
        "version": VERSION,
        "session": _session_object(found),
        "chain": chain,
        "counts": asdict(counts),
        "timeline": [asdict(one) for one in moments],
    }
    sys.stdout.buffer.write(msgspec.json.encode(shape) + b"\n")


def _session_object(found: Session) -> dict[str, Any]:
    return {
        "session": found.id,
        "person": found.person.id,
        "names": found.person.names,
        "kind": found.person.kind,
        "claimed": found.person.claimed,
        "identity": found.caller.arn or found.caller.invoked_by,
        "accounts": found.accounts,
        "first": found.first,
        "last": found.last,
        "complete": found.complete,
    }


def _list_table(found: tuple[Session, ...]) -> None:
    for one in found:
        person = one.person.names[0] if one.person.names else one.person.id
        span = _span(one.first, one.last) or "-"
        role = one.caller.arn.rpartition(":")[2] or one.caller.invoked_by
        state = "" if one.complete else " ?"
        text = f"{one.last:20} {span:>10}  {person:32}{state:2} {role:44} {one.id}"
        output.print(safe(text))


def _list_json(found: tuple[Session, ...]) -> None:
    shape = {"version": VERSION, "sessions": [_session_object(one) for one in found]}
    sys.stdout.buffer.write(msgspec.json.encode(shape) + b"\n")


def _list_lines(found: tuple[Session, ...]) -> None:
    for one in found:
        sys.stdout.buffer.write(msgspec.json.encode(_session_object(one)) + b"\n")


def _list_csv(found: tuple[Session, ...]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for one in found:
        shown = _session_object(one)
        shown["accounts"] = " ".join(one.accounts)
        texts = [str(shown[name]) for name in _COLUMNS]
        writer.writerow(f"'{text}" if text.startswith(_FORMULA) else text for text in texts)
    sys.stdout.buffer.write(out.getvalue().encode("utf-8", "replace"))


_LISTS = {"table": _list_table, "json": _list_json, "jsonl": _list_lines, "csv": _list_csv}


def _open_index() -> SqliteSessionIndex:
    path: Path = read_settings(os.environ).data / FILE_NAME
    if not path.exists():
        fail(
            f"{path} is not there: the server makes it from the events it holds; start it once, "
            "or OPENTRAIL_DATA names another data directory",
            EXIT_UNKNOWN,
        )
    return SqliteSessionIndex(path)


def _print(lines: Iterator[str]) -> None:
    for one in lines:
        output.print(safe(one))


def _one_of(given: str, allowed: tuple[str, ...]) -> None:
    if given not in allowed:
        fail(f"format {given!r}: expected {', '.join(allowed[:-1])} or {allowed[-1]}")


def _epoch(text: str) -> int | None:
    try:
        return int(parse_iso_seconds(text).timestamp())
    except ValueError:
        return None


def _span(first: str, last: str) -> str:
    start, end = _epoch(first), _epoch(last)
    return "" if start is None or end is None else duration(timedelta(seconds=end - start))
