"""Log streams. Source: CloudWatch Logs API reference, CreateLogStream, DescribeLogStreams."""

from __future__ import annotations

from typing import Any

from opentrail.api.logs.backends import LogsBackends, Parameters, milliseconds
from opentrail.api.logs.find import exists_already, find_group, invalid, key_in, key_of, not_found
from opentrail.api.logs.pages import answer, page
from opentrail.api.outcome import Caller, Reply
from opentrail.logs.names import GroupKey
from opentrail.ports.log_events import LogStream


def create_log_stream(parameters: Parameters, caller: Caller, backends: LogsBackends) -> Reply:
    """A new stream."""
    key = key_of(parameters["logGroupName"], caller)
    find_group(key, backends)
    name = parameters["logStreamName"]
    if not backends.log_events.create_stream(key, name, milliseconds(caller)):
        raise exists_already("log stream")
    return Reply({})


def delete_log_stream(parameters: Parameters, caller: Caller, backends: LogsBackends) -> Reply:
    """The stream is gone with its events; a trail's stream comes again with its next delivery."""
    key = key_of(parameters["logGroupName"], caller)
    find_group(key, backends)
    name = parameters["logStreamName"]
    if backends.log_events.stream(key, name) is None:
        raise not_found("log stream")

    def delete() -> None:
        backends.log_events.delete_stream(key, name)

    return Reply({}, behind=delete)


def describe_log_streams(parameters: Parameters, caller: Caller, backends: LogsBackends) -> Reply:
    """Streams by name, or by the time of their last event."""
    key = key_in(parameters, caller)
    find_group(key, backends)
    prefix = parameters.get("logStreamNamePrefix", "")
    by_time = parameters.get("orderBy") == "LastEventTime"
    if by_time and prefix:
        raise invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
    shown, token = page(
        backends.log_events.streams(key, prefix),
        lambda one: (one.last or 0, one.name) if by_time else (one.name,),
        parameters,
        descending=parameters.get("descending", False),
    )
    return Reply(answer("logStreams", [_stream(key, one) for one in shown], token))


def _stream(key: GroupKey, stream: LogStream) -> dict[str, Any]:
    told = {
        "logStreamName": stream.name,
        "creationTime": stream.created,
        "firstEventTimestamp": stream.first,
        "lastEventTimestamp": stream.last,
        "lastIngestionTime": stream.ingested,
        "uploadSequenceToken": f"{stream.ingested or stream.created:056}",
        "arn": key.stream_arn(stream.name),
        # AWS has told no size of a stream since 2019.
        "storedBytes": 0,
    }
    return {name: value for name, value in told.items() if value is not None}
