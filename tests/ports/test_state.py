"""Every state store keeps what its port promises."""

from collections.abc import Callable
from pathlib import Path

import pytest

from opentrail.adapters.state import MemoryStateStore, SqliteStateStore
from opentrail.errors import StateConflict
from opentrail.ports.state import Change, StateStore

MAKERS: dict[str, Callable[[Path], StateStore]] = {
    "memory": lambda _path: MemoryStateStore(),
    "sqlite": lambda path: SqliteStateStore(path / "state.sqlite"),
}


@pytest.fixture(params=MAKERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> StateStore:
    return MAKERS[request.param](tmp_path)


def test_a_document_is_read_as_it_was_applied(store: StateStore) -> None:
    store.apply([Change("trail", "a", b"one", expected=0)])

    found = store.get("trail", "a")

    assert found is not None
    assert (found.kind, found.key, found.version, found.body) == ("trail", "a", 1, b"one")
    assert store.get("trail", "b") is None
    assert store.get("key", "a") is None


def test_each_change_makes_a_new_version(store: StateStore) -> None:
    for body in (b"1", b"2", b"3"):
        store.apply([Change("trail", "a", body)])

    found = store.get("trail", "a")
    assert found is not None
    assert (found.version, found.body) == (3, b"3")


@pytest.mark.parametrize("expected", [0, 2, 99])
def test_a_change_of_another_version_is_refused(store: StateStore, expected: int) -> None:
    store.apply([Change("trail", "a", b"1")])

    with pytest.raises(StateConflict):
        store.apply([Change("trail", "a", b"2", expected=expected)])

    found = store.get("trail", "a")
    assert found is not None
    assert found.body == b"1"


def test_all_changes_apply_or_none(store: StateStore) -> None:
    store.apply([Change("trail", "a", b"1")])

    with pytest.raises(StateConflict):
        store.apply([Change("trail", "new", b"x"), Change("trail", "a", None, expected=7)])

    assert store.get("trail", "new") is None
    assert store.get("trail", "a") is not None


def test_a_deleted_document_is_gone_and_starts_anew(store: StateStore) -> None:
    store.apply([Change("trail", "a", b"1")])
    store.apply([Change("trail", "a", None, expected=1)])
    store.apply([Change("trail", "a", b"2", expected=0)])

    found = store.get("trail", "a")
    assert found is not None
    assert found.version == 1


def test_deleting_what_is_not_there_changes_nothing(store: StateStore) -> None:
    store.apply([Change("trail", "a", None)])

    assert store.list("trail") == ()


def test_a_list_has_one_kind_in_byte_order_by_prefix(store: StateStore) -> None:
    keys = ["b", "a|2", "a|1", "A", "a%", "a_", "ä"]
    store.apply([Change("trail", key, b"") for key in keys] + [Change("key", "a|3", b"")])

    assert [one.key for one in store.list("trail")] == sorted(keys, key=str.encode)
    assert [one.key for one in store.list("trail", "a|")] == ["a|1", "a|2"]
    assert [one.key for one in store.list("trail", "a%")] == ["a%"]
    assert [one.key for one in store.list("trail", "a_")] == ["a_"]


def test_sqlite_keeps_everything_over_a_reopening(tmp_path: Path) -> None:
    first = SqliteStateStore(tmp_path / "s")
    first.apply([Change("trail", "a", b"\x00\xff")])
    first.close()

    found = SqliteStateStore(tmp_path / "s").get("trail", "a")

    assert found is not None
    assert found.body == b"\x00\xff"


def test_two_openers_of_sqlite_see_each_other(tmp_path: Path) -> None:
    first, second = SqliteStateStore(tmp_path / "s"), SqliteStateStore(tmp_path / "s")
    first.apply([Change("trail", "a", b"1")])

    second.apply([Change("trail", "a", b"2", expected=1)])

    with pytest.raises(StateConflict):
        first.apply([Change("trail", "a", b"3", expected=1)])
