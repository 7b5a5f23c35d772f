"""The operations of Logs Insights, as further answers of CloudWatch Logs."""

from __future__ import annotations

from opentrail.api.errors import ApiError
from opentrail.api.logs import queries, saved_queries
from opentrail.api.logs.backends import Parameters
from opentrail.api.logs.queries import Handler, QueriesBackends
from opentrail.api.outcome import Caller, Reply
from opentrail.api.services import Answer, bound
from opentrail.errors import InvalidInput

HANDLERS: dict[str, Handler] = {
    "DeleteQueryDefinition": saved_queries.delete_query_definition,
    "DescribeQueries": queries.describe_queries,
    "DescribeQueryDefinitions": saved_queries.describe_query_definitions,
    "GetLogGroupFields": queries.get_log_group_fields,
    "GetLogRecord": queries.get_log_record,
    "GetQueryResults": queries.get_query_results,
    "PutQueryDefinition": saved_queries.put_query_definition,
    "StartQuery": queries.start_query,
    "StopQuery": queries.stop_query,
}


def insights_answers(backends: QueriesBackends) -> dict[str, Answer]:
    """By operation."""
    return bound({name: _told(handler) for name, handler in HANDLERS.items()}, backends)


def _told(handler: Handler) -> Handler:
    def told(parameters: Parameters, caller: Caller, backends: QueriesBackends) -> Reply:
        try:
            return handler(parameters, caller, backends)
        except InvalidInput as problem:
            raise ApiError("InvalidParameterException", str(problem)) from None

    return told
