"""Digest files: signed, chained lists of log files."""
