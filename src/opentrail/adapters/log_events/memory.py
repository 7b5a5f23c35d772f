"""Log events in lists; the reference for the port's suite and for tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from opentrail.logs.names import GroupKey
from opentrail.ports.log_events import LogEvent, LogEventQuery, LogStream, StoredLogEvent


class MemoryLogEventStore:
    """See ports.log_events."""

    def __init__(self) -> None:
        self._streams: dict[tuple[GroupKey, str], LogStream] = {}
        self._events: list[StoredLogEvent] = []
        self._newest = 0
        self._groups: dict[int, GroupKey] = {}
        self._newest_group = 0

    def create_stream(self, group: GroupKey, name: str, now: int) -> bool:
        if (group, name) in self._streams:
            return False
        if group not in self._groups.values():
            self._newest_group += 1
            self._groups[self._newest_group] = group
        self._streams[group, name] = LogStream(name=name, created=now)
        return True

    def delete_stream(self, group: GroupKey, name: str) -> bool:
        self._events = [one for one in self._events if (one.group, one.stream) != (group, name)]
        return self._streams.pop((group, name), None) is not None

    def delete_group(self, group: GroupKey) -> None:
        for number, key in self._groups.items():
            if key == group:
                left = self._groups[number] = GroupKey("", "", str(number))
                self._events = [
                    replace(one, group=left) if one.group == group else one for one in self._events
                ]
                self._streams = {
                    (left if of == group else of, name): one
                    for (of, name), one in self._streams.items()
                }

    def groups(self) -> dict[int, GroupKey]:
        return dict(self._groups)

    def forget_group(self, number: int) -> None:
        gone = self._groups.pop(number, None)
        self._events = [one for one in self._events if one.group != gone]
        self._streams = {key: one for key, one in self._streams.items() if key[0] != gone}

    def stream(self, group: GroupKey, name: str) -> LogStream | None:
        return self._streams.get((group, name))

    def streams(self, group: GroupKey, prefix: str = "") -> tuple[LogStream, ...]:
        found = [one for (of, _), one in self._streams.items() if of == group]
        named = [one for one in found if one.name.startswith(prefix)]
        return tuple(sorted(named, key=lambda one: one.name.encode()))

    def stored_bytes(self, groups: Sequence[GroupKey]) -> dict[GroupKey, int]:
        return {group: sum(one.stored_bytes for one in self.streams(group)) for group in groups}

    def put(
        self,
        group: GroupKey,
        stream: str,
        events: Sequence[LogEvent],
        ingested: int,
        access_key_id: str = "",
    ) -> bool:
        known = self._streams.get((group, stream))
        if known is None:
            return False
        times = [one.milliseconds for one in events]
        size = sum(len(one.message.encode()) for one in events)
        wider = _wider(known, min(times), max(times), ingested)
        self._streams[group, stream] = replace(wider, stored_bytes=known.stored_bytes + size)
        for event in events:
            self._newest += 1
            self._events.append(
                StoredLogEvent(
                    group=group,
                    stream=stream,
                    number=self._newest,
                    milliseconds=event.milliseconds,
                    ingested=ingested,
                    message=event.message,
                    access_key_id=access_key_id,
                )
            )
        return True

    def note(self, group: GroupKey, stream: str, *, first: int, last: int, ingested: int) -> None:
        self.create_stream(group, stream, ingested)
        known = self._streams[group, stream]
        self._streams[group, stream] = _wider(known, first, last, ingested)

    def read(self, group: GroupKey, query: LogEventQuery) -> Iterator[StoredLogEvent]:
        found = [
            one
            for one in self._events
            if one.group == group
            and (query.streams is None or one.stream in query.streams)
            and one.stream.startswith(query.stream_prefix)
            and one.milliseconds >= query.start
            and (query.end is None or one.milliseconds < query.end)
        ]
        ordered = sorted(found, key=_place, reverse=query.newest_first)
        for one in ordered:
            after = query.after
            if after is None or (
                _place(one) < after if query.newest_first else _place(one) > after
            ):
                yield one

    def since(self, number: int, limit: int) -> tuple[StoredLogEvent, ...]:
        return tuple(one for one in self._events if one.number > number)[:limit]

    def newest(self) -> int:
        return self._newest

    def expire(self, group: GroupKey, before: int) -> int:
        kept = [one for one in self._events if one.group != group or one.milliseconds >= before]
        gone = len(self._events) - len(kept)
        for one in self._events:
            if one.group == group and one.milliseconds < before:
                known = self._streams[group, one.stream]
                size = known.stored_bytes - len(one.message.encode())
                self._streams[group, one.stream] = replace(known, stored_bytes=size)
        self._events = kept
        return gone


def _place(one: StoredLogEvent) -> tuple[int, int]:
    return one.milliseconds, one.number


def _wider(known: LogStream, first: int, last: int, ingested: int) -> LogStream:
    return replace(
        known,
        first=first if known.first is None else min(known.first, first),
        last=last if known.last is None else max(known.last, last),
        ingested=ingested if known.ingested is None else max(known.ingested, ingested),
    )
