"""A copied bucket in a directory: every key a file below it.

Plain copies lose user metadata; a copy made with it has `KEY.metadata.json` beside a file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from opentrail.errors import Unavailable
from opentrail.ports.objects import ObjectContent, ObjectNotFound, ObjectSummary, PoliciesUnknown

SIDECAR = ".metadata.json"


class LocalObjectStore:
    """See ports.objects; the directory stands for every bucket name."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def put(self, bucket: str, key: str, content: ObjectContent) -> None:  # noqa: ARG002 - one bucket
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.body)
        if content.metadata:
            path.with_name(path.name + SIDECAR).write_text(json.dumps(dict(content.metadata)))

    def get(self, bucket: str, key: str) -> ObjectContent:  # noqa: ARG002 - one bucket
        path = self._path(key)
        try:
            body = path.read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as cause:
            raise ObjectNotFound(f"no file {path}", code="NoSuchKey") from cause
        except OSError as cause:
            raise Unavailable(f"{path}: {cause.strerror}") from cause
        return ObjectContent(body, self._metadata(path))

    def list(self, bucket: str, prefix: str) -> Iterator[ObjectSummary]:  # noqa: ARG002 - one bucket
        found: list[ObjectSummary] = []
        for folder, _, names in os.walk(self._root):
            for name in names:
                path = Path(folder) / name
                key = path.relative_to(self._root).as_posix()
                if key.startswith(prefix) and not key.endswith(SIDECAR):
                    found.append(ObjectSummary(key, path.stat().st_size))
        yield from sorted(found, key=lambda one: one.key.encode())

    def bucket_exists(self, bucket: str) -> bool:  # noqa: ARG002 - one bucket
        return self._root.is_dir()

    def bucket_policy(self, bucket: str) -> str | None:
        raise PoliciesUnknown(f"{bucket}: a directory has no bucket policy")

    def _path(self, key: str) -> Path:
        path = (self._root / key).resolve()
        if not path.is_relative_to(self._root):
            raise ObjectNotFound(f"key {key!r} leads out of {self._root}", code="NoSuchKey")
        return path

    def _metadata(self, path: Path) -> dict[str, str]:
        try:
            found = json.loads(path.with_name(path.name + SIDECAR).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}
