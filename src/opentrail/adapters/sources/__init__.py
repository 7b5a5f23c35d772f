"""Where existing logs lie: directories, files, buckets; and queues of notices."""

from opentrail.adapters.sources.directory import DirectorySource, FileSource
from opentrail.adapters.sources.memory import MemoryQueue, MemorySource
from opentrail.adapters.sources.queue import SqsQueue
from opentrail.adapters.sources.s3 import S3Source

__all__ = [
    "DirectorySource",
    "FileSource",
    "MemoryQueue",
    "MemorySource",
    "S3Source",
    "SqsQueue",
]
