"""Insights at work: events become counts, and unusual counts become records."""

from opentrail.workers.insights.worker import InsightsWorker

__all__ = ["InsightsWorker"]
