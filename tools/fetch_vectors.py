"""Fetch botocore's own protocol cases, which come with its source distribution alone.

The version and hash are those of requirements/run.lock. Run by the Makefile; what it fetches is
not committed.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PART = "/tests/unit/protocols/"


def main(target: Path) -> None:
    """Put the cases into `target`."""
    lock = (ROOT / "requirements" / "run.lock").read_text()
    pinned = re.search(r"^botocore==(?:.*\\\n)*.*\n", lock, re.MULTILINE)
    if pinned is None:
        raise SystemExit("requirements/run.lock pins no botocore")
    with tempfile.TemporaryDirectory() as name:
        wanted = Path(name) / "wanted.txt"
        wanted.write_text(pinned[0])
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", "botocore",
             "--require-hashes", "-r", str(wanted), "-d", name],
            check=True,
        )  # fmt: skip
        (archive,) = Path(name).glob("botocore-*.tar.gz")
        with tarfile.open(archive) as content:
            for member in content.getmembers():
                _, found, path = member.name.partition(PART)
                source = content.extractfile(member) if found and member.isfile() else None
                if source is not None:
                    (target / path).parent.mkdir(parents=True, exist_ok=True)
                    (target / path).write_bytes(source.read())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
