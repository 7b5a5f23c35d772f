"""Sigma rules on the command line, and what they found."""

from opentrail.cli.sigma.findings import findings
from opentrail.cli.sigma.rules import rules

__all__ = ["findings", "rules"]
