"""In = out, at scale: a tree with injected duplicates, imported and killed again and again.

(1) To the tree of 1 M records come files that hold records of others once more, shuffled.
(2) `opentrail import` is killed 20 times, then runs to its end. (3) The same files come once more
from another folder, which the ledger does not know: nothing may be added. (4) Segments are joined.
After (2), (3) and (4) every distinct record is in the store exactly once, to the byte.

Run by hand: `python benchmarks/run.py event_store_proof`.
"""

import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from hashlib import blake2b
from pathlib import Path

import msgspec

from event_store_measures import show
from event_store_trees import cache, environment, tree
from opentrail.adapters.events import SegmentEventReader, SegmentEventStore
from opentrail.clock import SystemClock
from opentrail.ports.events import Search

KILLS = int(os.environ.get("OPENTRAIL_BENCH_KILLS", "20"))
LONGEST_SECONDS = float(os.environ.get("OPENTRAIL_BENCH_KILL_SECONDS", "2"))
REPEATED_PART = 20
"""One file of so many comes again."""

_BODY = msgspec.json.Decoder(dict[str, list[msgspec.Raw]])


def run() -> dict[str, object]:
    """What was counted at each step; fails where anything is lost, changed or there twice."""
    source = tree("1M")
    if isinstance(source, str):
        return {"": source}
    chance = random.Random(12)
    with tempfile.TemporaryDirectory(dir=cache()) as name:
        folder, data = Path(name) / "logs", Path(name) / "data"
        _linked(source.path, folder)
        injected = _inject(folder, chance)
        expected = _digests(folder)
        rows: dict[str, dict[str, object]] = {
            "tree": {"records": sum(expected.values()), "distinct": len(expected),
                     "injected": injected}
        }  # fmt: skip
        rows["kills"] = _kill_often(folder, data, chance)
        rows["import to its end"] = _import(folder, data) | _checked(data, expected)
        again = Path(name) / "again"
        folder.rename(again)
        rows["import from elsewhere"] = _import(again, data) | _checked(data, expected)
        assert rows["import from elsewhere"]["added"] == 0
        rows["joined"] = {"segments joined": _join(data)} | _checked(data, expected)
    show("In = out", rows)
    return dict(rows)


def _linked(source: Path, folder: Path) -> None:
    for path in source.rglob("*.json.gz"):
        target = folder / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(path, target)


def _raws(path: Path) -> list[bytes]:
    return list(map(bytes, _BODY.decode(gzip.decompress(path.read_bytes()))["Records"]))


def _inject(folder: Path, chance: random.Random) -> int:
    """Records of some files once more, in files of their own names; how many."""
    files = sorted(folder.rglob("*.json.gz"))
    repeated = chance.sample(files, len(files) // REPEATED_PART)
    injected = 0
    for number in range(0, len(repeated), 10):
        raws = [raw for path in repeated[number : number + 10] for raw in _raws(path)]
        raws += chance.sample(raws, len(raws) // 3)
        chance.shuffle(raws)
        beside = repeated[number]
        stem = beside.name.rpartition("_")[0]
        body = b'{"Records":[' + b",".join(raws) + b"]}"
        beside.with_name(f"{stem}_{number:016}.json.gz").write_bytes(gzip.compress(body, 1))
        injected += len(raws)
    return injected


def _digest(raw: bytes) -> bytes:
    return blake2b(raw, digest_size=16).digest()


def _digests(folder: Path) -> Counter[bytes]:
    found: Counter[bytes] = Counter()
    for path in folder.rglob("*.json.gz"):
        found.update(map(_digest, _raws(path)))
    return found


def _command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "opentrail", "import", str(folder), "--format", "json"]


def _kill_often(folder: Path, data: Path, chance: random.Random) -> dict[str, object]:
    """Kill it a moment after it appended something; what the store held each time."""
    held: list[int] = []
    for _ in range(KILLS):
        reader = SegmentEventReader(data / "events")
        before = reader.figures().segments
        process = subprocess.Popen(
            _command(folder), env=environment(data),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while process.poll() is None and reader.figures().segments == before:
            time.sleep(0.05)
        time.sleep(chance.uniform(0.0, LONGEST_SECONDS))
        if process.poll() is None:
            process.kill()
            held.append(reader.figures().events)
        process.wait()
        reader.close()
    return {"kills": len(held), "events at the first, last kill": f"{held[:1]}, {held[-1:]}"}


def _import(folder: Path, data: Path) -> dict[str, object]:
    began = time.perf_counter()
    done = subprocess.run(
        _command(folder), env=environment(data), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads(done.stdout)
    records = report["records"]
    assert records["found"] == records["added"] + records["duplicates"] + records["quarantined"]
    return {
        "found": records["found"], "added": records["added"],
        "duplicates": records["duplicates"], "conflicts": records["conflicts"],
        "s": round(time.perf_counter() - began, 1),
    }  # fmt: skip


def _checked(data: Path, expected: Counter[bytes]) -> dict[str, object]:
    """Every record once, no file too many."""
    store = SegmentEventStore(data / "events", SystemClock())
    found = Counter(_digest(one.raw) for one in store.stream(Search(limit=None)))
    lost = len(expected.keys() - found.keys())
    strange = len(found.keys() - expected.keys())
    twice = sum(count > 1 for count in found.values())
    swept = store.sweep()
    names = {segment.entry.name for segment in store.segments()}
    orphans = {path.stem for path in (data / "events").glob("*-*.*")} - names
    store.close()
    assert (lost, strange, twice, len(orphans)) == (0, 0, 0, 0), (lost, strange, twice, orphans)
    return {"in the store": len(found), "lost": lost, "changed": strange, "twice": twice,
            "swept segments": swept}  # fmt: skip


def _join(data: Path) -> int:
    store = SegmentEventStore(data / "events", SystemClock())
    joined = 0
    while step := store.compact():
        joined += step
    store.close()
    return joined
