"""Stores of alarm histories."""

from opentrail.adapters.alarm_history.memory import MemoryAlarmHistory
from opentrail.adapters.alarm_history.sqlite import FILE_NAME, SqliteAlarmHistory

__all__ = ["FILE_NAME", "MemoryAlarmHistory", "SqliteAlarmHistory"]
