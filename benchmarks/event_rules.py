"""(i) What 200 event rules cost: each asked of every event, by the index, and by moto and LocalStack.

Records are those of `sigma_rules`; the rules are of the shapes that people write: calls by name,
with conditions on parameters or callers, whole services, failures, the root user. The peers are
asked the same rules of the first of the same events; LocalStack's engine runs in the benchmarks'
own environment (event_rules_peer.py).
"""

import itertools
import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from moto.events.models import EventPattern

from opentrail.aws.models import service_model
from opentrail.predicate.reading import decoded
from opentrail.rules.book import RuleBook
from opentrail.rules.envelope import Event, of_record
from opentrail.rules.matching import Matcher
from opentrail.rules.pattern import parse_pattern
from opentrail.rules.rule import Rule, RuleHistory, RuleState, RuleTurn
from opentrail.rules.ruleset import RuleSet, may_have_dotted_names
from sigma_rules import of_each, read_records

RULES, MORE_RULES = 200, 1000
PEER_EVENTS = 200
PEER = Path(__file__).parent.parent / ".venv-bench" / "bin" / "python"
SERVICES = (
    *("iam", "ec2", "kms", "lambda", "rds", "s3", "eks", "logs", "organizations", "cloudtrail"),
    *("sns", "sqs", "sts", "dynamodb", "ecs", "guardduty", "route53", "secretsmanager"),
)

Raw = tuple[dict[str, Any], bytes]
OF_CALLS = "AWS API Call via CloudTrail"


def run() -> dict[str, object]:
    """Microseconds an event, matches in all."""
    records, kind = read_records()
    events = [of_record(record, raw) for record, raw in records]
    few = events[:PEER_EVENTS]
    patterns = list(itertools.islice(made(), RULES))
    everything = whole(patterns, records)
    return {
        "events": f"{len(records)} {kind}",
        "rules": len(patterns),
        "decode µs": of_each(lambda one: decoded(one[1]), records),
        "envelope µs": of_each(lambda one: of_record(*one), records),
        "naive µs": naive(patterns, events),
        "indexed µs": indexed(patterns, events),
        "from bytes to rules µs": everything,
        "from bytes to rules, events/s": round(1e6 / everything),
        "1,000 rules indexed µs": (many := indexed(list(itertools.islice(made(), MORE_RULES)), events)),
        "1,000 rules / 200 rules": round(many / indexed(patterns, events), 2),
        "compiling 200 rules ms": compiling(patterns),
        f"the first {len(few)} events": {
            "opentrail": counted(RuleSet(compiled(patterns)).matching, few, indexed(patterns, few)),
            "moto": moto(patterns, few),
            "localstack-core": localstack(patterns, few),
        },
    }  # fmt: skip


def naive(patterns: Sequence[str], events: list[Event]) -> float:
    matchers = [matcher for _, matcher in compiled(patterns).values()]

    def ask(one: Event) -> None:
        for matcher in matchers:
            matcher.holds(one.values)

    return of_each(ask, events)


def indexed(patterns: Sequence[str], events: list[Event]) -> float:
    rules = RuleSet(compiled(patterns))
    return of_each(lambda one: rules.matching(one.values, may_have_dots=False), events)


def whole(patterns: Sequence[str], records: list[Raw]) -> float:
    """Decoding, the envelope, the look for names with dots, and all rules of an account."""
    account = str(records[0][0]["recipientAccountId"])
    region = str(records[0][0]["awsRegion"])
    rules = [
        Rule(name=f"r{n}", account_id=account, region=region, pattern=one, state=RuleState.WITH_READS)
        for n, one in enumerate(patterns)
    ]  # fmt: skip
    book = RuleBook()
    histories = ((one, RuleHistory((RuleTurn(0, one),))) for one in rules)
    book.read((one.key, 1, msgspec.json.encode(history)) for one, history in histories)
    active, bus = book.now(), (account, region, "default")

    def take(one: Raw) -> None:
        record = decoded(one[1])
        assert record is not None
        event = of_record(record, one[1])
        active.takers(bus, event, may_have_dots=may_have_dotted_names(one[1]))

    return of_each(take, records)


def compiled(patterns: Sequence[str]) -> dict[int, Any]:
    parsed = [parse_pattern(one) for one in patterns]
    return {number: (one, Matcher(one)) for number, one in enumerate(parsed)}


def compiling(patterns: Sequence[str]) -> float:
    began = time.process_time()
    RuleSet(compiled(patterns))
    return round((time.process_time() - began) * 1e3, 1)


def counted(
    matching: Callable[[Any], list[Any]], events: list[Event], cost: float
) -> dict[str, object]:
    return {"µs": cost, "matches": sum(len(matching(one.values)) for one in events)}


def moto(patterns: Sequence[str], events: list[Event]) -> dict[str, object]:
    rules = [EventPattern.load(one) for one in patterns]
    values = [json.loads(one.text) for one in events]
    began, matches = time.process_time(), 0
    for event in values:
        matches += sum(rule.matches_event(event) for rule in rules)
    took = time.process_time() - began
    return {"µs": round(took / len(values) * 1e6, 2), "matches": matches}


def localstack(patterns: Sequence[str], events: list[Event]) -> object:
    if not PEER.exists():
        return "skipped: no .venv-bench (make bench)"
    script = Path(__file__).with_name("event_rules_peer.py")
    given = json.dumps({"patterns": patterns, "events": [one.text for one in events]})
    done = subprocess.run(
        [str(PEER), str(script)], input=given, capture_output=True, text=True, check=False
    )
    return json.loads(done.stdout) if done.returncode == 0 else f"failed: {done.stderr[-300:]}"


def made() -> Iterator[str]:
    """Patterns without end."""
    for number in itertools.count():
        for service in SERVICES:
            yield json.dumps(pattern(service, number))


def pattern(service: str, number: int) -> dict[str, Any]:
    """One of the shapes, over the operations of a service."""
    names = sorted(service_model(service).operation_names)
    start = (number * 3) % max(1, len(names) - 3)
    source = f"{service}.amazonaws.com"
    shape = (number + SERVICES.index(service)) % 10
    detail: dict[str, Any] = {"eventSource": [source], "eventName": names[start : start + 3]}
    if shape == 1:
        detail["errorCode"] = [{"exists": False}]
    elif shape == 2:
        detail["userIdentity"] = {"type": ["Root", "IAMUser"]}
    elif shape == 3:
        detail["sourceIPAddress"] = [{"anything-but": ["10.0.0.1", f"10.0.{number % 250}.2"]}]
    elif shape == 4:
        detail["requestParameters"] = {"name": [{"prefix": f"prod-{number}"}]}
    elif shape == 5:
        del detail["eventName"]
        detail["errorCode"] = [{"prefix": "AccessDenied"}, "UnauthorizedOperation"]
    elif shape == 6:
        detail = {"eventName": [{"prefix": names[start][:6]}], "eventSource": [source]}
    elif shape == 7:
        return {"source": [f"aws.{service}"], "detail-type": [OF_CALLS], "detail": detail}
    elif shape == 8:
        detail = {"eventName": names[start : start + 1], "requestParameters": {"maxResults": [{"numeric": [">", number]}]}}  # fmt: skip
    elif shape == 9:
        detail = {"userIdentity": {"sessionContext": {"sessionIssuer": {"userName": [f"role-{number}", {"prefix": f"{service}-{number}"}]}}}}  # fmt: skip
    return {"detail-type": [OF_CALLS], "detail": detail}
