"""The recorder without the proxy: records of the calls that a program makes through botocore."""

from opentrail.recorder.botocore import BotocoreRecorder
from opentrail.recorder.calls import RecordedCalls
from opentrail.recorder.sinks import ServerSink, journal_sink

__all__ = ["BotocoreRecorder", "RecordedCalls", "ServerSink", "journal_sink"]
