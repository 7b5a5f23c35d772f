"""`opentrail insights`."""

from opentrail.cli.insights.commands import insights

__all__ = ["insights"]
