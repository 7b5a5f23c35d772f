"""Findings about one actor that come close together are one incident."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opentrail.adapters.findings import MemoryFindings
from opentrail.ports.sigma.findings import FindingQuery, IncidentQuery
from opentrail.sigma.finding import Finding
from opentrail.sigma.incidents import (
    GAP_SECONDS,
    LONGEST_SECONDS,
    MOST_RULES,
    MOST_TOLD,
    Grouping,
    Incident,
)
from opentrail.sigma.remembering import Changes

HOUR = 3600


def finding(number: int, time: int, **values: Any) -> Finding:
    usual: dict[str, Any] = {
        "id": f"id-{number}", "rule_id": "rule", "rule_title": "Title", "level": "low",
        "account_id": "1", "region": "us-east-1", "first_time": time, "last_time": time,
        "event_ids": (f"event-{number}",), "count": 1, "values": (), "summary": "X.",
        "made": 1_000_000 + number, "actor": "alice",
    }  # fmt: skip
    return msgspec.convert(usual | values, Finding)


def group(findings: list[Finding], every: int = 1000) -> MemoryFindings:
    """The incidents of findings, kept after each `every`."""
    store = MemoryFindings()
    grouping = Grouping(store)
    kept: dict[str, Finding] = {}
    for number, one in enumerate(findings, 1):
        incident = grouping.join(one)
        if incident is not None:
            kept[one.id] = msgspec.structs.replace(one, incident_id=incident.id)
        if number % every == 0:
            store.commit(Changes(findings=kept, incidents=grouping.take_changes()))
            kept = {}
    store.commit(Changes(findings=kept, incidents=grouping.take_changes()))
    return store


def incidents(findings: list[Finding], every: int = 1000) -> list[Incident]:
    found = group(findings, every).incidents(IncidentQuery(limit=1000))
    return sorted(found, key=lambda one: (one.first_time, one.id))


def test_what_comes_within_the_gap_belongs_together() -> None:
    one, two = incidents([finding(1, 0), finding(2, GAP_SECONDS), finding(3, 2 * GAP_SECONDS + 1)])

    assert (one.first_time, one.last_time, one.findings) == (0, GAP_SECONDS, 2)
    assert (two.first_time, two.last_time, two.findings) == (7201, 7201, 1)


@pytest.mark.parametrize("other", [{"actor": "bob"}, {"account_id": "2"}])
def test_others_have_their_own(other: dict[str, str]) -> None:
    assert len(incidents([finding(1, 0), finding(2, 1, **other)])) == 2


def test_its_level_is_the_highest_and_its_rules_are_named_once() -> None:
    (one,) = incidents(
        [
            finding(1, 0, rule_title="A"),
            finding(2, 1, level="high", rule_title="B"),
            finding(3, 2, level="medium", rule_title="A"),
        ]
    )

    assert one.level == "high"
    assert one.rules == ("A", "B")


def test_a_finding_that_comes_late_belongs_to_what_it_is_near() -> None:
    one, two = incidents([finding(1, 10 * HOUR), finding(2, 0), finding(3, 9 * HOUR + 1)])

    assert (one.first_time, two.first_time) == (0, 9 * HOUR + 1)
    assert two.findings == 2


def test_what_was_kept_before_it_began_earlier_is_not_grown_anew() -> None:
    found = [finding(1, 4000), finding(2, 4000), finding(3, 3000), finding(4, 3000)]

    (one,) = incidents(found, every=2)

    assert (one.first_time, one.findings) == (3000, 4)


def test_an_incident_ends_whatever_comes() -> None:
    found = incidents([finding(number, number * 1800) for number in range(100)])

    assert len(found) == 3
    assert all(one.last_time - one.first_time <= LONGEST_SECONDS for one in found)
    assert sum(one.findings for one in found) == 100


def test_a_finding_that_was_made_before_is_not_counted_again() -> None:
    (one,) = incidents([finding(1, 0), finding(1, 0)], every=1)

    assert one.findings == 1


def test_what_it_lists_is_bounded() -> None:
    titles = [finding(number, number, rule_title=f"T{number}") for number in range(50)]
    (one,) = incidents(titles)
    for number in range(200):
        one = one.told_to(f"target-{number}", "low")

    assert len(one.rules) == MOST_RULES
    assert len(one.told) == MOST_TOLD


def test_news_are_what_is_worse_than_what_was_told() -> None:
    (one,) = incidents([finding(1, 0)])

    assert one.is_news_to("a", "low")
    one = one.told_to("a", "medium").told_to("a", "low")
    assert not one.is_news_to("a", "medium")
    assert one.is_news_to("a", "high")
    assert one.is_news_to("b", "low")


TIMES = st.lists(
    st.tuples(st.integers(0, 60), st.sampled_from(["alice", "bob"]), st.sampled_from(["low", "high"])),
    max_size=40,
)  # fmt: skip


@settings(deadline=None)
@given(TIMES, st.integers(1, 5))
def test_when_it_is_written_changes_nothing(times: list[tuple[int, str, str]], every: int) -> None:
    found = [
        finding(number, time * 1200, actor=actor, level=level)
        for number, (time, actor, level) in enumerate(times)
    ]

    assert incidents(found, every) == incidents(found)


@settings(deadline=None)
@given(TIMES)
def test_each_finding_is_in_one_incident_that_is_near(times: list[tuple[int, str, str]]) -> None:
    found = [
        finding(number, time * 1200, actor=actor, level=level)
        for number, (time, actor, level) in enumerate(times)
    ]
    store = group(found)

    grouped = store.incidents(IncidentQuery(limit=1000))
    assert sum(one.findings for one in grouped) == len(found)
    for one in grouped:
        own = store.page(FindingQuery(incident_id=one.id, limit=1000))
        assert len(own) == one.findings
        assert {each.actor for each in own} == {one.actor}
        assert min(each.last_time for each in own) == one.first_time
        assert max(each.last_time for each in own) == one.last_time
