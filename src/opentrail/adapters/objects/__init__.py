"""Object stores: S3, a directory, memory; and encryption around any of them."""

from opentrail.adapters.objects.envelope import EnvelopeObjectStore
from opentrail.adapters.objects.local import LocalObjectStore
from opentrail.adapters.objects.memory import MemoryObjectStore
from opentrail.adapters.objects.s3 import S3ObjectStore, S3Place

__all__ = [
    "EnvelopeObjectStore",
    "LocalObjectStore",
    "MemoryObjectStore",
    "S3ObjectStore",
    "S3Place",
]
