"""Write docs/reference/decoding.md: how much of what botocore can say is understood.

Half a minute; `make docs` runs it. tests/aws/test_every_operation.py keeps it from getting worse.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import botocore
from rich.progress import track

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests" / "aws")]

from every_operation import judged, services  # noqa: E402 - beside the tests that use it
from test_protocol_cases import LEFT_OUT, cases  # noqa: E402


def main() -> None:
    """Decode everything and write the page."""
    requests: Counter[str] = Counter()
    named: Counter[str] = Counter()
    equal: Counter[str] = Counter()
    operations: set[tuple[str, str]] = set()
    exceptions: dict[str, str] = {}
    for service in track(services(), "decoding"):
        for one in judged(service):
            protocol = one.made.protocol
            operations.add((service, one.made.operation.name))
            requests[protocol] += 1
            named[protocol] += one.named
            equal[protocol] += one.equal
            if not one.equal:
                exceptions[f"{service}.{one.made.operation.name}"] = one.reason
    lines = [
        "<!-- written by tools/make_decoding_page.py -->",
        "# What is decoded",
        "",
        f"Every operation of botocore {botocore.__version__} ({len(operations):,}): a minimal and",
        "a full request of each, made by botocore's serializer in every protocol that the service",
        "speaks, decoded and compared with what it was made of.",
        "",
        "| protocol | requests | named right | equal parameters |",
        "|---|---|---|---|",
    ]
    for protocol in (*sorted(requests), "all"):
        count, right, same = (
            (sum(counter.values()) if protocol == "all" else counter[protocol])
            for counter in (requests, named, equal)
        )
        lines.append(f"| {protocol} | {count:,} | {_share(right, count)} | {_share(same, count)} |")
    lines += ["", "## Exceptions", "", "| operation | why |", "|---|---|"]
    lines += [f"| {name} | {reason} |" for name, reason in sorted(exceptions.items())]
    lines += [
        "",
        "## botocore's own protocol cases",
        "",
        f"{len(cases('input'))} requests and {len(cases('output'))} answers of its test suite",
        "are read as it says. Left out:",
        "",
        *(f"- {name}: {reason}" for name, reason in sorted(LEFT_OUT.items())),
        "",
        "Payloads that are the body itself (objects, event streams) are not decoded.",
        "",
    ]
    (ROOT / "docs" / "reference" / "decoding.md").write_text("\n".join(lines))


def _share(part: int, whole: int) -> str:
    """In percent, never rounded up to all."""
    return "100 %" if part == whole else f"{int(10000 * part / whole) / 100:.2f} %"


if __name__ == "__main__":
    main()
