"""Packs on the command line."""

from opentrail.cli.packs.commands import init

__all__ = ["init"]
