"""Object stores."""

from opentrail.adapters.objects.local import LocalObjectStore
from opentrail.adapters.objects.memory import MemoryObjectStore
from opentrail.adapters.objects.s3 import S3ObjectStore, S3Place

__all__ = ["LocalObjectStore", "MemoryObjectStore", "S3ObjectStore", "S3Place"]
