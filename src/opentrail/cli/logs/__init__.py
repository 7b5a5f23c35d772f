"""`opentrail logs`: what Logs Insights answers, without a server."""

from opentrail.cli.logs.commands import logs

__all__ = ["logs"]
