"""`aws` and `opentrail` for tests: imported once, and forked for each run.

To import either takes about a second of a processor each time, for most commands far more than what
they do. A run is a process of its own as ever, with its own arguments, environment and output.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

FORKED = Path(__file__).with_name("forked.py")


class Forking:
    """The process that forks one of the two; it ends with this one."""

    def __init__(self, program: str) -> None:
        self._directory = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._path = Path(self._directory.name) / "socket"
        self._process = subprocess.Popen(
            [sys.executable, str(FORKED), program, str(self._path)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def run(
        self, words: list[str], environment: Mapping[str, str], *, timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Run the program, named by its path in `words[0]`; what subprocess.run() would return or raise."""
        request = json.dumps({"words": words, "environment": dict(environment)}).encode()
        with (
            tempfile.TemporaryFile() as asked,
            tempfile.TemporaryFile() as said,
            tempfile.TemporaryFile() as wrong,
            socket.socket(socket.AF_UNIX) as line,
        ):
            asked.write(request)
            asked.flush()
            line.connect(str(self._path))
            line.settimeout(timeout)
            socket.send_fds(line, [b"run"], [file.fileno() for file in (asked, said, wrong)])
            answers = line.makefile("r")
            process = int(answers.readline())
            try:
                code = int(answers.readline())
            except TimeoutError:
                os.kill(process, signal.SIGKILL)
                raise subprocess.TimeoutExpired(words, timeout) from None
            finally:
                answers.close()
            said.seek(0)
            wrong.seek(0)
            return subprocess.CompletedProcess(
                words, code, said.read().decode(), wrong.read().decode()
            )

    def close(self) -> None:
        self._process.communicate(timeout=20)
        self._directory.cleanup()
