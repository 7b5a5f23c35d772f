"""The cases of tests/vectors/eventbridge."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "vectors" / "eventbridge"


def cases(name: str) -> list[Any]:
    """The cases of one file, in its order."""
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text().splitlines()]


def ids(some: list[Any]) -> list[str]:
    """What to call them."""
    return [one["id"] for one in some]
