"""The data that the store of events is measured with: trees of log files, and stores of them.

Trees are made by a generator of their own, once, and kept. Environment:
OPENTRAIL_BENCH_TREE_1M, OPENTRAIL_BENCH_TREE_10M: trees that are there already;
OPENTRAIL_BENCH_DATA: the folder of the generator (`gen_events.py`), for trees that are not;
OPENTRAIL_BENCH_CACHE: where trees and stores are kept; a temporary folder if there is none;
OPENTRAIL_BENCH_FILES: at most so many files of a tree, for a short run.
"""

import gzip
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

SIZES = {"1M": 1_000_000, "10M": 10_000_000}
REPACKED_RECORDS = 300_000
RECORDS_A_FILE = 1000
DAYS = 90
_BODY = msgspec.json.Decoder(dict[str, list[msgspec.Raw]])


@dataclass(frozen=True)
class Tree:
    """Log files below a folder."""

    name: str
    path: Path

    def files(self) -> list[Path]:
        return sorted(self.path.rglob("*.json.gz"))

    def gzip_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.files())


def cache() -> Path:
    """Where trees and stores are kept."""
    named = os.environ.get("OPENTRAIL_BENCH_CACHE")
    found = Path(named) if named else Path(tempfile.gettempdir()) / "opentrail-bench"
    found.mkdir(parents=True, exist_ok=True)
    return found


def tree(size: str) -> Tree | str:
    """The tree of that size, or why there is none."""
    named = os.environ.get(f"OPENTRAIL_BENCH_TREE_{size}")
    if named:
        found = Path(named)
        return _cut(Tree(size, found)) if found.is_dir() else f"skipped: {found} is no folder"
    made = cache() / f"tree-{size}"
    if not (made / "summary.json").exists():
        problem = _generate(made, SIZES[size])
        if problem:
            return problem
    return _cut(Tree(size, made))


def _generate(directory: Path, records: int) -> str:
    folder = os.environ.get("OPENTRAIL_BENCH_DATA")
    if not folder or not (Path(folder) / "gen_events.py").is_file():
        return "skipped: no tree, and OPENTRAIL_BENCH_DATA is no folder of gen_events.py"
    begin = datetime.now(UTC) - timedelta(days=DAYS)
    subprocess.run(
        [
            sys.executable, str(Path(folder) / "gen_events.py"), "run", "--mode", "tree",
            "--records", str(records), "--days", str(DAYS), "--start", f"{begin:%Y-%m-%d}",
            "--accounts", "3", "--seed", "6", "--out", str(directory),
        ],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return ""


def _cut(whole: Tree) -> Tree:
    """Of a short run: a part of the tree, by links."""
    limit = os.environ.get("OPENTRAIL_BENCH_FILES")
    if not limit:
        return whole
    part = cache() / f"part-{whole.name}-{limit}"
    if not part.exists():
        files = whole.files()
        for path in random.Random(1).sample(files, min(int(limit), len(files))):
            linked = part / path.relative_to(whole.path)
            linked.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, linked)
    return Tree(whole.name, part)


def repacked(source: Tree) -> Tree:
    """Records of a tree in files of a thousand, as large accounts have them."""
    path = cache() / f"repacked-{source.path.name}-{source.name}"
    if not path.exists():
        aside = path.with_suffix(".part")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        for number, raws in enumerate(_thousands(source)):
            name = f"111122223333_CloudTrail_us-east-1_20260901T0000Z_{number:016}.json.gz"
            body = b'{"Records":[' + b",".join(raws) + b"]}"
            (aside / name).write_bytes(gzip.compress(body, 6))
        aside.rename(path)
    return Tree(f"{source.name}, {RECORDS_A_FILE} records a file", path)


def _thousands(source: Tree) -> Iterator[list[bytes]]:
    waiting: list[bytes] = []
    given = 0
    # By the time in their names, across accounts and regions.
    for path in sorted(source.files(), key=lambda one: one.name.split("_")[3]):
        waiting += map(bytes, _BODY.decode(gzip.decompress(path.read_bytes()))["Records"])
        while len(waiting) >= RECORDS_A_FILE and given < REPACKED_RECORDS:
            yield waiting[:RECORDS_A_FILE]
            del waiting[:RECORDS_A_FILE]
            given += RECORDS_A_FILE
        if given >= REPACKED_RECORDS:
            return
    if waiting:
        yield waiting


def environment(data: Path) -> dict[str, str]:
    """For `opentrail`: its variables are settings, so those of benchmarks are left out."""
    kept = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(("OPENTRAIL_", "AWS_"))
    }
    return kept | {
        "OPENTRAIL_DATA": str(data),
        "OPENTRAIL_QUOTAS": "lookup_events_per_second=0",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def store(size: str) -> Path | str:
    """A data directory with the events of that tree, imported once and kept; or why not."""
    found = tree(size)
    if isinstance(found, str):
        return found
    data = cache() / f"store-{found.path.name}-{size}"
    if not (data / "complete").exists():
        shutil.rmtree(data, ignore_errors=True)
        subprocess.run(
            [sys.executable, "-m", "opentrail", "import", str(found.path)],
            env=environment(data), check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        (data / "complete").touch()
    return data


@contextmanager
def working_copy(data: Path) -> Iterator[Path]:
    """A data directory of the same events, to be changed: files that never change are linked."""
    with tempfile.TemporaryDirectory(dir=cache()) as name:
        copy = Path(name) / "data"
        for path in data.rglob("*"):
            target = copy / path.relative_to(data)
            if path.is_dir():
                target.mkdir(parents=True, exist_ok=True)
            elif path.suffix in {".records", ".columns", ".parquet", ".dictionary"}:
                target.parent.mkdir(parents=True, exist_ok=True)
                os.link(path, target)
            elif path.suffix not in {".lock", ".writer"}:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target)
        yield copy


def forget_pages(directory: Path) -> None:
    """Let the kernel drop what it keeps of these files, as after a restart of the machine."""
    for path in directory.rglob("*"):
        if path.is_file():
            fd = os.open(path, os.O_RDONLY)
            try:
                os.fdatasync(fd)
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(fd)
