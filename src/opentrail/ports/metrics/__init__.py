"""Metrics, what is read from them, and what became of alarms."""

from opentrail.alarms.datapoint import Bucket, Datapoint, Dimensions, Series
from opentrail.ports.metrics.store import SECOND_AGE, STEPS, Changed, MetricStore, SeriesQuery

__all__ = [
    "SECOND_AGE",
    "STEPS",
    "Bucket",
    "Changed",
    "Datapoint",
    "Dimensions",
    "MetricStore",
    "Series",
    "SeriesQuery",
]
