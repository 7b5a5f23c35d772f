"""CloudWatch Logs: groups, streams, events, metric filters and subscriptions."""

from opentrail.api.logs.backends import LogsBackends
from opentrail.api.logs.queries import QueriesBackends
from opentrail.api.logs.service import HANDLERS, logs_service

__all__ = ["HANDLERS", "LogsBackends", "QueriesBackends", "logs_service"]
