"""What watches: metrics and alarms of an installation."""

from opentrail.app.watching.alarms import AlarmParts

__all__ = ["AlarmParts"]
