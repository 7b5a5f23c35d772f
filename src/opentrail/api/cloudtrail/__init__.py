"""CloudTrail's operations."""

from opentrail.api.cloudtrail.operations import HANDLERS, NOT_YET, may_change

__all__ = ["HANDLERS", "NOT_YET", "may_change"]
