"""Signers."""

from opentrail.adapters.signers.file import FileSigner

__all__ = ["FileSigner"]
