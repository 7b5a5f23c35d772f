"""Percentiles, tables, and the memory of a process and its children."""

import math
import os
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.table import Table

PAUSE_SECONDS = 0.05


def percentile(values: Sequence[float], part: float) -> float:
    """The least value that `part` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


def milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    """p50, p99 and the highest."""
    return {
        "p50 ms": round(percentile(seconds, 0.5) * 1e3, 2),
        "p99 ms": round(percentile(seconds, 0.99) * 1e3, 2),
        "max ms": round(max(seconds) * 1e3, 2),
        "asked": len(seconds),
    }


def show(title: str, rows: dict[str, dict[str, object]]) -> None:
    """One table: a row a name, a column a figure."""
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    # Ratios first.
    names.sort(key=lambda name: "/" not in name)
    table = Table(title=title)
    table.add_column("")
    for name in names:
        table.add_column(name, justify="right")
    for name, row in rows.items():
        table.add_row(name, *(str(row.get(column, "")) for column in names))
    Console(width=180).print(table)


class Memory:
    """The most memory that a process and all below it had, MB; looked at 20 times a second."""

    def __init__(self, process: int) -> None:
        self._process = process
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.anonymous = 0.0
        self.total = 0.0
        self.largest = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def told(self) -> dict[str, object]:
        return {
            "anonymous MB": round(self.anonymous),
            "proportional MB": round(self.total),
            "largest process MB": round(self.largest),
        }

    def _watch(self) -> None:
        while not self._stop.wait(PAUSE_SECONDS):
            found = [one for process in _family(self._process) if (one := _memory(process))]
            self.anonymous = max(self.anonymous, sum(one[0] for one in found))
            self.total = max(self.total, sum(one[1] for one in found))
            self.largest = max([self.largest, *(one[0] for one in found)])


def _family(process: int) -> list[int]:
    found = [process]
    for one in found:
        for path in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                found += map(int, path.read_text().split())
            except OSError:
                continue
    return found


def _memory(process: int) -> tuple[float, float] | None:
    """Anonymous and proportional MB: of pages that processes share each has its part."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    figures = {line.split(":")[0]: line.split() for line in lines}
    if "Pss" not in figures:
        return None
    return int(figures["Pss_Anon"][1]) / 1024, int(figures["Pss"][1]) / 1024


def timed(command: list[str], environment: dict[str, str]) -> tuple[dict[str, float], str, Memory]:
    """Wall and CPU seconds of a program and its children, what it printed, and its memory."""
    began = time.perf_counter()
    before = os.times()
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with Memory(process.pid) as memory:
        output, errors = process.communicate()
    assert process.returncode == 0, errors[-2000:]
    after = os.times()
    cpu = (after.children_user + after.children_system) - (
        before.children_user + before.children_system
    )
    return {"s": time.perf_counter() - began, "cpu s": cpu}, output, memory
