"""Run the benchmarks of the names given, or all; print tables and write results.json.

Every figure is to be read beside its peer's from the same run: machines and moments differ.
"""

import importlib
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

HERE = Path(__file__).parent
NAMES = (
    "gateway", "capacity", "decoding", "records", "log_files", "verification", "event_store",
    "sigma_rules", "filter_patterns", "watching", "event_rules", "alarms", "responding", "logs_insights", "insights",
    "insights_weeks",
)  # fmt: skip
TESTS = HERE.parent / "tests"
sys.path[:0] = [str(HERE), str(TESTS / "aws"), str(TESTS / "contract")]


def machine() -> str:
    """The machine in one line."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(": ")[2] for line in lines if "model name" in line), "")
    return f"{os.cpu_count()} x {model or platform.machine()}, Python {platform.python_version()}"


def main() -> None:
    """Run and tell."""
    console = Console()
    wanted = sys.argv[1:] or NAMES
    results: dict[str, object] = {
        "machine": machine(), "when": datetime.now(UTC).isoformat(timespec="seconds")
    }  # fmt: skip
    for name in wanted:
        with console.status(f"{name} …"):
            results[name] = importlib.import_module(name).run()
        console.print_json(json.dumps({name: results[name]}, ensure_ascii=False))
    (HERE / "results.json").write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
