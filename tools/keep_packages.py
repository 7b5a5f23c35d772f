"""Leave in a lock file only the packages that a list names: keep_packages.py LOCK LIST."""

from __future__ import annotations

import re
import sys
from pathlib import Path


def plain(name: str) -> str:
    """A package's name as the registry compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def kept(lock: str, names: frozenset[str]) -> str:
    """The entries of `lock` whose package is one of `names`."""
    lines: list[str] = []
    keep = False
    for line in lock.splitlines(keepends=True):
        if not line.startswith((" ", "#")):
            keep = plain(re.split(r"[=\\[; ]", line)[0]) in names
        if keep:
            lines.append(line)
    return "".join(lines)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    wanted = frozenset(map(plain, Path(sys.argv[2]).read_text("utf-8").split()))
    path.write_text(kept(path.read_text("utf-8"), wanted), "utf-8")
