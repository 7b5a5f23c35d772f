"""LocalStack's engine; run by the Python of the benchmarks' own environment, prints JSON.

Reads patterns and events on stdin.
"""

import json
import sys
import time

from localstack.services.events.event_rule_engine import EventPatternCompiler, EventRuleEngine


def main() -> None:
    given = json.load(sys.stdin)
    compiler, engine = EventPatternCompiler(), EventRuleEngine()
    patterns = [compiler.compile_event_pattern(one) for one in given["patterns"]]
    events = [json.loads(one) for one in given["events"]]
    began, matches = time.process_time(), 0
    for event in events:
        for pattern in patterns:
            matches += bool(engine.evaluate_pattern_on_event(pattern, event))
    took = time.process_time() - began
    print(json.dumps({"µs": round(took / len(events) * 1e6, 2), "matches": matches}))


if __name__ == "__main__":
    main()
