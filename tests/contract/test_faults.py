"""The gateway under kill, full and failing disks, few descriptors, little memory, stopped processes.

Rows R01, R04, R05, R09 to R11, S09, L01 and P16 of the fault catalogue (docs/explanation/faults.md).
"""

import asyncio
import json
import os
import random
import resource
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from backends import KEY, SECRET, Backends, adopt_key, backends
from botocore.exceptions import ClientError
from load import Load, loaded, signed_head
from running import Running, make, running, wait_for

from opentrail.adapters.journal import SegmentJournalReader
from opentrail.app.embedded import SEAWEED
from opentrail.app.telemetry.status import read_status

pytestmark = [pytest.mark.contract, pytest.mark.alone, pytest.mark.timeout(600)]

KILLS = int(os.environ.get("OPENTRAIL_TEST_KILLS", "8"))
"""The catalogue's 200 take a quarter of an hour; the figure of a whole run is in the docs."""

PATH = "/faults/object"


@pytest.fixture(scope="module")
def behind() -> Iterator[Backends]:
    with backends() as made:
        yield made


@pytest.fixture
def server(tmp_path: Path, behind: Backends) -> Iterator[Running]:
    with running(tmp_path / "data", *behind.arguments, **behind.settings) as made:
        prepare(made)
        yield made


def prepare(server: Running) -> None:
    adopt_key(server)
    s3 = server.client("s3")
    with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket="faults")
    s3.put_object(Bucket="faults", Key="object", Body=b"x" * 100)


def call(server: Running, **options: Any) -> Load:
    head = signed_head(server.port, PATH, KEY, SECRET)
    return asyncio.run(loaded(server.port, head, **({"connections": 16, "seconds": 1.0} | options)))


def call_beside(server: Running, **options: Any) -> Callable[[], Load]:
    """Call in a thread; what came of it when asked."""
    found: list[Load] = []
    thread = threading.Thread(target=lambda: found.append(call(server, **options)))
    thread.start()

    def result() -> Load:
        thread.join()
        return found[0]

    return result


def recorded(server: Running) -> Counter[str]:
    """Marks in the journal, and every other record by its event name."""
    reader = SegmentJournalReader(server.data / "journal")
    found: Counter[str] = Counter()
    offset = reader.first()
    while entries := reader.read(offset, 1 << 22):
        for entry in entries:
            record = json.loads(entry.raw)
            unknown = "?" if record.get("errorCode") == "OutcomeUnknown" else ""
            name = record["eventName"]
            found[record["userAgent"] + unknown if name == "GetObject" else name] += 1
        offset = entries[-1].next_offset
    return found


def check(server: Running, *loads: Load) -> Counter[str]:
    """Every acknowledged call has exactly one record; none has two."""
    found = recorded(server)
    for load in loads:
        missing = [mark for mark in load.acknowledged if found[mark] != 1]
        assert not missing, f"{len(missing)} of {len(load.acknowledged)}: {missing[:5]}"
    assert not [mark for mark, count in found.items() if "-" in mark and count > 1]
    return found


def main_process(server: Running) -> int:
    assert server.process is not None
    return server.process.pid


def worker_process(server: Running) -> int:
    children = subprocess.run(
        ["ps", "--ppid", str(main_process(server)), "-o", "pid=,args="],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    line = next(one for one in children.splitlines() if "run workers" in one)
    return int(line.split()[0])


def test_r01_killed_at_random_under_load(tmp_path: Path, behind: Backends) -> None:
    server = make(tmp_path / "data", *behind.arguments, **behind.settings)
    server.start()
    prepare(server)
    chance, loads, starts = random.Random(5), [], []
    for kill in range(KILLS):
        under_way = call_beside(server, seconds=1.2, name=f"k{kill}n")
        time.sleep(chance.uniform(0.3, 1.0))
        server.kill()
        loads.append(under_way())
        began = time.monotonic()
        server.start()
        starts.append(time.monotonic() - began)

    found = check(server, *loads)

    acknowledged = sum(len(load.acknowledged) for load in loads)
    unknown = sum(count for mark, count in found.items() if mark.endswith("?"))
    print(
        f"{KILLS} kills, {acknowledged} acknowledged, {unknown} unknown, start {max(starts):.1f} s"
    )
    assert acknowledged > 100 * KILLS
    assert unknown > 0  # calls under way when killed are told, not forgotten
    assert found["RecordingGap"] > 0
    assert all(not found[mark.rstrip("?")] for mark in found if mark.endswith("?"))
    server.stop()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 50 MB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=50m", "tmpfs", str(place)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


def fill(disk: Path) -> None:
    with (disk / "filler").open("wb") as filler, pytest.raises(OSError, match="space"):
        while True:
            filler.write(bytes(1 << 20))
            filler.flush()


def test_r04_a_full_disk_spools_and_survives_a_kill(
    small_disk: Path, tmp_path: Path, behind: Backends
) -> None:
    second = tmp_path / "second-disk"
    with running(small_disk / "data", *behind.arguments, OPENTRAIL_FAIL_MODES="*=spool",
                 OPENTRAIL_SPOOL=str(second), **behind.settings) as server:  # fmt: skip
        prepare(server)
        fill(small_disk)
        loads: list[Load] = []
        for turn in range(40):
            loads.append(call(server, seconds=2.0, name=f"spool{turn}n"))
            assert set(loads[-1].marks) == {200}
            if second.exists():
                break
        assert second.exists()
        loads.append(call(server, seconds=0.5, name="aside"))
        server.kill()

        subprocess.run(["mount", "-o", "remount,size=300m", str(small_disk)], check=True)
        server.start()

        check(server, *loads)
        assert call(server, seconds=0.5, name="again").acknowledged
        assert not list(second.glob("*/*.seg"))


def test_r04_a_full_disk_refuses_and_resumes_by_itself(small_disk: Path, behind: Backends) -> None:
    with running(small_disk / "data", *behind.arguments, **behind.settings) as server:
        prepare(server)
        fill(small_disk)
        loads: list[Load] = []
        for turn in range(40):
            loads.append(call(server, seconds=2.0, name=f"full{turn}n"))
            if 503 in loads[-1].marks:
                break
        refused = call(server, seconds=0.5, name="refused")
        assert set(refused.marks) == {503}
        assert refused.retry_after == len(refused.marks[503])

        subprocess.run(["mount", "-o", "remount,size=300m", str(small_disk)], check=True)
        began = time.monotonic()
        wait_for(lambda: call(server, seconds=0.2, name="back").acknowledged, seconds=10)
        assert time.monotonic() - began < 10

        found = check(server, *loads, refused)
        assert found["RecordingOutage"] >= 1
        assert all(found[mark] <= 1 for load in loads for mark in load.marks.get(503, []))
        assert server.run("opentrail", "status", check=False).returncode == 0


@pytest.mark.parametrize("error", ["EROFS", "EIO"])
def test_r05_a_disk_that_turns_read_only(server: Running, error: str) -> None:
    before = call(server, name="before")
    faults = subprocess.Popen(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(main_process(server)), "-e",
         f"inject=pwrite64,fdatasync,fsync,rename:error={error}"],
    )  # fmt: skip
    time.sleep(1.0)
    during = call(server, seconds=2.0, name="during")
    faults.send_signal(signal.SIGINT)
    faults.wait(20)
    began = time.monotonic()
    wait_for(lambda: call(server, seconds=0.2, name="after").acknowledged, seconds=10)
    assert time.monotonic() - began < 10

    assert set(during.marks) == {503}
    found = check(server, before, during)
    assert found["RecordingOutage"] >= 1


def test_r09_without_descriptors_calls_are_refused_and_come_back(server: Running) -> None:
    pid = main_process(server)
    used = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 6, hard))
    starved = call(server, connections=40, seconds=2.0, name="starved")
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
    wait_for(lambda: len(call(server, seconds=0.5, name="fed").acknowledged) > 50, seconds=15)

    assert set(starved.marks) <= {200, 503}
    check(server, starved)


def test_r10_memory_stays_bounded(server: Running) -> None:
    groups = Path("/sys/fs/cgroup/memory")
    if not os.access(groups, os.W_OK) or not (groups / "memory.limit_in_bytes").exists():
        pytest.skip("no cgroup (v1) of memory can be made here")
    group = groups / f"opentrail-{os.getpid()}"
    group.mkdir()
    try:
        (group / "memory.limit_in_bytes").write_text(str(256 << 20))
        (group / "cgroup.procs").write_text(str(main_process(server)))
        load = call(server, connections=64, seconds=6.0, name="memory")
        peak = int((group / "memory.max_usage_in_bytes").read_text())
        status = Path(f"/proc/{main_process(server)}/status").read_text()
        resident = int(status.split("VmHWM:")[1].split()[0])
        print(
            f"{len(load.acknowledged)} calls, group {peak >> 20} MB, resident {resident >> 10} MB"
        )
    finally:
        (groups / "cgroup.procs").write_text(str(main_process(server)))
        group.rmdir()

    assert load.broken == 0
    assert resident < 256 * 1024
    check(server, load)


def test_r11_a_stopped_worker_holds_up_nobody_and_catches_up(server: Running) -> None:
    worker = worker_process(server)
    os.kill(worker, signal.SIGSTOP)
    load = call(server, seconds=3.0, name="stopped")
    server.client("iam").create_user(UserName="while-stopped")
    os.kill(worker, signal.SIGCONT)

    assert set(load.marks) == {200}
    trails = server.client("cloudtrail")
    wait_for(lambda: trails.lookup_events(
        LookupAttributes=[{"AttributeKey": "ResourceName", "AttributeValue": "while-stopped"}]
    )["Events"])  # fmt: skip
    check(server, load)


def test_r11_a_stopped_gateway_goes_on_where_it_was(server: Running) -> None:
    under_way = call_beside(server, seconds=5.0, name="frozen")
    time.sleep(1)
    os.kill(main_process(server), signal.SIGSTOP)
    time.sleep(2.5)
    os.kill(main_process(server), signal.SIGCONT)
    load = under_way()

    assert load.broken == 0
    assert set(load.marks) == {200}
    assert max(load.seconds) > 2
    check(server, load)


def test_s09_an_upstream_that_hangs_or_dies(tmp_path: Path, behind: Backends) -> None:
    with running(tmp_path / "data", *behind.arguments, OPENTRAIL_UPSTREAM_TIMEOUT_SECONDS="2",
                 **behind.settings) as server:  # fmt: skip
        prepare(server)
        s3 = server.client("s3")
        s3.put_object(Bucket="faults", Key="large", Body=bytes(8 << 20))
        behind.processes.signal(SEAWEED, signal.SIGSTOP)
        try:
            with pytest.raises(ClientError, match="GatewayTimeout"):
                s3.get_object(Bucket="faults", Key="object")
        finally:
            behind.processes.signal(SEAWEED, signal.SIGCONT)
        assert server.records(name="GetObject")[-1]["errorCode"] == "GatewayTimeout"

        body = s3.get_object(Bucket="faults", Key="large")["Body"]
        body.read(1000)
        behind.pause_store()
        with pytest.raises(Exception, match=r"(?i)broken|incomplete|closed|reset|read"):
            while body.read(1 << 20):
                time.sleep(0.05)
        behind.resume_store()
        broken = wait_for(lambda: [one for one in server.records(name="GetObject")
                                   if one.get("errorCode") == "IncompleteResponse"])  # fmt: skip
        assert broken[0]["requestParameters"]["key"] == "large"
        wait_for(lambda: call(server, connections=1, seconds=0.2, name="again").acknowledged)


def test_l01_ten_times_as_many_callers_do_not_break_it_down(server: Running) -> None:
    peak = call(server, connections=16, seconds=3.0, name="peak")
    over = call(server, connections=160, seconds=4.0, name="over")

    assert set(over.marks) == {200}
    assert over.broken == 0
    rate, overload = len(peak.acknowledged) / 3, len(over.acknowledged) / 4
    print(f"{rate:.0f}/s with 16, {overload:.0f}/s with 160, p99 {over.p(0.99):.3f} s")
    check(server, peak, over)


def was_ended(client: socket.socket) -> bool:
    """Whether the other side closed the connection."""
    client.settimeout(0.05)
    try:
        return client.recv(100) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


def test_p16_slow_clients_are_cut_off_and_others_do_not_wait(server: Running) -> None:
    alone = call(server, connections=4, seconds=2.0, name="alone")
    slow = []
    for number in range(1000):
        client = socket.create_connection(("127.0.0.1", server.port))
        if number % 2:
            client.sendall(b"GET /faults/object HTTP/1.1\r\nHost: h\r\nX-Slow: ")
        else:
            client.sendall(b"PUT /faults/slow HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n")
        slow.append(client)
    stop = threading.Event()

    def drip() -> None:
        while not stop.wait(1.0):
            for one in slow:
                try:
                    one.sendall(b"x")
                except OSError:
                    continue

    dripping = threading.Thread(target=drip)
    dripping.start()
    beside = call(server, connections=4, seconds=4.0, name="beside")
    time.sleep(9.5)
    stop.set()
    dripping.join()
    heads = slow[1::2]
    ended = sum(map(was_ended, heads))
    for one in slow:
        one.close()

    print(
        f"p99 {alone.p(0.99) * 1e3:.1f} ms alone, {beside.p(0.99) * 1e3:.1f} ms beside 1,000 slow"
    )
    assert ended == len(heads)  # a head has ten seconds, however it drips
    assert set(beside.marks) == {200}
    status = read_status(server.data)
    assert status is not None
    check(server, alone, beside)
