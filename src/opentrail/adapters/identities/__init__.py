"""Identities."""

from opentrail.adapters.identities.directory import DirectoryIdentities
from opentrail.adapters.identities.file import (
    IdentitiesFile,
    IdentityEntry,
    add_key,
    make_default,
    read_file,
    remove_key,
)
from opentrail.adapters.identities.memory import MemoryIdentities

__all__ = [
    "DirectoryIdentities",
    "IdentitiesFile",
    "IdentityEntry",
    "MemoryIdentities",
    "add_key",
    "make_default",
    "read_file",
    "remove_key",
]
