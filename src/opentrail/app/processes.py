"""Programs that run beside this one: started, watched, started again, and never left behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

_PR_SET_PDEATHSIG = 1
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0

_log = structlog.get_logger()
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run.

    Attributes:
        environment: The child's whole environment.
        output: The file that takes what the program prints.
        death_signal: What the kernel sends it when this process dies, however it dies.
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    output: Path
    death_signal: signal.Signals = signal.SIGTERM


@dataclass(slots=True)
class Child:
    """A running Program."""

    program: Program
    process: subprocess.Popen[bytes]
    started: float
    pause: float = FIRST_PAUSE_SECONDS
    again_at: float | None = field(default=None)


class Processes:
    """The children of this process; used from its main thread only.

    The kernel's death signal is tied to the thread that starts a child.
    """

    def __init__(self) -> None:
        self._children: list[Child] = []

    def start(self, program: Program) -> None:
        """Run `program` until `stop`."""
        self._children.append(Child(program, _spawn(program), time.monotonic()))

    def watch(self) -> None:
        """Start again what ended; to be called now and then."""
        now = time.monotonic()
        for child in self._children:
            code = child.process.poll()
            if code is None:
                continue
            if child.again_at is None:
                long_run = now - child.started > LONGEST_PAUSE_SECONDS
                child.pause = (
                    FIRST_PAUSE_SECONDS if long_run else min(child.pause * 2, LONGEST_PAUSE_SECONDS)
                )
                child.again_at = now + child.pause
                _log.error(
                    "child_ended",
                    name=child.program.name,
                    code=code,
                    output=str(child.program.output),
                    again_in_seconds=child.pause,
                )
            elif now >= child.again_at:
                child.again_at = None
                child.started = now
                child.process = _spawn(child.program)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to the child of that name, if it runs."""
        for child in self._children:
            if child.program.name == name and child.process.poll() is None:
                child.process.send_signal(number)

    def stop(self, name: str, *, patience_seconds: float = 10.0) -> None:
        """End the child of that name and wait for it; kill it if it does not end."""
        for child in [one for one in self._children if one.program.name == name]:
            self._children.remove(child)
            if child.process.poll() is None:
                child.process.terminate()
                try:
                    child.process.wait(patience_seconds)
                except subprocess.TimeoutExpired:
                    _log.warning("child_killed", name=name)
                    child.process.kill()
                    child.process.wait()


def _spawn(program: Program) -> subprocess.Popen[bytes]:
    parent = os.getpid()

    def tie() -> None:
        # Between fork and exec: nothing but these calls.
        _libc.prctl(_PR_SET_PDEATHSIG, int(program.death_signal))
        if os.getppid() != parent:
            os._exit(1)

    fd = os.open(program.output, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    try:
        return subprocess.Popen(  # noqa: S603 - our own argument lists
            list(program.arguments),
            env=dict(program.environment),
            stdin=subprocess.DEVNULL,
            stdout=fd,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches this process alone, which stops them in order
            preexec_fn=tie,  # noqa: PLW1509 - only async-signal-safe calls in it
        )
    finally:
        os.close(fd)


def free_ports(count: int) -> tuple[int, ...]:
    """Ports of the loopback that nobody listens on now."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return tuple(int(one.getsockname()[1]) for one in sockets)


def wait_until(ready: Callable[[], bool], *, seconds: float) -> bool:
    """Whether `ready` came true within `seconds`."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def listens(port: int) -> bool:
    """Whether something accepts connections on that port of the loopback."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False
