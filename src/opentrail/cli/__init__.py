"""The `opentrail` command."""

from opentrail.cli.main import main

__all__ = ["main"]
