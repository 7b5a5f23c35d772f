"""CloudWatch: metrics, alarms and dashboards."""

from opentrail.api.cloudwatch.backends import CloudWatchBackends
from opentrail.api.cloudwatch.service import cloudwatch_service

__all__ = ["CloudWatchBackends", "cloudwatch_service"]
