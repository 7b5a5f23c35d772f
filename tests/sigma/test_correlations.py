"""What rules find in many records: counts, values, several rules together, values never seen."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opentrail.adapters.findings import MemoryFindings
from opentrail.clock import iso_seconds
from opentrail.ports.sigma.findings import FindingQuery
from opentrail.sigma.detection import Detection
from opentrail.sigma.finding import Finding
from opentrail.sigma.ruleset import RuleSet
from sigma_samples import rule_set, rule_text, usable

NOW = 1_800_000_000
FAILED = rule_text(
    "s: {eventName: ConsoleLogin, errorMessage: Failed}\ncondition: s", name="failed"
)
CREATED = rule_text("s: {eventName: CreateUser}\ncondition: s", name="created", title="C")
DELETED = rule_text("s: {eventName: StopLogging}\ncondition: s", name="stopped", title="D")
READ = rule_text("s: {eventName: GetSecretValue}\ncondition: s", name="read", title="R")

Made = tuple[int, dict[str, Any]]


def correlation(body: str, *, title: str = "Many", name: str = "") -> str:
    named = f"name: {name}\n" if name else ""
    return f'title: "{title}"\n{named}level: high\ncorrelation: {{{body}}}\n'


def event(second: int, name: str, user: str = "alice", **values: Any) -> Made:
    return second, {
        "eventName": name, "userIdentity": {"arn": user}, "recipientAccountId": "1",
        "awsRegion": "eu-west-1", **values,
    }  # fmt: skip


def failed(second: int, user: str = "alice") -> Made:
    return event(second, "ConsoleLogin", user, errorMessage="Failed")


def dated(second: int, record: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """A record of a time, and its bytes."""
    when = iso_seconds(datetime.fromtimestamp(NOW + second, UTC))
    record = {"eventTime": when, **record}
    return record, json.dumps(record).encode()


def detect(
    rules: RuleSet, events: Sequence[Made], *, every: int = 1000, close_at: int | None = None
) -> list[Finding]:
    """What is found, with what is remembered written and read again after each `every` events."""
    store = MemoryFindings()
    detection = Detection(rules, store)
    for number, (second, record) in enumerate(events):
        detection.look(*dated(second, {"eventID": f"e{number}"} | record), now=NOW + 100_000)
        if number % every == every - 1:
            store.commit(detection.take_changes())
            detection = Detection(rules, store)
    store.commit(detection.take_changes())
    if close_at is not None:
        for key in store.due(NOW + close_at, 1000):
            detection.close(key, now=NOW + close_at)
        store.commit(detection.take_changes())
    found = store.page(FindingQuery(limit=1000))
    return sorted(found, key=lambda one: (one.first_time, one.id))


def told(found: Sequence[Finding]) -> list[tuple[int, int, int]]:
    return [(one.first_time - NOW, one.last_time - NOW, one.count) for one in found]


COUNT = usable(
    FAILED,
    correlation(
        "type: event_count, rules: [failed], group-by: [userIdentity.arn], timespan: 1m, "
        "condition: {gte: 3}"
    ),
)


def test_a_rule_by_itself_finds_each_record() -> None:
    (found,) = detect(usable(FAILED), [failed(0), event(1, "ConsoleLogin")])

    assert (found.rule_title, found.account_id, found.region) == ("T", "1", "eu-west-1")
    assert found.event_ids == ("e0",)
    assert found.summary == "ConsoleLogin by alice."
    assert dict(found.values) == {
        "eventName": "ConsoleLogin", "eventSource": None, "userIdentity.arn": "alice",
        "sourceIPAddress": None,
    }  # fmt: skip


def test_events_are_counted_by_group_within_the_time() -> None:
    (found,) = detect(
        COUNT, [failed(0), failed(1, "bob"), failed(50), failed(70), failed(75), failed(130, "bob")]
    )

    assert told([found]) == [(50, 75, 3)]
    assert found.event_ids == ("e2", "e3", "e4")
    assert found.values == (("userIdentity.arn", "alice"),)
    assert found.summary == "3 events within 60 s for userIdentity.arn alice."


def test_both_ends_of_the_time_count() -> None:
    assert told(detect(COUNT, [failed(0), failed(30), failed(60)])) == [(0, 60, 3)]
    assert detect(COUNT, [failed(0), failed(30), failed(61)]) == []


def test_rules_that_correlations_refer_to_are_silent_unless_they_are_to_speak() -> None:
    speaking = usable(
        FAILED,
        correlation(
            "type: event_count, rules: failed, timespan: 1m, condition: {gte: 2}, generate: true"
        ),
    )

    assert len(detect(speaking, [failed(0), failed(1)])) == 3
    assert len(detect(COUNT, [failed(0), failed(1)])) == 0


def test_a_flood_is_one_finding_a_time_span() -> None:
    found = detect(COUNT, [failed(second) for second in range(150)])

    assert told(found) == [(0, 61, 62), (62, 123, 62), (124, 149, 26)]


def test_more_eventids_than_a_finding_lists_are_counted() -> None:
    (found,) = detect(COUNT, [failed(5) for _ in range(300)])

    assert (found.count, len(found.event_ids)) == (300, 100)


def test_the_same_event_again_is_not_counted_again() -> None:
    again = [(0, failed(0)[1] | {"eventID": "x"})] * 5

    assert detect(COUNT, again) == []
    assert told(detect(COUNT, [*again, failed(1), failed(2), *again])) == [(0, 2, 3)]


def test_late_events_count_where_they_belong() -> None:
    assert told(detect(COUNT, [failed(50), failed(70), failed(40)])) == [(40, 70, 3)]
    assert detect(COUNT, [failed(50), failed(111), failed(112), failed(40)]) == []


def test_an_event_of_the_future_ends_no_window() -> None:
    store = MemoryFindings()
    detection = Detection(COUNT, store)
    for number, (now, second) in enumerate([(0, 0), (30, 10_000_000), (40, 40), (50, 50)]):
        record = failed(0)[1] | {"eventID": f"e{number}"}
        detection.look(*dated(second, record), now=NOW + now)

    (found,) = detection.take_changes().findings.values()
    assert told([found]) == [(0, 50, 4)]


def test_missing_values_are_a_group_of_their_own() -> None:
    nobody = [
        (second, {"eventName": "ConsoleLogin", "errorMessage": "Failed"}) for second in range(3)
    ]
    (found,) = detect(COUNT, nobody)

    assert found.values == (("userIdentity.arn", None),)


VALUES = usable(
    READ,
    correlation(
        "type: value_count, rules: [read], group-by: [userIdentity.arn], timespan: 5m, "
        "condition: {gt: 2, field: requestParameters.secretId}"
    ),
)


def read(second: int, secret: Any, user: str = "alice") -> Made:
    return event(second, "GetSecretValue", user, requestParameters={"secretId": secret})


def test_distinct_values_are_counted() -> None:
    assert detect(VALUES, [read(0, "a"), read(1, "b"), read(2, "a"), read(3, None)]) == []
    assert detect(VALUES, [read(0, "a"), read(200, "b"), read(301, "c")]) == []
    (found,) = detect(VALUES, [read(0, "a"), read(200, "b"), read(250, "a"), read(301, "c")])
    assert told([found]) == [(200, 301, 3)]
    assert "3 values of requestParameters.secretId" in found.summary


def test_each_value_of_an_array_counts() -> None:
    assert told(detect(VALUES, [read(0, ["a", "b", "c", "d"])])) == [(0, 0, 1)]


def test_several_fields_count_together() -> None:
    rules = usable(
        READ,
        correlation(
            "type: value_count, rules: [read], timespan: 5m, "
            "condition: {gte: 2, field: [eventName, requestParameters.secretId]}"
        ),
    )

    assert len(detect(rules, [read(0, "a"), read(1, "b")])) == 1
    assert detect(rules, [read(0, "a"), read(1, "a"), event(2, "GetSecretValue")]) == []


TEMPORAL = "rules: [created, stopped], group-by: [userIdentity.arn], timespan: 10m"


def test_rules_that_match_together_are_found() -> None:
    rules = usable(CREATED, DELETED, correlation(f"type: temporal, {TEMPORAL}"))

    assert detect(rules, [event(0, "CreateUser"), event(601, "StopLogging")]) == []
    assert detect(rules, [event(0, "CreateUser"), event(5, "StopLogging", "bob")]) == []
    for order in (("CreateUser", "StopLogging"), ("StopLogging", "CreateUser")):
        (found,) = detect(rules, [event(0, order[0]), event(600, order[1])])
        assert told([found]) == [(0, 600, 2)]
        assert found.summary.startswith("2 rules matched within 600 s")


def test_one_of_several_rules_may_be_enough() -> None:
    rules = usable(
        CREATED, DELETED, READ,
        correlation("type: temporal, rules: [created, stopped, read], timespan: 10m, condition: {gte: 2}"),
    )  # fmt: skip

    assert len(detect(rules, [event(0, "CreateUser"), event(1, "GetSecretValue")])) == 1


def test_conditions_of_rules_are_evaluated() -> None:
    rules = usable(
        CREATED, DELETED, READ,
        correlation("type: temporal, timespan: 10m, condition: created and (stopped or read)"),
    )  # fmt: skip

    assert detect(rules, [event(0, "StopLogging"), event(1, "GetSecretValue")]) == []
    assert len(detect(rules, [event(0, "StopLogging"), event(1, "CreateUser")])) == 1


def test_what_must_not_happen_is_judged_when_the_time_is_over() -> None:
    rules = usable(
        CREATED, DELETED,
        correlation("type: temporal, timespan: 10m, condition: created and not stopped"),
    )  # fmt: skip

    assert detect(rules, [event(0, "CreateUser")], close_at=600) == []
    assert len(detect(rules, [event(0, "CreateUser")], close_at=2000)) == 1
    assert len(detect(rules, [event(0, "CreateUser"), event(700, "CreateUser")])) == 1
    stopped = [event(0, "CreateUser"), event(599, "StopLogging"), event(700, "StopLogging")]
    assert detect(rules, stopped, close_at=5000) == []


def test_few_events_are_found_when_the_time_is_over() -> None:
    rules = usable(
        FAILED, correlation("type: event_count, rules: [failed], timespan: 1m, condition: {lt: 3}")
    )

    assert told(detect(rules, [failed(0), failed(59)], close_at=2000)) == [(0, 59, 2)]
    assert detect(rules, [failed(0), failed(1), failed(2)], close_at=2000) == []
    assert told(detect(rules, [failed(0), failed(60), failed(61), failed(62)])) == [(0, 0, 1)]


ORDERED = usable(
    CREATED, DELETED, READ,
    correlation("type: temporal_ordered, rules: [created, read, stopped], timespan: 100s"),
)  # fmt: skip
LETTERS = {"c": "CreateUser", "r": "GetSecretValue", "s": "StopLogging"}


@pytest.mark.parametrize(
    ("events", "found"),
    [
        ("c0 r1 s2", 1),
        ("c0 s1 r2", 0),
        ("r0 c1 s2", 0),
        ("c0 r1 s101", 0),
        ("c0 c50 r60 s101", 1),
        ("c0 r1 c90 r91 s101", 1),
        ("c0 r1 r50 s100", 1),
        ("c0 s50 r1", 1),
        ("r1 s2 c0", 1),
        ("s2 r1 c0", 1),
        ("c20 r10 s30 c5", 1),
        ("c5 r5 s5", 1),
    ],
)
def test_an_order_is_found_in_the_events_times(events: str, found: int) -> None:
    made = [event(int(one[1:]), LETTERS[one[0]]) for one in events.split()]

    findings = detect(ORDERED, made)

    assert len(findings) == found
    assert all(len(one.event_ids) == 3 for one in findings)


def test_aliases_name_different_fields_of_different_rules() -> None:
    rules = usable(
        CREATED, DELETED,
        correlation(
            "type: temporal, rules: [created, stopped], timespan: 10m, group-by: [who], "
            "aliases: {who: {created: requestParameters.userName, stopped: userIdentity.arn}}"
        ),
    )  # fmt: skip
    made = event(0, "CreateUser", "alice", requestParameters={"userName": "eve"})

    (found,) = detect(rules, [made, event(1, "StopLogging", "eve")])
    assert found.values == (("who", "eve"),)
    assert detect(rules, [made, event(1, "StopLogging", "alice")]) == []


def test_correlations_of_correlations() -> None:
    rules = usable(
        FAILED, CREATED,
        correlation("type: temporal, rules: [many, created], timespan: 10m, group-by: [userIdentity.arn]"),
        correlation(
            "type: event_count, rules: [failed], group-by: [userIdentity.arn], timespan: 1m, condition: {gte: 3}",
            name="many", title="Inner",
        ),
    )  # fmt: skip
    many = [failed(second) for second in range(3)]

    (found,) = detect(rules, [*many, event(100, "CreateUser")])

    assert found.rule_title == "Many"
    assert found.count == 4
    assert detect(rules, many) == []
    assert detect(rules, [*many, event(100, "CreateUser", "bob")]) == []


# Never seen before

NEW_REGION = usable(
    correlation(
        "type: first_seen, field: awsRegion, group-by: [recipientAccountId], learning: 7d, timespan: 90d"
    )
)
DAY = 86_400


def used(day: float, region: str, account: str = "1") -> Made:
    return event(int(day * DAY) - 200 * DAY, "X", awsRegion=region, recipientAccountId=account)


def test_a_value_never_seen_before_is_found_once() -> None:
    events = [used(0, "a"), used(3, "b"), used(8, "c"), used(9, "c"), used(9, "a"), used(9.5, "d")]

    found = detect(NEW_REGION, events)

    assert [dict(one.values)["awsRegion"] for one in found] == ["c", "d"]
    assert found[0].summary == "awsRegion c was never seen before for recipientAccountId 1."
    assert found[0].event_ids == ("e2",)


def test_a_new_group_learns_first() -> None:
    events = [used(0, "a"), used(20, "a", "2"), used(21, "b", "2"), used(28, "c", "2")]

    assert [one.event_ids for one in detect(NEW_REGION, events)] == [("e3",)]


def test_a_value_that_was_not_seen_for_long_is_new_again() -> None:
    events = [used(0, "a"), used(89, "a"), used(178, "a"), used(178, "b"), used(178.1, "a")]
    gap = [used(0, "a"), used(1, "b"), used(92, "b")]

    assert [dict(one.values)["awsRegion"] for one in detect(NEW_REGION, events)] == ["b"]
    assert [dict(one.values)["awsRegion"] for one in detect(NEW_REGION, gap)] == ["b"]


def test_first_seen_may_look_at_some_records_and_several_fields() -> None:
    rules = usable(
        CREATED,
        correlation(
            "type: first_seen, rules: [created], field: [eventName, sourceIPAddress], "
            "group-by: [userIdentity.arn], learning: 1s"
        ),
    )
    events = [
        event(0, "CreateUser", sourceIPAddress="1"), event(5, "StopLogging", sourceIPAddress="2"),
        event(9, "CreateUser", sourceIPAddress="1"), event(10, "CreateUser", sourceIPAddress="3"),
    ]  # fmt: skip

    (found,) = detect(rules, events)
    assert dict(found.values)["eventName, sourceIPAddress"] == '["CreateUser", "3"]'


# Restarts, order, hostile records

ALL = usable(
    FAILED, CREATED, DELETED, READ,
    correlation("type: event_count, rules: [failed], group-by: [userIdentity.arn], timespan: 20s, condition: {gte: 2}", title="1"),
    correlation("type: value_count, rules: [read], timespan: 20s, condition: {gte: 2, field: requestParameters.secretId}", title="2"),
    correlation("type: temporal, rules: [created, stopped], timespan: 20s", title="3"),
    correlation("type: temporal_ordered, rules: [created, read, stopped], timespan: 20s", title="4"),
    correlation("type: event_count, rules: [created], timespan: 20s, condition: {lte: 1}", title="5"),
    correlation("type: first_seen, rules: [read], field: requestParameters.secretId, group-by: [userIdentity.arn], learning: 10s", title="6"),
)  # fmt: skip
EVENTS = st.lists(
    st.builds(
        lambda second, name, user, secret, same: event(
            second, name, user, errorMessage="Failed", requestParameters={"secretId": secret},
            **({"eventID": same} if same else {}),
        ),
        st.integers(0, 60),
        st.sampled_from(["ConsoleLogin", "CreateUser", "StopLogging", "GetSecretValue"]),
        st.sampled_from(["alice", "bob"]),
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["", "", "x"]),
    ),
    max_size=30,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(EVENTS, st.integers(1, 5))
def test_what_is_found_does_not_depend_on_when_it_is_written(
    events: list[Made], every: int
) -> None:
    assert detect(ALL, events, every=every) == detect(ALL, events)


@settings(max_examples=150, deadline=None)
@given(EVENTS)
def test_events_in_order_are_counted_as_one_would_by_hand(events: list[Made]) -> None:
    """Three within the time, then quiet for the time; of each user by itself."""
    made = [(second, record) for second, record in sorted(events, key=lambda one: one[0])]
    for number, (_, record) in enumerate(made):
        record["eventID"] = f"e{number}"
    expected = []
    for user in ("alice", "bob"):
        times = [
            second for second, record in made
            if record["eventName"] == "ConsoleLogin" and record["userIdentity"]["arn"] == user
        ]  # fmt: skip
        waiting: list[int] = []
        quiet = -1
        for second in times:
            if second < quiet:
                continue
            waiting = [*(one for one in waiting if one >= second - 60), second]
            if len(waiting) >= 3:
                expected.append(waiting[0])
                quiet, waiting = second + 60, []

    assert sorted(one.first_time - NOW for one in detect(COUNT, made)) == sorted(expected)


def test_hostile_values_are_remembered_and_shown() -> None:
    odd = json.loads('"\\ud800\\u0000"') + "x" * 5000
    events = [failed(second, odd) for second in range(3)] + [
        read(second, odd * 2) for second in range(2)
    ]

    (found,) = detect(COUNT, events, every=1)

    assert len(found.values[0][1] or "") <= 1000
    assert found.id == detect(COUNT, events)[0].id


REFUSED = [
    ("type: event_count, rules: [nobody], timespan: 1m, condition: {gte: 1}", "no rule of that id"),
    ("type: event_count, rules: [many], timespan: 1m, condition: {gte: 1}", "refers to itself"),
    ("type: event_count, rules: [failed], timespan: 1m, condition: {gte: 20000}", "0 to 10000 are allowed"),
    ("type: event_count, rules: [failed], timespan: 1m, condition: {gte: 1.5}", "whole number"),
    ("type: value_count, rules: [failed], timespan: 1m, condition: {gte: 1}", "without field"),
    ("type: value_sum, rules: [failed], timespan: 1m, condition: {gte: 1, field: a}", "value_sum are not known"),
    ("type: temporal_ordered, rules: [failed], timespan: 1m, condition: {gte: 2}", "in their order"),
    ("type: temporal_ordered, rules: [failed], timespan: 1m, condition: failed", "takes no condition of rules"),
    ("type: event_count, rules: [failed], group-by: [person], timespan: 1m, condition: {gte: 1}", "person stands in no record"),
    ("type: event_count, rules: [failed], timespan: soon, condition: {gte: 1}", "Timespan"),
    ("type: first_seen, rules: [failed]", "needs the field"),
    ("type: first_seen, rules: [failed], field: a, colour: red", "has no colour"),
    ("type: first_seen, rules: [failed], field: a, learning: soon", "Timespan"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "reason"), REFUSED)
def test_correlations_without_a_meaning_are_told(body: str, reason: str) -> None:
    found = rule_set(FAILED, correlation(body, name="many"))

    assert [one.about.title for one in found.definitions()] == ["T"]
    assert reason in found.problems[0].reason, found.problems


def test_one_rule_is_tried_with_what_it_refers_to() -> None:
    only = ALL.only([key for key, one in ALL.correlations.items() if one.about.title == "4"])

    assert {one.about.title for one in only.definitions()} == {"C", "R", "D", "4"}
    assert len(only.silent) == 3
