"""(j) The full house on one core: 200 event rules, 58 Sigma rules and 14 metric filters.

Every record goes past all of them, from its bytes on: decoded once for all, and as the workers do
it, each decoding for itself. The aim is 15,000 records a second.
"""

import itertools
import time
from collections.abc import Callable
from importlib.resources import files

from event_rules import RULES as EVENT_RULES
from event_rules import compiled
from event_rules import made as event_patterns
from opentrail.adapters.findings import MemoryFindings
from opentrail.alarms.filter_pattern import FilterPattern, LogMessage
from opentrail.alarms.filter_set import FilterSet
from opentrail.packs.pack import read_pack
from opentrail.predicate.reading import decoded
from opentrail.rules.envelope import of_record
from opentrail.rules.ruleset import RuleSet as EventRules
from opentrail.rules.ruleset import may_have_dotted_names
from opentrail.sigma.detection import Detection
from sigma_rules import NOW, RULES, Raw, of_each, read_records, rule_set

FILTERS = 14
AIM = 15_000

Ask = Callable[[dict[str, object], bytes], object]


def run() -> dict[str, object]:
    """Microseconds a record, and records a second."""
    records, kind = read_records()
    parts = {
        f"{EVENT_RULES} event rules": event_rules(),
        f"{FILTERS} metric filters": metric_filters(),
        f"{RULES} Sigma rules with findings": sigma(),
    }
    alone = {name: of_each(lambda one, ask=ask: ask(*one), records) for name, ask in parts.items()}

    def together(one: Raw) -> None:
        record = decoded(one[1])
        assert record is not None
        for ask in parts.values():
            ask(record, one[1])

    def each_for_itself(one: Raw) -> None:
        for ask in parts.values():
            record = decoded(one[1])
            assert record is not None
            ask(record, one[1])

    began = time.process_time()
    decoding = of_each(lambda one: decoded(one[1]), records)
    once, thrice = of_each(together, records), of_each(each_for_itself, records)
    return {
        "records": f"{len(records)} {kind}",
        "decode µs": decoding,
        "of decoded records µs": alone,
        "decoded once, all together µs": once,
        "decoded once, records/s": round(1e6 / once),
        "each decoding for itself µs": thrice,
        "each decoding for itself, records/s": round(1e6 / thrice),
        f"at least {AIM:,} records/s": 1e6 / thrice >= AIM,
        "seconds of the core": round(time.process_time() - began, 1),
    }


def event_rules() -> Ask:
    rules = EventRules(compiled(list(itertools.islice(event_patterns(), EVENT_RULES))))

    def ask(record: dict[str, object], raw: bytes) -> object:
        event = of_record(record, raw)
        return rules.matching(event.values, may_have_dots=may_have_dotted_names(raw))

    return ask


def metric_filters() -> Ask:
    """Those of the CIS pack."""
    pack = read_pack((files("opentrail.packs") / "data" / "cis.toml").read_text())
    patterns = [one.pattern for one in pack.controls if one.pattern][:FILTERS]
    filters = FilterSet({number: FilterPattern(one) for number, one in enumerate(patterns)})
    return lambda record, raw: filters.matching(LogMessage(raw, record))


def sigma() -> Ask:
    memory = MemoryFindings()
    detection = Detection(rule_set(RULES), memory)
    number = itertools.count(1)

    def ask(record: dict[str, object], raw: bytes) -> object:
        if next(number) % 2000 == 0:
            memory.commit(detection.take_changes())
        return detection.look(record, raw, now=NOW)

    return ask
