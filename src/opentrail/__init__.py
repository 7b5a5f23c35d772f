"""OpenTrail: a self-hosted CloudTrail."""

__version__ = "0.1.0"
