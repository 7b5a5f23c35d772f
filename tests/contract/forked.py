"""The process that `forking` speaks to: it has imported `aws` or `opentrail`, and forks for each run."""

import gc
import importlib
import json
import os
import select
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

MODULES = {"aws": ("awscli.clidriver", "awscli.handlers"), "opentrail": ("opentrail.cli",)}
"""The first has main(), the others are imported by each run.

Each program in a process of its own: with `awscli` come other modules under botocore's name.
"""


def serve(program: str, path: str) -> None:
    """Fork for each that connects, until the input ends."""
    before = dict(os.environ)
    imported = [importlib.import_module(name) for name in MODULES[program]]
    of_import = dict(os.environ.items() - before.items())
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(50)
        gc.freeze()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            waiting, _, _ = select.select([listener, 0], [], [])
            if 0 in waiting:
                return
            line = listener.accept()[0]
            if os.fork() == 0:
                break
            line.close()
            _bury()
    _answer(line, imported[0].main, of_import)


def _bury() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _answer(line: socket.socket, main: Callable[[], Any], of_import: dict[str, str]) -> None:
    """Tell the process id of the run, and its exit code when it has one."""
    files = socket.recv_fds(line, 10, 3)[1]
    process = os.fork()
    if process == 0:
        line.close()
        _set_up(*files, of_import)
        _run(main)
    line.sendall(b"%d\n" % process)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    line.sendall(b"%d\n" % code)
    os._exit(0)


def _set_up(asked: int, said: int, wrong: int, of_import: dict[str, str]) -> None:
    with open(asked, "rb") as file:
        file.seek(0)
        request = json.load(file)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, descriptor in enumerate((nothing, said, wrong)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(request["environment"] | of_import)
    sys.argv = request["words"]


def _run(main: Callable[[], Any]) -> None:
    """End as the program ends, but past the destructors of libraries.

    Those wait for threads that were begun with the import, and are not in a fork.
    """
    try:
        code = main()
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - it is told, as at the end of any program
        traceback.print_exc()
        code = 1
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.main_thread():
            thread.join()
    if isinstance(code, str):
        sys.stderr.write(code + "\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(int(code or 0) if not isinstance(code, str) else 1)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2])
