"""The recorder without the proxy: records of the calls that a program makes through botocore."""

from opentrail.recorder.botocore import BotocoreRecorder
from opentrail.recorder.calls import RecordedCalls

__all__ = ["BotocoreRecorder", "RecordedCalls"]
