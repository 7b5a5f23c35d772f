"""How far an export is, on stderr, if a person reads it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from opentrail.cli.terminal import messages
from opentrail.ports.events import EventReader, Search, StoredEvent

_EVERY = 500


@contextmanager
def export_bar(
    events: EventReader, search: Search, done: int = 0
) -> Iterator[Callable[[StoredEvent], None]]:
    """A bar of the range of time that is behind; give each event to what is yielded.

    Counting what is to come would take as long as the export itself.
    """
    if not sys.stderr.isatty():
        yield lambda _event: None
        return
    figures = events.figures()
    oldest = max(_known(search.start, 0), figures.oldest or 0)
    newest = min(_known(search.end, 1 << 62), figures.newest or 0)
    with Progress(
        TextColumn("exporting"),
        BarColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeElapsedColumn(),
        console=messages,
        transient=True,
    ) as progress:
        task = progress.add_task("exporting", total=max(1, newest - oldest), figures="")
        count = done

        def seen(event: StoredEvent) -> None:
            nonlocal count
            count += 1
            if count % _EVERY == 0:
                time = event.position.event_time
                behind = newest - time if search.newest_first else time - oldest
                seconds = progress.tasks[0].elapsed or 0.0
                rate = f"{(count - done) / seconds:,.0f} events/s" if seconds else ""
                progress.update(task, completed=behind, figures=f"{count:,} events  {rate}")

        yield seen


def _known(bound: int | None, otherwise: int) -> int:
    return otherwise if bound is None else bound
