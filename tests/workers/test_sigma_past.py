"""Rules find in the store of events what they find in the stream, whatever the records hold."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opentrail.adapters.events import SegmentEventStore
from opentrail.adapters.findings import MemoryFindings
from opentrail.clock import ManualClock
from opentrail.predicate.reading import decoded
from opentrail.sigma.detection import Detection
from opentrail.sigma.ruleset import RuleSet
from opentrail.workers.sigma.trying import Trial, findings_of
from sigma_samples import WHERES, corpora, fields_of, restated, rule_text, usable

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
END = int(NOW.timestamp()) + 1
MORE = [
    "s: {requestParameters|contains: susp}\ncondition: s",
    "s: {userIdentity.arn|fieldref|endswith: requestParameters.userName}\ncondition: s",
    "s: {userIdentity: '*'}\nt: {errorCode: null}\ncondition: s and t",
    "s: {sourceIPAddress|cidr: 10.0.0.0/8}\ncondition: not s",
    "s: {requestParameters.count|gte: 7}\ncondition: s",
    "s: [suspended, iam.amazonaws.com]\ncondition: s",
    "s: {eventTime|hour|gte: 9}\ncondition: s",
    "s: {eventName|re: '^Put.*ing$'}\ncondition: s",
]
RULES = usable(
    *(rule_text(restated(where), title=key) for key, where in WHERES.items()),
    *(rule_text(detection, title=f"more {n}") for n, detection in enumerate(MORE)),
)
TEXTS = sorted(
    {value for where in WHERES.values() for values in fields_of(where).values() for value in values}
)
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(5, 9), st.sampled_from([*TEXTS, "10.1.2.3", "alice"]),
    st.lists(st.sampled_from(["Suspended", "alice", 8]), max_size=2),
    st.dictionaries(st.sampled_from(["Status", "userName"]), st.sampled_from(["Suspended", "x"])),
)  # fmt: skip
RECORDS = st.fixed_dictionaries(
    {"eventTime": st.sampled_from(["2026-11-24T08:00:00Z", "2026-11-24T09:00:00Z"])},
    optional={
        "eventName": st.sampled_from(TEXTS), "eventSource": st.sampled_from(TEXTS),
        "errorCode": VALUES, "errorMessage": VALUES, "userAgent": VALUES, "sourceIPAddress": VALUES,
        "responseElements": VALUES,
        "userIdentity": VALUES | st.fixed_dictionaries({"arn": VALUES, "type": VALUES}),
        "requestParameters": VALUES | st.fixed_dictionaries({"userName": VALUES, "count": VALUES}),
    },
)  # fmt: skip


def streamed(rules: RuleSet, raws: list[bytes]) -> set[str]:
    detection = Detection(rules, MemoryFindings())
    for raw in raws:
        record = decoded(raw)
        assert record is not None
        detection.look(record, raw, now=END)
    return set(detection.take_changes().findings)


def past(path: Path, rules: RuleSet, raws: list[bytes]) -> set[str]:
    store = SegmentEventStore(path / "events", ManualClock(NOW))
    store.append(raws)
    trial = Trial(rules=rules, start=0, end=END)
    found = findings_of(trial, store, MemoryFindings(), lambda _behind, _seen: None)
    ids = {one.id for one in found}
    store.close()
    return ids


@pytest.mark.contract
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(RECORDS, min_size=1, max_size=12))
def test_the_past_is_found_as_the_stream_is(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]]
) -> None:
    raws = [json.dumps({"eventID": f"e{n}"} | one).encode() for n, one in enumerate(records)]

    assert past(tmp_path_factory.mktemp("p"), RULES, raws) == streamed(RULES, raws)


@pytest.mark.contract
def test_real_records_are_found_in_both(tmp_path: Path) -> None:
    raws = [json.dumps(one).encode() for one in corpora()]
    by_id = {json.loads(raw).get("eventID", raw): raw for raw in raws}

    found = past(tmp_path, RULES, list(by_id.values()))

    assert found == streamed(RULES, list(by_id.values()))
    assert len(found) > 100
