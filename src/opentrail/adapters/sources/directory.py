"""Files as a source: a directory's, or one alone.

Links to files are followed, links to directories are not: they may lead in a circle.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from opentrail.errors import Unavailable
from opentrail.ports.objects import ObjectNotFound
from opentrail.ports.sources import SourceObject


class DirectorySource:
    """See ports.sources; keys are paths below the directory, with slashes."""

    is_remote = False

    def __init__(self, root: Path) -> None:
        self._root = str(root.resolve())
        self._start = self._root if self._root.endswith("/") else self._root + "/"

    @property
    def name(self) -> str:
        # Bytes that are no UTF-8 as escapes: a name is written down, in the ledger and reports.
        root = self._root.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        return f"file://{root}"

    def list(self) -> Iterator[SourceObject]:
        problems: list[OSError] = []
        for folder, folders, names in os.walk(self._root, onerror=problems.append):
            folders.sort()
            for name in sorted(names):
                found = self.find(f"{folder}/{name}"[len(self._start) :])
                if found is not None:
                    yield found
        for problem in problems:
            if problem.filename == self._root:
                raise Unavailable(f"{self._root}: {problem.strerror}") from problem
            key = f"{problem.filename}/"[len(self._start) :]
            yield SourceObject(key=key, size_bytes=0, version="", problem=problem.strerror or "")

    def find(self, key: str) -> SourceObject | None:
        path = self._start + key
        try:
            found = os.stat(path)  # noqa: PTH116 - a million paths are not parsed
        except FileNotFoundError:
            if not os.path.islink(path):  # noqa: PTH114 - as above
                return None
            return SourceObject(key=key, size_bytes=0, version="", problem="a link to nothing")
        except OSError as cause:
            return SourceObject(key=key, size_bytes=0, version="", problem=cause.strerror or "")
        regular = stat.S_ISREG(found.st_mode)
        return SourceObject(
            key=key,
            size_bytes=found.st_size,
            version=str(found.st_mtime_ns),
            skip="" if regular else "not a regular file",
        )

    def read(self, one: SourceObject) -> bytes:
        path = self._start + one.key
        try:
            with open(path, "rb") as file:  # noqa: PTH123 - as above
                return file.read()
        except FileNotFoundError as cause:
            raise ObjectNotFound(f"{path} is gone", code="NoSuchKey") from cause
        except OSError as cause:
            raise Unavailable(f"{path}: {cause.strerror}") from cause


class FileSource(DirectorySource):
    """One file; known by the name of its directory, so that importing that finds it done."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.resolve().parent)
        self._key = path.resolve().name

    def list(self) -> Iterator[SourceObject]:
        found = self.find(self._key)
        if found is not None:
            yield found
