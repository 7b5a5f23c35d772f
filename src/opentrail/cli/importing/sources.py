"""What `opentrail import` is told to read: directories, files, buckets; and its evidence."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from opentrail.adapters.destinations import AwsDestinations, AwsPlace
from opentrail.adapters.objects import EnvelopeObjectStore, LocalObjectStore, S3ObjectStore, S3Place
from opentrail.adapters.public_keys import fetch_keys
from opentrail.adapters.sources import DirectorySource, FileSource, S3Source, SqsQueue
from opentrail.app.anchors import has_state, local_trust, open_state
from opentrail.cli.terminal import EXIT_UNKNOWN, fail
from opentrail.clock import SystemClock
from opentrail.digest.name import read_digest_key
from opentrail.digest.trust import Trust, read_trust
from opentrail.errors import Unavailable
from opentrail.ports.objects import ObjectStore
from opentrail.ports.sources import MessageQueue, Source
from opentrail.workers.importing.proofs import DigestReading, Proofs
from opentrail.workers.verification import Scope


@dataclass(frozen=True, slots=True)
class OpenedSource:
    """A source, and where its digests are read.

    Attributes:
        bucket: "" for a directory.
    """

    source: Source
    store: ObjectStore
    bucket: str


def open_source(text: str, endpoint: str, jobs: int) -> OpenedSource:
    """The source that `text` names; ends the command if there is none.

    Args:
        endpoint: Where S3 is; "" leaves it to AWS's own variables.
    """
    if text.startswith("s3://"):
        return _bucket(text, endpoint, jobs)
    path = Path(text)
    if path.is_dir():
        return OpenedSource(DirectorySource(path), LocalObjectStore(path), "")
    if not path.exists():
        fail(f"{text} is neither s3://BUCKET[/PREFIX] nor a directory nor a file")
    return OpenedSource(FileSource(path), LocalObjectStore(path.resolve().parent), "")


def _bucket(text: str, named: str, jobs: int) -> OpenedSource:
    bucket, _, prefix = text.removeprefix("s3://").partition("/")
    if not bucket:
        fail(f"{text} names no bucket; expected s3://BUCKET[/PREFIX]")
    endpoint = named or _endpoint("s3") or None
    place = S3Place(endpoint=endpoint, region=_region(), connections=max(10, jobs))
    keys = AwsDestinations(AwsPlace(endpoint=_endpoint, region=_region())).all().keys
    store = EnvelopeObjectStore(S3ObjectStore(place), keys, encrypts=False)
    source = S3Source(store, bucket, prefix, endpoint=endpoint, region=_region())
    return OpenedSource(source, store, bucket)


def open_queue(url: str) -> MessageQueue:
    """The queue at `url`."""
    return SqsQueue(url, endpoint=_endpoint("sqs") or None, region=_region())


def _region() -> str:
    """The region that AWS's own variables name."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"


def _endpoint(service: str) -> str:
    named = os.environ.get(f"AWS_ENDPOINT_URL_{service.upper()}")
    return named or os.environ.get("AWS_ENDPOINT_URL") or ""


def read_evidence(keys: Path | None, data: Path) -> Trust:
    """Public keys: a trust file's, else this installation's, else the service's."""
    if keys is not None:
        try:
            return read_trust(keys.read_bytes())
        except OSError as cause:
            fail(f"{keys}: {cause.strerror}")
    if has_state(data):
        return local_trust(data, open_state(data), SystemClock())
    try:
        return fetch_keys(None, SystemClock().now())
    except Unavailable as problem:
        fail(f"{problem}; name a trust file with --keys", EXIT_UNKNOWN)


def prover(
    opened: Sequence[OpenedSource], trust: Trust, jobs: int
) -> Callable[[Source, Sequence[str]], Proofs]:
    """Reads the digests of these sources."""
    places = {one.source.name: one for one in opened}

    def prove(source: Source, keys: Sequence[str]) -> Proofs:
        place = places[source.name]
        scope = Scope(
            bucket=place.bucket, until=_newest(keys), metadata=bool(place.bucket), jobs=jobs
        )
        return DigestReading(place.store, trust, scope, keys).read()

    return prove


def _newest(keys: Sequence[str]) -> datetime:
    """The end of the newest digest: nothing later is expected."""
    ends = (name.end for name in map(read_digest_key, keys) if name is not None)
    return max(ends, default=SystemClock().now())
