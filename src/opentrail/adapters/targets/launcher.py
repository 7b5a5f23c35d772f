"""Runs one function in a child of its own, and leaves nothing of it behind.

This file is a program: `python -I launcher.py CONFIG`, started anew for each run with nothing of
OpenTrail's environment. It takes limits upon itself, forks, and the child becomes the function.
When the function ends, or this program is told to end (SIGTERM: its time is over, or OpenTrail
died), every process that came from it is killed, also those that left their group or session: this
program is the one that orphans below it are given to.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import resource
import signal
import sys
import time
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
FAILED = 1
NOT_STARTED = 127
_ROUNDS = 100
"""Of killing: a process may make another while it is looked for."""


def main() -> int:
    """The function's exit code, or 128 and the signal that ended it."""
    config: dict[str, Any] = json.loads(sys.argv[1])
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGTERM, _ended)
    libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
    if os.getppid() != config["parent"]:
        return FAILED
    child = os.fork()
    if child == 0:
        libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os._exit(_become(config))
    code = _wait(child)
    _kill_descendants()
    return code


def _ended(_number: int, _frame: FrameType | None) -> None:
    _kill_descendants()
    os._exit(128 + signal.SIGTERM)


def _wait(child: int) -> int:
    """The child's exit code; orphans that end meanwhile are taken leave of."""
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _kill_descendants() -> None:
    for _ in range(_ROUNDS):
        below = _descendants()
        if not below:
            return
        for pid in below:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        _reap()


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return
    time.sleep(0.005)


def _descendants() -> set[int]:
    """Every living process below this one."""
    parents: dict[int, int] = {}
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            stat = Path(entry.path, "stat").read_bytes()
        except OSError:
            continue
        state, parent = stat.rpartition(b")")[2].split()[:2]
        if state != b"Z":
            parents[int(entry.name)] = int(parent)
    found: set[int] = set()
    level = {os.getpid()}
    while level:
        level = {pid for pid, parent in parents.items() if parent in level} - found
        found |= level
    return found


def _become(config: dict[str, Any]) -> int:
    for name, limit in (
        (resource.RLIMIT_CPU, config["cpu_seconds"]),
        (resource.RLIMIT_AS, config["memory_bytes"]),
        (resource.RLIMIT_FSIZE, config["file_bytes"]),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(name, (limit, limit))
    try:
        if config["command"]:
            os.set_inheritable(config["result"], False)
            os.execvp(config["command"][0], config["command"])  # noqa: S606 - what it is for
        return _handle(config)
    except BaseException:  # noqa: BLE001 - whatever the function raises is told
        traceback.print_exc()
        sys.stderr.flush()
        return NOT_STARTED if config["command"] else FAILED


def _handle(config: dict[str, Any]) -> int:
    file = config["file"]
    sys.path.insert(0, str(Path(file).parent))
    event = json.loads(sys.stdin.buffer.read())
    spec = importlib.util.spec_from_file_location(Path(file).stem, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    result = getattr(module, config["handler"])(event, Context(config))
    rest = memoryview(json.dumps(result).encode())
    while rest:
        rest = rest[os.write(config["result"], rest) :]
    sys.stdout.flush()
    return 0


class Context:
    """What a handler is told beside the event, with the names that Lambda's context has."""

    function_version = "$LATEST"

    def __init__(self, config: dict[str, Any]) -> None:
        self.function_name = config["name"]
        self.invoked_function_arn = config["arn"]
        self.aws_request_id = config["request_id"]
        self.memory_limit_in_mb = config["memory_bytes"] // 1024 // 1024
        self._end = time.monotonic() + config["seconds"]

    def get_remaining_time_in_millis(self) -> int:
        """Until the time-out."""
        return max(0, int((self._end - time.monotonic()) * 1000))


if __name__ == "__main__":
    code = main()
    # No clean-up of an interpreter that has nothing to clean up.
    os._exit(code)
