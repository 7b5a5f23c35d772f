"""Alarms: when they are evaluated, what follows from their changes, and how it is brought away."""

from opentrail.workers.alarms.keeping import MetricsKeeper
from opentrail.workers.alarms.worker import AlarmsWorker

__all__ = ["AlarmsWorker", "MetricsKeeper"]
