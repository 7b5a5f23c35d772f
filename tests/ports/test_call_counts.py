import threading
from collections import Counter

import pytest

from insight_series import series
from opentrail.adapters.call_counts import MemoryCallCounts, SqliteCallCounts
from opentrail.errors import Unavailable
from opentrail.insights.alert import Alert, Kind
from opentrail.insights.attributions import Attribute
from opentrail.ports.insights.call_counts import Changes, CountPlace, ValueKey

TODAY = 20_031
NOON = TODAY * 1440 + 720
PLACE = CountPlace(1, NOON)
OTHERS = [series(name)._replace(account_id="444455556666") for name in "ABC"]


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    if request.param == "memory":
        yield MemoryCallCounts(most_series=6)
        return
    found = SqliteCallCounts(tmp_path / "counts.sqlite", most_series=6)
    yield found
    found.close()


def counts(*pairs, name="RunInstances"):
    return Changes(counts={(series(name), minute): count for minute, count in pairs})


def fold(store):
    while store.fold(TODAY):
        pass
    return store.forget()


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
    [(1, 1), (42, 1), (43, 5), (63, 5), (64, 60), (91, 60), (92, 0)],
)
def test_what_is_old_is_kept_by_wider_spans(store, age, spans):
    minute = NOON - age * 1440 + 7
    store.commit(counts((minute, 4), (NOON, 1)), PLACE)
    fold(store)

    found = store.counts(series(), minute - 60, minute + 60)

    assert found == (((minute // spans * spans, 4),) if spans else ())
    if spans:
        assert store.counts(series(), minute // 60 * 60, minute + 60, 60) == (
            (minute // 60 * 60, 4),
        )


def test_counts_come_late_for_days_that_are_folded(store):
    minute = NOON - 50 * 1440
    store.commit(counts((minute, 4)), PLACE)
    fold(store)
    store.commit(counts((minute + 1, 2)), PLACE)

    assert sum(count for _, count in store.counts(series(), minute, minute + 5)) == 6
    fold(store)
    assert store.counts(series(), minute, minute + 5) == ((minute, 6),)


def test_folding_again_changes_nothing(store):
    store.commit(counts(*((NOON - at * 1440, at + 1) for at in range(90))), PLACE)
    fold(store)
    before = store.counts(series(), 0, NOON + 1)

    fold(store)

    assert store.counts(series(), 0, NOON + 1) == before
    assert sum(count for _, count in before) == 90 * 91 // 2


def test_who_reads_while_it_is_folded_sees_each_count_once(tmp_path, monkeypatch):
    monkeypatch.setattr("opentrail.adapters.call_counts.sqlite.FOLDED_AT_ONCE", 2)
    store = SqliteCallCounts(tmp_path / "counts.sqlite")
    store.commit(counts(*((NOON - 3 * 1440 + at, 1) for at in range(700))), PLACE)
    ended = threading.Event()
    seen = Counter()

    def read():
        while not ended.is_set():
            seen[sum(count for _, count in store.counts(series(), 0, NOON))] += 1
        store.close()

    reader = threading.Thread(target=read)
    reader.start()
    fold(store)
    ended.set()
    reader.join()
    store.close()

    assert seen.keys() == {700}


def test_a_series_without_counts_is_forgotten(store):
    store.commit(counts((NOON - 95 * 1440, 1)), PLACE)
    store.commit(counts((NOON, 1), name="Other"), PLACE)

    forgotten = fold(store)

    assert forgotten == (series(),)
    assert [one.key for one in store.series()] == [series("Other")]


def test_a_series_is_not_forgotten_while_its_alert_lasts(store):
    store.commit(counts((NOON - 95 * 1440, 1)), PLACE)
    store.commit(Changes(alerts=[alert()]), PLACE)
    assert fold(store) == ()

    store.commit(Changes(alerts=[alert(is_over=True)]), PLACE)

    assert fold(store) == (series(),)


def test_values_are_counted_by_five_minutes_and_kept_nine_days(store):
    def value(block, text):
        return ValueKey(series(), block, Attribute.PRINCIPAL, text)

    old = NOON - 8 * 1440
    values = {value(NOON, "a"): 3, value(NOON + 5, "b"): 1, value(old + 5, "a"): 2}
    store.commit(
        Changes(counts=counts((NOON, 1)).counts, values=values | {value(0, "gone"): 1}), PLACE
    )
    fold(store)

    assert store.values(series(), NOON + 3, NOON + 5) == {Attribute.PRINCIPAL: {"a": 3}}
    assert store.values(series(), NOON, NOON + 6) == {Attribute.PRINCIPAL: {"a": 3, "b": 1}}
    assert store.values(series(), old - 60, NOON) == {Attribute.PRINCIPAL: {"a": 2}}
    assert store.values(series(), 0, 100) == {}


def test_an_account_may_have_as_many_series_as_are_left_for_others(store):
    for name in ("A", "B", "C"):
        assert not store.commit(counts((NOON, 1), name=name), PLACE)

    refused = store.commit(counts((NOON, 7), (NOON + 1, 2), name="D"), PLACE)
    other = store.commit(Changes({(key, NOON): 4 for key in OTHERS}), PLACE)

    assert refused == {series("D"): 9}
    assert other == {OTHERS[2]: 4}
    assert [one.key for one in store.series()] == [*map(series, "ABC"), *OTHERS[:2]]
    assert not store.commit(counts((NOON, 1), name="A"), PLACE)


def test_a_place_that_is_free_again_is_given_away(store):
    old, new = NOON - 95 * 1440, counts((NOON, 1), name="D")
    store.commit(counts((old, 1), name="A"), PLACE)
    for name in ("B", "C"):
        store.commit(counts((NOON, 1), name=name), PLACE)
    assert store.commit(new, PLACE)

    fold(store)

    assert not store.commit(new, PLACE)


def test_a_refused_series_costs_the_same_beside_any_number(tmp_path):
    def steps(there):
        store = SqliteCallCounts(tmp_path / str(there), most_series=2 * there)
        known = {(series(f"Known{at}"), NOON): 1 for at in range(there)}
        assert not store.commit(Changes(known), PLACE)
        done = 0

        def step():
            nonlocal done
            done += 1

        store._connections.get().set_progress_handler(step, 10)
        refused = store.commit(Changes({(series(f"No{at}"), NOON): 1 for at in range(100)}), PLACE)
        store.close()
        assert len(refused) == 100
        return done

    assert steps(2000) < 1.3 * steps(500)


def test_a_minute_is_read_by_series(store):
    store.commit(counts((NOON, 1), (NOON + 1, 2)), PLACE)
    store.commit(counts((NOON + 1, 3), name="Other"), PLACE)

    assert store.at(NOON + 1) == {series(): 2, series("Other"): 3}
    assert store.at(NOON + 2) == {}


@pytest.mark.parametrize("part", [1, 3, 7])
def test_folding_that_is_killed_anywhere_loses_and_doubles_nothing(tmp_path, monkeypatch, part):
    monkeypatch.setattr("opentrail.adapters.call_counts.sqlite.FOLDED_AT_ONCE", part)
    spans = [(NOON - age * 1440 + at, age + at + 1) for age in (1, 2, 41, 50, 70) for at in (0, 7)]
    values = {
        ValueKey(series(), NOON - age * 1440 + at, Attribute.PRINCIPAL, "a"): 1
        for age in (2, 5)
        for at in (0, 5, 10)
    }
    total = sum(count for _, count in spans)
    path = tmp_path / "counts.sqlite"
    store = SqliteCallCounts(path)
    store.commit(Changes(counts(*spans).counts, values), PLACE)
    parts = kills = 0
    steps = 20
    while True:
        store._connections.get().set_progress_handler(lambda: 1, steps)
        try:
            done = store.fold(TODAY)
        except Unavailable:
            kills += 1
            steps += 20
            store.close()
            store = SqliteCallCounts(path)
        else:
            parts += 1
            if not done:
                break
        store._connections.get().set_progress_handler(None, 0)
        assert sum(count for _, count in store.counts(series(), 0, NOON)) == total
        assert store.values(series(), 0, NOON) == {Attribute.PRINCIPAL: {"a": 6}}
    store.close()

    assert kills > 3
    assert parts > 10 / part


def test_alerts_are_kept_and_changed(store):
    store.commit(Changes(alerts=[alert(), alert(NOON - 9000)]), PLACE)
    store.commit(Changes(alerts=[alert(ended=NOON + 4, is_over=True)]), PLACE)

    assert [one.ended for one in store.alerts(since=NOON)] == [NOON + 4, None]
    assert store.alerts(since=NOON, limit=1) == (alert(ended=NOON + 4, is_over=True),)
    assert store.alerts(since=0, account_id="999999999999") == ()
    assert len(store.alerts(since=0, key=series())) == 2
    assert store.alerts(since=0, key=series("Other")) == ()


def test_alerts_are_kept_91_days_and_while_they_last(store):
    ages = {91: True, 92: True, 93: False}
    alerts = [alert(NOON - age * 1440, is_over=over) for age, over in ages.items()]
    store.commit(Changes(alerts=alerts), PLACE)

    fold(store)

    assert [(NOON - one.seen) // 1440 for one in store.alerts(since=0)] == [91, 93]


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
