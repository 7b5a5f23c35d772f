"""Operations of Insights."""

from opentrail.api.cloudtrail.insights.data import list_insights_data, list_insights_metric_data
from opentrail.api.cloudtrail.insights.selectors import (
    get_insight_selectors,
    logs_data,
    put_insight_selectors,
)

__all__ = [
    "get_insight_selectors",
    "list_insights_data",
    "list_insights_metric_data",
    "logs_data",
    "put_insight_selectors",
]
