"""`opentrail events`: find, show, count and watch what is recorded."""

from opentrail.cli.events.commands import events
from opentrail.cli.events.table import line

__all__ = ["events", "line"]
