"""(d) What many connections, large bodies, fail modes and floods do to the gateway."""

import asyncio
import os
import socket
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from load import loaded

from gateway import HEADERS, PATH
from loads import ROOT, nginx, opentrail, wrk
from opentrail.app.telemetry.status import read_status

GIB = 1 << 30
IDLE = 1000
SECONDS = 4


def run() -> dict[str, object]:
    """Figures of one server each, beside one nginx."""
    with ExitStack() as open_:
        directory = Path(open_.enter_context(tempfile.TemporaryDirectory(dir=ROOT)))
        behind = f"127.0.0.1:{open_.enter_context(nginx(directory / 'behind'))}"
        port = open_.enter_context(opentrail(directory / "data", behind))
        process = wait_for_process(directory / "data")
        found: dict[str, object] = {"memory, MB": memory(port, process)}
        found["one caller beside 128 connections of another"] = flood(port)
        found["fail modes, requests/s at 32 connections"] = modes(directory, behind)
    return found


def wait_for_process(data: Path) -> int:
    """The server's process."""
    while (status := read_status(data)) is None:
        time.sleep(0.1)
    return status.process


def resident(process: int) -> int:
    """MB of memory in use."""
    text = Path(f"/proc/{process}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) >> 10


def memory(port: int, process: int) -> dict[str, int]:
    """At the start, with idle connections, and during an upload."""
    asyncio.run(loaded(port, _head(), connections=4, seconds=1.0))
    at_first = resident(process)
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(IDLE)]
    time.sleep(1)
    with_idle = resident(process)
    for one in idle:
        one.close()
    highest = upload(port, process)
    return {"at first": at_first, f"{IDLE} idle connections": with_idle, "1 GiB upload": highest}


def upload(port: int, process: int) -> int:
    """Send a GiB; the most memory seen."""
    piece = bytes(1 << 20)
    highest = 0
    with socket.create_connection(("127.0.0.1", port)) as client:
        head = _head().replace("GET", "PUT", 1).replace("{mark}", "upload")
        client.sendall(head.replace("\r\n\r\n", f"\r\nContent-Length: {GIB}\r\n\r\n").encode())
        for number in range(GIB // len(piece)):
            client.sendall(piece)
            if number % 32 == 0:
                highest = max(highest, resident(process))
        client.recv(1 << 16)
    return highest


def flood(port: int) -> dict[str, float]:
    """p50 and p99 of a single caller in milliseconds, alone and beside another's flood."""

    async def both() -> tuple[dict[str, float], dict[str, float]]:
        alone = await loaded(port, _head("AKIAPOLITE"), connections=1, seconds=SECONDS)
        flooding = asyncio.create_subprocess_exec(
            "wrk", "-t1", "-c128", f"-d{SECONDS + 1}", "-H",
            "Authorization: " + HEADERS["Authorization"] % 1, "-H", "X-Amz-Date: 20261124T000000Z",
            f"http://127.0.0.1:{port}{PATH}", stdout=-3,
        )  # fmt: skip
        process = await flooding
        await asyncio.sleep(0.5)
        beside = await loaded(port, _head("AKIAPOLITE"), connections=1, seconds=SECONDS)
        await process.wait()
        return (
            {"p50 ms, alone": alone.p(0.5) * 1e3, "p99 ms, alone": alone.p(0.99) * 1e3},
            {"p50 ms, beside": beside.p(0.5) * 1e3, "p99 ms, beside": beside.p(0.99) * 1e3},
        )

    first, second = asyncio.run(both())
    return {name: round(value, 1) for name, value in (first | second).items()}


def modes(directory: Path, behind: str) -> dict[str, int]:
    """What the intents of mode `closed` cost."""
    found = {}
    for mode in ("closed", "open"):
        os.environ["OPENTRAIL_FAIL_MODES"] = f"*={mode}"
        with opentrail(directory / mode, behind) as port:
            url = f"http://127.0.0.1:{port}{PATH}"
            loads = [wrk(url, HEADERS, connections=32, seconds=SECONDS) for _ in range(3)]
        found[mode] = round(sorted(load.requests_a_second for load in loads)[1])
    del os.environ["OPENTRAIL_FAIL_MODES"]
    return found


def _head(key: str = "AKIAIOSFODNN7EXAMPLE") -> str:
    headers = {**HEADERS, "Authorization": HEADERS["Authorization"] % 7, "User-Agent": "{mark}"}
    lines = [f"GET {PATH} HTTP/1.1", "Host: bench"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").replace("AKIAIOSFODNN7EXAMPLE", key)
