"""A function's run: a child process with a time-out, limits, and little of what it says kept."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from opentrail.targets.function import Function

LAUNCHER = Path(__file__).with_name("launcher.py")
MEMORY_BYTES = 1024 * 1024 * 1024
"""Of address space; boto3 takes a third of it."""
FILE_BYTES = 128 * 1024 * 1024
OUTPUT_BYTES = 64 * 1024
"""Kept of what it prints: as many of the first bytes and of the last."""
RESULT_BYTES = 256 * 1024
END_SECONDS = 3.0
"""For the launcher, to kill what the function left."""

TIMED_OUT = "timed out"
_PIECE = 64 * 1024
_LOOK_SECONDS = 0.2
_SIGNALLED = 128
"""What the launcher adds to the number of the signal that ended the function."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How a function ended.

    Attributes:
        status: `exit 0`, `exit 1`, `signal 9`, `timed out`.
        output: What it printed, the middle left out.
        result: What a Python handler returned, as JSON.
    """

    status: str
    output: bytes
    result: bytes

    @property
    def succeeded(self) -> bool:
        """Whether it ended as it should."""
        return self.status == "exit 0"


def run_function(
    function: Function, event: bytes, request_id: str, environment: Mapping[str, str]
) -> Run:
    """Run it; everything that it started has ended on return.

    Args:
        event: What it gets: on its standard input, and parsed as the handler's first argument.
        environment: What it is told besides a few things that every program needs.
    """
    with ExitStack() as held:
        work = held.enter_context(
            tempfile.TemporaryDirectory(prefix="opentrail-function-", ignore_cleanup_errors=True)
        )
        stdin = held.enter_context(tempfile.TemporaryFile())
        stdin.write(event)
        stdin.seek(0)
        output, printing = os.pipe()
        result, returning = os.pipe()
        gathered = {output: _Ends(OUTPUT_BYTES), result: _Ends(RESULT_BYTES)}
        for one in gathered:
            held.callback(os.close, one)
        deadline = time.monotonic() + function.timeout_seconds
        try:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-I", str(LAUNCHER), _config(function, request_id, returning)],
                stdin=stdin,
                stdout=printing,
                stderr=printing,
                pass_fds=(returning,),
                env=_usual(work) | dict(environment),
                cwd=work,
                start_new_session=True,
            )
        finally:
            os.close(printing)
            os.close(returning)
        with _reading(gathered) as selector:
            status = _follow(process, selector, gathered, deadline)
    return Run(status=status, output=gathered[output].kept(), result=gathered[result].kept())


def _config(function: Function, request_id: str, result: int) -> str:
    file, handler = function.handler
    return json.dumps(
        {
            "parent": os.getpid(),
            "command": list(function.command),
            "file": file,
            "handler": handler,
            "name": function.name,
            "arn": function.arn,
            "request_id": request_id,
            "seconds": function.timeout_seconds,
            "result": result,
            "cpu_seconds": function.timeout_seconds + 1,
            "memory_bytes": MEMORY_BYTES,
            "file_bytes": FILE_BYTES,
        }
    )


def _usual(work: str) -> dict[str, str]:
    """What every program needs; nothing else of this process's environment goes on."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": work,
        "TMPDIR": work,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextmanager
def _reading(gathered: Mapping[int, _Ends]) -> Iterator[selectors.BaseSelector]:
    with selectors.DefaultSelector() as selector:
        for one in gathered:
            selector.register(one, selectors.EVENT_READ)
        yield selector


def _follow(
    process: subprocess.Popen[bytes],
    selector: selectors.BaseSelector,
    gathered: Mapping[int, _Ends],
    deadline: float,
) -> str:
    """Read along until it ends or is ended; how it ended."""
    _gather(process, selector, gathered, deadline)
    with suppress(subprocess.TimeoutExpired):
        code = process.wait(max(0.0, deadline - time.monotonic()))
        return f"exit {code}" if 0 <= code <= _SIGNALLED else f"signal {abs(code) % _SIGNALLED}"
    process.terminate()
    _gather(process, selector, gathered, time.monotonic() + END_SECONDS)
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return TIMED_OUT


def _gather(
    process: subprocess.Popen[bytes],
    selector: selectors.BaseSelector,
    gathered: Mapping[int, _Ends],
    deadline: float,
) -> None:
    """Read until both pipes end, or nobody is left who would write, or the time is over."""
    while selector.get_map() and (left := deadline - time.monotonic()) > 0:
        ready = selector.select(min(left, _LOOK_SECONDS))
        for key, _ in ready:
            piece = os.read(key.fd, _PIECE)
            if piece:
                gathered[key.fd].add(piece)
            else:
                selector.unregister(key.fd)
        if not ready and process.poll() is not None:
            return


class _Ends:
    """The first bytes of a stream and the last ones; those in between are counted."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._first = b""
        self._last = b""
        self._left_out = 0

    def add(self, piece: bytes) -> None:
        room = self._most - len(self._first)
        self._first += piece[:room]
        self._last += piece[room:]
        over = len(self._last) - self._most
        if over > 0:
            self._last = self._last[over:]
            self._left_out += over

    def kept(self) -> bytes:
        if not self._left_out:
            return self._first + self._last
        between = f"\n[{self._left_out} bytes left out]\n".encode()
        return self._first + between + self._last
