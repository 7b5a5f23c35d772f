"""The operations of Logs Insights, which is a part of CloudWatch Logs."""

from __future__ import annotations

from opentrail.api.logs import queries, saved_queries
from opentrail.api.logs.queries import Handler

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
