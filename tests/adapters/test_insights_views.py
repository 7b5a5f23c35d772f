"""What a log group shows of the store is what its trails take, record by record."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import odd_events
from insights_world import ACCOUNT, GROUP, InsightsWorld, queried, record
from opentrail.adapters.queries.relations import Selection
from opentrail.adapters.queries.views import categories_decided
from opentrail.errors import InvalidInput
from opentrail.record import read_record
from opentrail.selectors.values import (
    AdvancedEventSelector,
    DataResource,
    EventSelector,
    FieldSelector,
    InsightSelector,
)
from opentrail.trail.feeds import FeedSpan, FeedView
from opentrail.trail.trail import Trail


def _trail(**values: Any) -> Trail:
    usual: dict[str, Any] = {
        "arn": f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/t", "name": "t",
        "account_id": ACCOUNT, "home_region": "us-east-1", "s3_bucket_name": "b",
        "created": datetime(2026, 1, 1, tzinfo=UTC), "is_multi_region_trail": True,
        "include_global_service_events": True, "is_logging": True,
    }  # fmt: skip
    return Trail(**(usual | values))


def _span(trail: Trail, first: int = 0, before: int | None = None) -> FeedSpan:
    return FeedSpan(group_arn=GROUP.arn, trail=trail, sequence_from=first, sequence_before=before)


def _fields(**values: Any) -> AdvancedEventSelector:
    found = []
    for name, value in values.items():
        field = name.replace("__", ".")
        condition = {"equals": value} if isinstance(value, tuple) else value
        found.append(FieldSelector(field=field, **condition))
    return AdvancedEventSelector(field_selectors=tuple(found))


_MANAGEMENT = ("Management",)
_DATA = ("Data",)
TRAILS = {
    "usual": _trail(),
    "one region": _trail(is_multi_region_trail=False),
    "no global services": _trail(is_multi_region_trail=False, include_global_service_events=False),
    "writes": _trail(event_selectors=(EventSelector(read_write_type="WriteOnly"),)),
    "reads without sts": _trail(
        event_selectors=(
            EventSelector(
                read_write_type="ReadOnly", exclude_management_event_sources=("sts.amazonaws.com",)
            ),
        )
    ),
    "objects": _trail(
        event_selectors=(
            EventSelector(
                include_management_events=False,
                data_resources=(DataResource("AWS::S3::Object", ("arn:aws:s3:::a",)),),
            ),
        )
    ),
    "advanced": _trail(
        event_selectors=(),
        advanced_event_selectors=(
            _fields(
                eventCategory=_MANAGEMENT,
                eventName={"starts_with": ("Get",), "not_equals": ("GetObject",)},
                readOnly=("true",),
            ),
            _fields(eventCategory=_MANAGEMENT, userIdentity__arn={"ends_with": ("/r",)}),
        ),
    ),
    "advanced data": _trail(
        event_selectors=(),
        advanced_event_selectors=(
            _fields(
                eventCategory=_DATA,
                resources__type=("AWS::S3::Object",),
                resources__ARN={"not_starts_with": ("arn:aws:s3:::b",)},
            ),
        ),
    ),
    "organization": _trail(organization_id="o-abcdefghij", member_account_ids=("444455556666",)),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InsightsWorld]:
    found = InsightsWorld(tmp_path_factory.mktemp("views"))
    records = odd_events.Records(11)
    for _ in range(8):
        found.store.append(_in_utf8(records.some(150)))
    found.store.compact()
    found.store.append(_in_utf8(records.some(100)))
    yield found
    found.close()


def _in_utf8(raws: list[bytes]) -> list[bytes]:
    """Of others the columns know nothing, while trails read what they can."""
    return [raw for raw in raws if "\ufffd" not in raw.decode("utf-8", "replace")]


def _shown(world: InsightsWorld, spans: list[FeedSpan]) -> list[tuple[str, str]]:
    view = FeedView(spans)
    found = []
    for event in world.engine_events():
        stream = view.stream(event.position.sequence, event.raw)
        if stream is not None:
            found.append((event.raw.decode("utf-8", "replace"), stream))
    return sorted(found)


def _all(rows: list[dict[str, str]]) -> list[tuple[str, str]]:
    """What is shown, but for records that tell a member twice, and wrongly first.

    Trails take none of those; here the last one counts, as in all of the store.
    """
    found = [(row["@message"], row["@logStream"]) for row in rows]
    return sorted(one for one in found if not _is_twice_told(one[0]))


def _is_twice_told(text: str) -> bool:
    names = [name for name, _ in json.loads(text, object_pairs_hook=list)]
    try:
        read_record(text.encode())
    except InvalidInput:
        return len(names) > len(set(names))
    return False


@pytest.mark.parametrize("name", TRAILS)
def test_a_group_shows_what_its_trail_takes(world: InsightsWorld, name: str) -> None:
    spans = [_span(TRAILS[name])]

    rows = world.ask(
        "fields @message, @logStream, @log | limit 10000", groups=[queried(spans=spans)]
    )
    (counted,) = world.ask(
        "stats count(*) as n, sum(strlen(@message)) as s", groups=[queried(spans=spans)]
    )

    expected = _shown(world, spans)
    assert _all(rows) == expected
    assert {row["@log"] for row in rows} <= {f"{ACCOUNT}:app"}
    assert int(counted["n"]) == len(rows) == world.statistics.records_scanned
    assert len(expected) > (3 if name.startswith("advanced") else 5)


def test_insights_events_show_where_their_trail_takes_them(tmp_path: Path) -> None:
    world = InsightsWorld(tmp_path)
    kinds = ("ApiCallRateInsight", "ApiErrorRateInsight")
    records = [
        record(
            n,
            eventCategory=("Insight", "Management")[n % 2],
            insightDetails={"insightType": kinds[n % 4 // 2]},
        )
        for n in range(40)
    ]
    for first in range(0, 40, 5):
        world.store.append(records[first : first + 5])
    assert world.store.compact()
    spans = [_span(_trail(insight_selectors=(InsightSelector("ApiCallRateInsight"),)))]

    rows = world.ask(
        "stats count(*) as n by eventCategory | sort eventCategory", groups=[queried(spans=spans)]
    )

    assert [(row["eventCategory"], row["n"]) for row in rows] == [
        ("Insight", "10"), ("Management", "20"),
    ]  # fmt: skip
    world.close()


@pytest.mark.parametrize(
    ("conditions", "asked"),
    [
        ({"eventName": ("GetObject",)}, False),
        ({"sessionCredentialFromConsole": ("true",)}, True),
        ({"resources__ARN": ("arn:aws:s3:::a",)}, True),
        ({"aFieldOfTomorrow": ("x",)}, True),
    ],
)
def test_where_no_column_decides_records_are_asked(
    conditions: dict[str, Any],
    asked: bool,
) -> None:
    selector = _fields(eventCategory=_DATA, **conditions)

    decided = categories_decided(_trail(advanced_event_selectors=(selector,)))

    assert ("Data" in decided) is not asked
    assert "Management" in decided
    assert "Insight" not in decided


def test_spans_begin_and_end_at_places_of_the_store(world: InsightsWorld) -> None:
    spans = [
        _span(TRAILS["writes"], 50, 200),
        _span(TRAILS["usual"], 180, 300),
        _span(TRAILS["organization"], 400),
    ]

    rows = world.ask("fields @message, @logStream | limit 10000", groups=[queried(spans=spans)])

    # An event that two trails deliver is shown by the first of them.
    assert [raw for raw, _ in _all(rows)] == [raw for raw, _ in _shown(world, spans)]
    assert {row["@logStream"].partition("_")[0] for row in rows} == {ACCOUNT, "o-abcdefghij"}


def test_two_groups_show_an_event_each(world: InsightsWorld) -> None:
    spans = [_span(TRAILS["usual"])]
    one = queried(spans=spans)
    other = queried(GROUP._replace(name="other"), spans)

    rows = world.ask("stats count(*) as n by @log", groups=[one, other])
    (alone,) = world.ask("stats count(*) as n", groups=[one])

    assert [row["@log"] for row in rows] == [f"{ACCOUNT}:app", f"{ACCOUNT}:other"]
    assert [row["n"] for row in rows] == [alone["n"], alone["n"]]


def test_accounts_see_their_own_events_alone(tmp_path: Path) -> None:
    world = InsightsWorld(tmp_path)
    world.store.append(
        [
            record(n, recipientAccountId=("111111111111", "222222222222", ...)[n % 3])
            for n in range(30)
        ]
    )

    rows = world.ask("stats count(*) as n by recipientAccountId", accounts=("222222222222",))
    scanned = world.statistics.records_scanned
    nobody = world.ask("stats count(*) as n", accounts=())

    assert rows == [{"recipientAccountId": "222222222222", "n": "10"}]
    assert scanned == 10
    assert nobody == [{"n": "0"}]
    world.close()


def test_times_and_retention_bound_what_is_read(tmp_path: Path) -> None:
    world = InsightsWorld(tmp_path)
    named = [{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::logs/x"}]
    world.store.append([record(n, resources=named) for n in range(100)])
    start = 1_783_000_000_000
    group = queried(spans=[_span(_trail(event_selectors=_everything()))], shown_from=start + 90_000)

    (all_,) = world.ask("stats count(*) as n", start=start + 10_000, end=start + 20_000)
    late = world.ask("fields @timestamp", groups=[group])
    (half,) = world.ask("stats count(*) as n", start=start + 500, end=start + 1500)

    assert all_ == {"n": "10"}
    assert len(late) == 10
    assert half == {"n": "1"}
    world.close()


def test_what_is_remembered_of_queries_has_a_limit(tmp_path: Path) -> None:
    world = InsightsWorld(tmp_path)
    for first in range(0, 400, 100):
        accounts = (ACCOUNT, "222222222222")
        world.store.append(
            [record(n, recipientAccountId=accounts[n % 2]) for n in range(first, first + 100)]
        )
    selection = world.engine._selection = Selection(most_bytes=4096)

    counts = [
        world.ask("stats count(*) as n", accounts=(ACCOUNT,), start=start)
        for start in range(1_783_000_000_000, 1_783_000_400_000, 10_000)
    ]

    assert [one["n"] for (one,) in counts] == [str(200 - 5 * n) for n in range(40)]
    assert 2048 < selection.bytes <= 4096
    world.close()


def _everything() -> tuple[EventSelector, ...]:
    return (EventSelector(data_resources=(DataResource("AWS::S3::Object", ("arn:aws:s3",)),)),)
