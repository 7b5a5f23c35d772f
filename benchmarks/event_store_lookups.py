"""LookupEvents by each attribute at 1 M and 10 M events of the same 90 days.

In a reader's own process, and over HTTP with signed calls of boto3 to `opentrail serve`; while
another process appends 1,000 events a second. Values are drawn in two ways: as often as they occur
(`frequent`), and every distinct one as likely (`distinct`). `warm`: everything was asked before;
`first minute`: of a fresh process, with the files out of the page cache.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from event_store_measures import Memory, milliseconds
from event_store_trees import environment, forget_pages, store, working_copy
from opentrail.adapters.events import SegmentEventStore
from opentrail.adapters.identities import add_key, make_default
from opentrail.app.processes import free_ports
from opentrail.clock import SystemClock
from opentrail.errors import InvalidInput
from opentrail.history.row import HistoryRow, history_row
from opentrail.record import read_record

PROGRAMS = str(Path(__file__).with_name("event_store_programs.py"))
VALUES = int(os.environ.get("OPENTRAIL_BENCH_VALUES", "250"))
"""Of each attribute and way of drawing."""

SAMPLED = 20_000
FIRST_SECONDS = 60.0
ATTRIBUTES: dict[str, Callable[[HistoryRow], str]] = {
    "": lambda _: "",
    "AccessKeyId": lambda row: row.access_key_id,
    "EventId": lambda row: row.event_id,
    "EventName": lambda row: row.event_name,
    "EventSource": lambda row: row.event_source,
    "ReadOnly": lambda row: row.read_only,
    "ResourceName": lambda row: row.resources[-1][1] if row.resources else "",
    "ResourceType": lambda row: row.resources[-1][0] if row.resources else "",
    "Username": lambda row: row.username,
}
Asked = tuple[str, str, str, str]
"""Account, region, attribute, value."""


def run() -> dict[str, dict[str, object]]:
    """By size, way, moment and attribute: p50 and p99; then how 10 M compares with 1 M."""
    found: dict[str, dict[str, object]] = {}
    for size in ("1M", "10M"):
        kept = store(size)
        if isinstance(kept, str):
            found[size] = {"": kept}
            continue
        questions = values_of(kept)
        with working_copy(kept) as data, arriving(data) as appended:
            found |= _in_process(size, data, questions)
            found |= _over_http(size, data, questions)
            found[f"{size} arriving"] = {"events a second": appended()}
    return found | growth(found)


def values_of(data: Path) -> dict[str, list[Asked]]:
    """What to ask, by attribute and way of drawing."""
    chance = random.Random(3)
    rows = list(_rows(data, chance))
    found: dict[str, list[Asked]] = {}
    for attribute, value_of in ATTRIBUTES.items():
        asked = [
            (row.account_id, row.region, attribute, value)
            for row in rows
            if (value := value_of(row)) or not attribute
        ]
        if not asked:
            continue
        title = attribute or "none"
        found[f"{title}, frequent"] = chance.choices(asked, k=VALUES)
        found[f"{title}, distinct"] = chance.choices(sorted(set(asked)), k=VALUES)
    return found


def _rows(data: Path, chance: random.Random) -> Iterator[HistoryRow]:
    """Of management events, drawn evenly from the whole store."""
    opened = SegmentEventStore(data / "events", SystemClock())
    segments = opened.segments()
    weights = [segment.entry.rows for segment in segments]
    for segment in chance.choices(segments, weights, k=SAMPLED):
        raw = segment.records.at(chance.randrange(segment.entry.rows))
        try:
            record = read_record(raw)
            if record.head.event_category == "Management":
                yield history_row(record)
        except (InvalidInput, ValueError):
            continue
    opened.close()


@contextmanager
def arriving(data: Path) -> Iterator[Callable[[], int]]:
    """1,000 events a second come in for the length of a block; how many that really were."""
    process = subprocess.Popen(
        [sys.executable, PROGRAMS, "append", str(data)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    began = time.monotonic()
    come = 0

    def rate() -> int:
        nonlocal come
        assert process.poll() is None
        for line in process.stdout or ():
            come += int(line)
        return round(come / (time.monotonic() - began))

    try:
        time.sleep(2)
        yield rate
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def asked_of(
    program: str, data: Path, asked: list[Any], *, rounds: int = 1, pause: float = 0.0
) -> tuple[list[tuple[float, int]], Memory]:
    """Seconds and rows of each question put to a fresh process, in its last round."""
    process = subprocess.Popen(
        [sys.executable, PROGRAMS, program, str(data)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with Memory(process.pid) as memory:
        order = {"rounds": rounds, "pause": pause, "asked": asked}
        output, _ = process.communicate(json.dumps(order))
    assert process.returncode == 0
    return json.loads(output), memory


def _in_process(
    size: str, data: Path, questions: dict[str, list[Asked]]
) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    every = [one for asked in questions.values() for one in asked]
    seconds, memory = asked_of("ask", data, every, rounds=2)
    for number, title in enumerate(questions):
        own = seconds[number * VALUES : (number + 1) * VALUES]
        found[f"{size} in process, warm, {title}"] = {
            **milliseconds([one for one, _ in own]),
            "events shown": sum(rows for _, rows in own),
        }
    found[f"{size} in process, warm, all"] = {
        **milliseconds([one for one, _ in seconds]), **memory.told()
    }  # fmt: skip
    some = random.Random(4).sample(every, min(len(every), int(FIRST_SECONDS * 20)))
    forget_pages(data / "events")
    first, memory = asked_of("ask", data, some, pause=0.05)
    found[f"{size} in process, first minute, all"] = {
        **milliseconds([one for one, _ in first]), **memory.told()
    }  # fmt: skip
    return found


@contextmanager
def serving(data: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """`opentrail serve` on that port; nothing is behind it."""
    (nowhere,) = free_ports(1)
    process = subprocess.Popen(
        [sys.executable, "-m", "opentrail", "serve", "--port", str(port),
         "--upstream", f"*=http://127.0.0.1:{nowhere}", "--upstream", f"s3=http://127.0.0.1:{nowhere}"],
        env=environment(data), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def client_of(data: Path, account: str, region: str, port: int) -> Any:
    """A boto3 client whose key belongs to that account."""
    path = data / "identities.toml"
    if not path.exists():
        make_default(path)
    key = add_key(path, "bench", account)
    return boto3.session.Session().client(
        "cloudtrail", region_name=region, endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id=key.access_key_id, aws_secret_access_key=key.secret_access_key,
        config=Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip


def first_answer(client: Any) -> None:
    """Wait until the server answers."""
    deadline = time.monotonic() + 120
    while True:
        try:
            client.lookup_events(MaxResults=50)
        except (BotoCoreError, ClientError):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        else:
            return


def _over_http(
    size: str, data: Path, questions: dict[str, list[Asked]]
) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    scopes = sorted({one[:2] for asked in questions.values() for one in asked})
    with ExitStack() as open_:
        forget_pages(data / "events")
        (port,) = free_ports(1)
        clients = {scope: client_of(data, *scope, port) for scope in scopes}
        process = open_.enter_context(serving(data, port))
        memory = open_.enter_context(Memory(process.pid))
        first_answer(next(iter(clients.values())))
        every = [one for asked in questions.values() for one in asked]
        some = random.Random(4).sample(every, min(len(every), int(FIRST_SECONDS * 20)))
        found[f"{size} HTTP, first minute, all"] = milliseconds(_called(clients, some, pause=0.03))
        # What boto3 and the server take for a call that looks nothing up.
        nothing = [(*scope, "EventId", "nothing") for scope in scopes] * 20
        found[f"{size} HTTP, nothing found"] = milliseconds(_called(clients, nothing))
        for title, asked in questions.items():
            _called(clients, asked[: VALUES // 2])
            found[f"{size} HTTP, warm, {title}"] = milliseconds(
                _called(clients, asked[: VALUES // 2])
            )
        found[f"{size} HTTP, server"] = memory.told()
    return found


def _called(clients: dict[Any, Any], asked: list[Asked], *, pause: float = 0.0) -> list[float]:
    seconds = []
    for account, region, attribute, value in asked:
        one = {"AttributeKey": attribute, "AttributeValue": value}
        words = {"LookupAttributes": [one]} if attribute else {}
        began = time.perf_counter()
        clients[account, region].lookup_events(MaxResults=50, **words)
        seconds.append(time.perf_counter() - began)
        time.sleep(pause)
    return seconds


def growth(found: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    """p99 at 10 M over p99 at 1 M (aim: below 2)."""
    told: dict[str, dict[str, object]] = {}
    for title, large in found.items():
        small = found.get(title.replace("10M", "1M", 1))
        if title.startswith("10M") and small and "p99 ms" in large and "p99 ms" in small:
            told[f"growth, {title.removeprefix('10M ')}"] = {
                f"{part}: 10M / 1M (aim < 2)": round(
                    float(str(large[f"{part} ms"])) / max(float(str(small[f"{part} ms"])), 0.01), 2
                )
                for part in ("p50", "p99")
            }
    return told
