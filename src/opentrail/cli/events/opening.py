"""What the commands begin with: the store of this data directory, and words read as a search."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import typer

from opentrail.app.searching.asking import Ask, Searching, make_search
from opentrail.app.settings import Settings, read_settings
from opentrail.app.wiring import open_searching
from opentrail.cli.terminal import (
    EXIT_INTERRUPTED,
    EXIT_UNKNOWN,
    EXIT_USAGE,
    fail,
    messages,
    safe,
)
from opentrail.clock import SystemClock
from opentrail.ports.events import Search
from opentrail.search.invalid import InvalidFilter

_SHOWN_AROUND = 60
"""Characters of a long filter that are shown before and behind the place of an error."""


def searching_here() -> Searching:
    """The store of the data directory; ends the command with 3 if nothing is there."""
    return open_searching(existing_settings())


def existing_settings() -> Settings:
    """The settings, if their data directory holds events or a journal; else ends with 3."""
    settings = read_settings(os.environ)
    if not any((settings.data / name).is_dir() for name in ("events", "journal")):
        fail(
            f"{settings.data} holds no events: nothing was recorded yet, or OPENTRAIL_DATA names "
            "another data directory",
            EXIT_UNKNOWN,
        )
    return settings


def settings_here() -> Settings:
    """The settings; ends with 3 if there is no data directory."""
    settings = read_settings(os.environ)
    if not settings.data.is_dir():
        fail(
            f"{settings.data} is no data directory: start the server once, or set OPENTRAIL_DATA",
            EXIT_UNKNOWN,
        )
    return settings


def now() -> datetime:
    """The time that relative times count from."""
    return SystemClock().now()


def read_search(ask: Ask, searching: Searching) -> Search:
    """What is asked for; a filter that can't be read ends the command and shows the place."""
    with filter_shown(ask.filter):
        return make_search(ask, now(), searching.rewrite)


@contextmanager
def filter_shown(text: str) -> Iterator[None]:
    """Ends the command, with a line under the filter's text, where the filter can't be read."""
    try:
        yield
    except InvalidFilter as problem:
        messages.print(f"opentrail: {safe(str(problem))}")
        for shown in caret(text, problem.offset):
            messages.print(f"  {shown}")
        raise typer.Exit(EXIT_USAGE) from None


def caret(text: str, offset: int) -> tuple[str, str]:
    """The filter around the offset, and a line that points at it."""
    first = max(0, offset - _SHOWN_AROUND)
    before = ("…" if first else "") + safe(text[first:offset])
    behind = safe(text[offset : offset + _SHOWN_AROUND])
    more = "…" if len(text) > offset + _SHOWN_AROUND else ""
    return before + behind + more, " " * len(before) + "^"


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C ends the command with 130; a reader that went away (`| head`) with 0."""
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit(EXIT_INTERRUPTED) from None
    except BrokenPipeError:
        # What is still buffered goes nowhere, or Python would complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise typer.Exit(0) from None
    except OSError as problem:
        fail(f"{problem.filename or 'writing'}: {problem.strerror}", EXIT_UNKNOWN)


def one_of(what: str, given: str, allowed: Sequence[str]) -> str:
    """`given`, if it is allowed; else ends the command."""
    if given not in allowed:
        fail(f"{what} {given!r}: expected {', '.join(allowed[:-1])} or {allowed[-1]}")
    return given
