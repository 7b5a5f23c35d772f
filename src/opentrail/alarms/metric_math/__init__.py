"""Metric math: expressions over metrics, as GetMetricData and alarms take them.

Source: CloudWatch User Guide, "Using math expressions with CloudWatch metrics".
"""

from opentrail.alarms.metric_math.evaluating import Band, Environment, evaluated
from opentrail.alarms.metric_math.reading import Expression, parse_expression, references
from opentrail.alarms.metric_math.values import EmptyArray, InvalidExpression, Line

__all__ = [
    "Band",
    "EmptyArray",
    "Environment",
    "Expression",
    "InvalidExpression",
    "Line",
    "evaluated",
    "parse_expression",
    "references",
]
