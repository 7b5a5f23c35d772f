"""CloudTrail's operations."""

from opentrail.api.cloudtrail.operations import HANDLERS, NOT_YET
from opentrail.api.cloudtrail.service import cloudtrail_services

__all__ = ["HANDLERS", "NOT_YET", "cloudtrail_services"]
