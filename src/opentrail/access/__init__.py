"""What may be done: policies."""

from opentrail.access.needed import needed_policy

__all__ = ["needed_policy"]
