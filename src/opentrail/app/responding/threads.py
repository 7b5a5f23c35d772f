"""Threads for what may take long and must not keep the process from ending."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

import structlog

_log = structlog.get_logger()


class DaemonThreads:
    """Up to `most` threads, started when they are needed, that last as long as the process.

    Children of these threads live no longer than they do (see adapters.targets.launcher), and each
    keeps its own connections to files.
    """

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._threads = 0
        self._idle = 0
        self._lock = threading.Lock()

    def start(self, job: Callable[[], None]) -> None:
        """Run `job` as soon as a thread is free."""
        with self._lock:
            if self._idle < self._jobs.qsize() + 1 and self._threads < self._most:
                self._threads += 1
                name = f"{self._name}-{self._threads}"
                threading.Thread(target=self._work, name=name, daemon=True).start()
        self._jobs.put(job)

    def _work(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            job = self._jobs.get()
            with self._lock:
                self._idle -= 1
            try:
                job()
            except Exception:  # noqa: BLE001 - a thread's outermost handler
                _log.exception("job_failed", thread=threading.current_thread().name)
