"""(h) What 58 Sigma rules cost: each asked of every record, and by the index; and growth of rules.

Records are the generator's (see event_store_trees: OPENTRAIL_BENCH_DATA), else the real ones of the
tests over and over. Rules are those of the tests' vectors, and more of the same shapes;
OPENTRAIL_BENCH_SIGMA names a folder of rules (a clone of SigmaHQ/sigma) to be taken instead.
"""

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from event_store_trees import cache
from opentrail.adapters.findings import MemoryFindings
from opentrail.adapters.rule_files.parsing import parse_rules
from opentrail.aws.models import service_model
from opentrail.predicate.index import Predicate, PredicateIndex
from opentrail.predicate.matching import record_matcher
from opentrail.predicate.reading import decoded
from opentrail.sigma.detection import KEYS, Detection
from opentrail.sigma.ruleset import RuleSet

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from sigma_samples import WHERES, corpora, restated, rule_text

RECORDS = 50_000
RULES = 58
NOW = 1_900_000_000

Raw = tuple[dict[str, Any], bytes]


def run() -> dict[str, object]:
    """Microseconds a record."""
    records, kind = read_records()
    rules = rule_set(RULES)
    return {
        "records": f"{len(records)} {kind}",
        "rules": f"{len(rules.rules)} {'given' if given() else 'restated and made'}",
        "decode µs": of_each(lambda one: decoded(one[1]), records),
        "naive µs": naive(rules, records),
        "indexed µs": indexed(rules, records),
        "detection with findings µs": detection(rules, records),
        f"{len(WHERES)} rules and 10 correlations µs": detection(with_correlations(), records),
        "1,000 rules / 200 rules, indexed": round(
            indexed(rule_set(1000), records) / indexed(rule_set(200), records), 2
        ),
    }


def of_each(act: Callable[[Raw], object], records: list[Raw]) -> float:
    """The best of three rounds."""
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        for one in records:
            act(one)
        best = min(best, time.process_time() - began)
    return round(best / len(records) * 1e6, 2)


def naive(rules: RuleSet, records: list[Raw]) -> float:
    matchers = [record_matcher(one.where) for one in rules.rules.values()]

    def ask(one: Raw) -> None:
        for holds in matchers:
            holds(one[0])

    return of_each(ask, records)


def indexed(rules: RuleSet, records: list[Raw]) -> float:
    predicates = {
        key: Predicate(record_matcher(one.where), one.where) for key, one in rules.rules.items()
    }
    index = PredicateIndex(predicates, KEYS)
    return of_each(lambda one: index.matching(one[0]), records)


def detection(rules: RuleSet, records: list[Raw]) -> float:
    memory = MemoryFindings()
    asked = Detection(rules, memory)
    number = itertools.count()

    def look(one: Raw) -> None:
        asked.look(one[0], one[1], now=NOW)
        if next(number) % 2000 == 0:
            memory.commit(asked.take_changes())

    return of_each(look, records)


def given() -> str:
    return os.environ.get("OPENTRAIL_BENCH_SIGMA", "")


def rule_set(count: int) -> RuleSet:
    """So many rules."""
    if given() and count == RULES:
        files = [(str(path), path.read_bytes()) for path in sorted(Path(given()).rglob("*.yml"))]
        return parse_rules(files, {"Legitimate_Countries": ["DE", "FR"]})
    texts = [rule_text(restated(where), title=key) for key, where in WHERES.items()]
    texts += itertools.islice(made(), max(0, count - len(texts)))
    found = parse_rules([(f"{n}.yml", one.encode()) for n, one in enumerate(texts[:count])], {})
    assert not found.problems, found.problems[0]
    return found


def made() -> Iterator[str]:
    """Rules of usual shapes, over the operations of services."""
    for service in ("iam", "ec2", "kms", "lambda", "rds", "s3", "eks", "logs", "organizations"):
        names = sorted(service_model(service).operation_names)
        for number in range(0, len(names) - 3, 3):
            some = json.dumps(names[number : number + 3])
            detection = (
                f"sel: {{eventSource: {service}.amazonaws.com, eventName: {some}}}\n"
                "failed: {errorCode|startswith: AccessDenied}\n"
                "robot:\n  - userIdentity.arn|contains: ':role/automation-'\n"
                "  - userAgent|startswith: HashiCorp\n"
                "condition: sel and not failed and not robot"
            )
            yield rule_text(detection, title=f"{service} {number}")


def with_correlations() -> RuleSet:
    """The restated rules, and ten counts of two of them each."""
    texts = [
        rule_text(restated(where), title=key, name=f"r{n}")
        for n, (key, where) in enumerate(WHERES.items())
    ]
    texts += [
        f"title: Many {n}\ncorrelation: {{type: event_count, rules: [r{n}, r{n + 10}], "
        "group-by: [userIdentity.arn], timespan: 10m, condition: {gte: 20}, generate: true}\n"
        for n in range(10)
    ]
    found = parse_rules([(f"{n}.yml", one.encode()) for n, one in enumerate(texts)], {})
    assert not found.problems, found.problems[0]
    return found


def read_records() -> tuple[list[Raw], str]:
    """Decoded records, their bytes, and where they are from."""
    folder = os.environ.get("OPENTRAIL_BENCH_DATA", "")
    generator = Path(folder, "gen_events.py")
    if folder and generator.is_file():
        path = cache() / f"records-{RECORDS}.jsonl"
        if not path.exists():
            parts = path.with_suffix(".parts")
            subprocess.run(
                [sys.executable, str(generator), "run", "--records", str(RECORDS), "--mode",
                 "jsonl", "--out", str(parts)], check=True, capture_output=True,
            )  # fmt: skip
            path.write_bytes(
                b"".join(one.read_bytes() for one in sorted(parts.glob("part-*.jsonl")))
            )
        raws, kind = path.read_bytes().splitlines(), "generated"
    else:
        real = [json.dumps(one).encode() for one in corpora()]
        raws, kind = list(itertools.islice(itertools.cycle(real), RECORDS)), "real, repeated"
    found = [(record, raw) for raw in raws if (record := decoded(raw)) is not None]
    return found, kind
