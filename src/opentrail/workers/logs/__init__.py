"""Log groups at work: what trails show in them, and what their filters make of it."""

from opentrail.workers.logs.worker import FOLLOWER, LogFilterWorker

__all__ = ["FOLLOWER", "LogFilterWorker"]
