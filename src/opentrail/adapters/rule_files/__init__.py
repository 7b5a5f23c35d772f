"""Rules in the files of a directory."""

from opentrail.adapters.rule_files.directory import HAS_SIGMA, NO_SIGMA, RuleDirectory

__all__ = ["HAS_SIGMA", "NO_SIGMA", "RuleDirectory"]
