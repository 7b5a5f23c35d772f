import pytest

from insight_series import series
from opentrail.adapters.call_counts import MemoryCallCounts, SqliteCallCounts
from opentrail.insights.alert import Alert, Kind
from opentrail.insights.attributions import Attribute
from opentrail.ports.insights.call_counts import Changes, CountPlace, ValueKey

TODAY = 20_031
NOON = TODAY * 1440 + 720
PLACE = CountPlace(1, NOON)


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    if request.param == "memory":
        yield MemoryCallCounts(most_series=3)
        return
    found = SqliteCallCounts(tmp_path / "counts.sqlite", most_series=3)
    yield found
    found.close()


def counts(*pairs, name="RunInstances"):
    return Changes(counts={(series(name), minute): count for minute, count in pairs})


def alert(seen=NOON, **changed):
    return Alert(series(), Kind.HIGH, seen, seen, 1, 9, 1.0, 8, **changed)


def test_counts_add_up(store):
    store.commit(counts((NOON, 2), (NOON + 1, 3)), PLACE)
    store.commit(counts((NOON, 5)), CountPlace(2, NOON))

    assert store.counts(series(), NOON, NOON + 2) == ((NOON, 7), (NOON + 1, 3))
    assert store.counts(series(), NOON, NOON + 1) == ((NOON, 7),)
    assert store.counts(series(), NOON - 60, NOON + 60, 60) == ((NOON, 10),)
    assert store.counts(series("Other"), 0, NOON * 2) == ()
    assert store.place() == CountPlace(2, NOON)


def test_a_new_store_has_no_place(store):
    assert store.place() is None
    assert list(store.series()) == []


def test_the_first_minute_of_a_series_may_come_later(store):
    store.commit(counts((NOON, 1)), PLACE)
    store.commit(counts((NOON - 9000, 1)), PLACE)

    (known,) = store.series()
    assert known.first == NOON - 9000


@pytest.mark.parametrize(
    ("age", "spans"),
    [(1, 1), (28, 1), (29, 5), (63, 5), (64, 60), (91, 60), (92, 0)],
)
def test_what_is_old_is_kept_by_wider_spans(store, age, spans):
    minute = NOON - age * 1440 + 7
    store.commit(counts((minute, 4), (NOON, 1)), PLACE)
    store.fold(TODAY)

    found = store.counts(series(), minute - 60, minute + 60)

    assert found == (((minute // spans * spans, 4),) if spans else ())
    if spans:
        assert store.counts(series(), minute // 60 * 60, minute + 60, 60) == (
            (minute // 60 * 60, 4),
        )


def test_counts_come_late_for_days_that_are_folded(store):
    minute = NOON - 40 * 1440
    store.commit(counts((minute, 4)), PLACE)
    store.fold(TODAY)
    store.commit(counts((minute + 1, 2)), PLACE)

    assert sum(count for _, count in store.counts(series(), minute, minute + 5)) == 6
    store.fold(TODAY)
    assert store.counts(series(), minute, minute + 5) == ((minute, 6),)


def test_folding_again_changes_nothing(store):
    store.commit(counts(*((NOON - at * 1440, at + 1) for at in range(90))), PLACE)
    store.fold(TODAY)
    before = store.counts(series(), 0, NOON + 1)

    store.fold(TODAY)

    assert store.counts(series(), 0, NOON + 1) == before
    assert sum(count for _, count in before) == 90 * 91 // 2


def test_a_series_without_counts_is_forgotten(store):
    store.commit(counts((NOON - 95 * 1440, 1)), PLACE)
    store.commit(counts((NOON, 1), name="Other"), PLACE)

    store.fold(TODAY)

    assert [one.key for one in store.series()] == [series("Other")]


def test_values_are_counted_by_five_minutes_and_kept_nine_days(store):
    def value(block, text):
        return ValueKey(series(), block, Attribute.PRINCIPAL, text)

    old = NOON - 8 * 1440
    values = {value(NOON, "a"): 3, value(NOON + 5, "b"): 1, value(old + 5, "a"): 2}
    store.commit(
        Changes(counts=counts((NOON, 1)).counts, values=values | {value(0, "gone"): 1}), PLACE
    )
    store.fold(TODAY)

    assert store.values(series(), NOON + 3, NOON + 5) == {Attribute.PRINCIPAL: {"a": 3}}
    assert store.values(series(), NOON, NOON + 6) == {Attribute.PRINCIPAL: {"a": 3, "b": 1}}
    assert store.values(series(), old - 60, NOON) == {Attribute.PRINCIPAL: {"a": 2}}
    assert store.values(series(), 0, 100) == {}


def test_series_beyond_the_most_are_not_kept(store):
    for name in ("A", "B", "C"):
        store.commit(counts((NOON, 1), name=name), PLACE)

    beyond = store.commit(counts((NOON, 7), name="D"), PLACE)

    assert beyond == 7
    assert [one.key.event_name for one in store.series()] == ["A", "B", "C"]
    assert store.commit(counts((NOON, 1), name="A"), PLACE) == 0


def test_newer_minutes_are_read_by_minute(store):
    store.commit(counts((NOON, 1), (NOON + 1, 2)), PLACE)
    store.commit(counts((NOON + 1, 3), name="Other"), PLACE)

    assert store.since(NOON) == {NOON + 1: {series(): 2, series("Other"): 3}}


def test_alerts_are_kept_and_changed(store):
    store.commit(Changes(alerts=[alert(), alert(NOON - 9000)]), PLACE)
    store.commit(Changes(alerts=[alert(ended=NOON + 4, is_over=True)]), PLACE)

    assert [one.ended for one in store.alerts(since=NOON)] == [NOON + 4, None]
    assert store.alerts(since=NOON, limit=1) == (alert(ended=NOON + 4, is_over=True),)
    assert store.alerts(since=0, account_id="999999999999") == ()
    assert len(store.alerts(since=0, key=series())) == 2
    assert store.alerts(since=0, key=series("Other")) == ()


def test_records_wait_until_they_are_appended(store):
    store.commit(Changes(records=[b"1", b"2"]), PLACE)
    store.commit(Changes(records=[b"3"]), PLACE)

    waiting = store.waiting(2)
    assert [raw for _, raw in waiting] == [b"1", b"2"]
    store.appended(waiting[-1][0])

    assert [raw for _, raw in store.waiting(9)] == [b"3"]


def test_what_fails_is_undone(tmp_path):
    store = SqliteCallCounts(tmp_path / "counts.sqlite")
    with pytest.raises(AttributeError):
        store.commit(Changes(counts=counts((NOON, 1)).counts, alerts=[None]), PLACE)

    assert list(store.series()) == []
    store.commit(counts((NOON, 1)), PLACE)
    assert store.counts(series(), NOON, NOON + 1) == ((NOON, 1),)
    store.close()
