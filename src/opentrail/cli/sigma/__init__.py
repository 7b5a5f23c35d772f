"""Sigma rules on the command line, and what they found."""

from opentrail.cli.sigma.findings import findings
from opentrail.cli.sigma.incidents import incidents
from opentrail.cli.sigma.rules import rules

__all__ = ["findings", "incidents", "rules"]
