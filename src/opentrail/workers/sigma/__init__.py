"""Sigma rules at work: records become findings, and findings deliveries to targets."""

from opentrail.workers.sigma.worker import SigmaWorker

__all__ = ["SigmaWorker"]
