"""Looking through the open file first changes nothing that is found."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from opentrail.adapters.events import SegmentEventStore
from opentrail.clock import ManualClock
from opentrail.ports.events import Search
from opentrail.predicate.matching import matcher
from opentrail.search.parser import parse_filter

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
TEXTS = ["plain", "per-cent", 'quo"te', "back\\slash", "sl/ash", "é", "a\nb", "7", "null", ""]


def raws() -> list[bytes]:
    """More records than are asked one by one, in several spellings."""
    found = []
    for number in range(6000):
        text = TEXTS[number % len(TEXTS)] if number % 50 == 0 else f"other{number}"
        values = {
            "eventID": f"id-{number}", "eventTime": "2026-11-24T08:00:00Z",
            "userIdentity": {"onBehalfOf": {"userId": text}},
            "requestParameters": {"deep": [{"a": text}], "n": number % 9},
            "responseElements": {"a": text, "b": None} if number % 3 else None,
        }  # fmt: skip
        raw = json.dumps(values, ensure_ascii=number % 2 == 0)
        if number % 100 == 0:
            raw = raw.replace("plain", "\\u0070lain")
        found.append(raw.encode())
    return found


@pytest.mark.contract
@pytest.mark.parametrize(
    "field", ["requestParameters.deep.a", "responseElements.a", "userIdentity.onBehalfOf.userId"]
)
@pytest.mark.parametrize("operator", ["=", "contains", "prefix", "suffix"])
def test_every_text_is_found(tmp_path: Path, field: str, operator: str) -> None:
    store = SegmentEventStore(tmp_path / "events", ManualClock(NOW))
    every = raws()
    store.append(every)

    for text in TEXTS:
        where = parse_filter(f"{field} {operator} {json.dumps(text, ensure_ascii=False)}")
        matches = matcher(where)
        expected = {raw for raw in every if matches(raw)}
        found = [one.raw for one in store.search(Search(where=where, limit=None))]
        assert set(found) == expected, text
        assert len(found) == len(expected)
    store.close()
