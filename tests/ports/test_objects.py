"""Every object store keeps what its port promises (S3 itself: the contract tests)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from opentrail.adapters.objects import LocalObjectStore, MemoryObjectStore
from opentrail.ports.objects import ObjectContent, ObjectNotFound, ObjectStore


def local(path: Path) -> ObjectStore:
    (path / "AWSLogs" / "b").mkdir(parents=True)
    (path / "AWSLogs" / "b" / "2").write_bytes(b"two")
    (path / "AWSLogs" / "a").write_bytes(b"one")
    (path / "other").write_bytes(b"")
    return LocalObjectStore(path)


def memory(_path: Path) -> ObjectStore:
    store = MemoryObjectStore("")
    for key, body in (("AWSLogs/b/2", b"two"), ("AWSLogs/a", b"one"), ("other", b"")):
        store.put("", key, ObjectContent(body))
    return store


MAKERS: dict[str, Callable[[Path], ObjectStore]] = {"memory": memory, "local": local}


@pytest.fixture(params=MAKERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    return MAKERS[request.param](tmp_path)


def test_objects_are_listed_in_byte_order_by_prefix(store: ObjectStore) -> None:
    assert [one.key for one in store.list("", "")] == ["AWSLogs/a", "AWSLogs/b/2", "other"]
    assert [one.key for one in store.list("", "AWSLogs/b")] == ["AWSLogs/b/2"]
    assert [one.size_bytes for one in store.list("", "AWS")] == [3, 3]


def test_an_object_is_read_as_it_is(store: ObjectStore) -> None:
    assert store.get("", "AWSLogs/b/2").body == b"two"


@pytest.mark.parametrize("key", ["AWSLogs/none", "AWSLogs/b", "none/none"])
def test_what_is_not_there_is_told(store: ObjectStore, key: str) -> None:
    with pytest.raises(ObjectNotFound):
        store.get("", key)


def test_a_key_can_not_leave_the_directory(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "copy").mkdir()

    with pytest.raises(ObjectNotFound):
        LocalObjectStore(tmp_path / "copy").get("", "../secret")


def test_putting_the_same_again_changes_nothing() -> None:
    store = MemoryObjectStore("b")
    content = ObjectContent(b"x", {"signature": "1"})

    store.put("b", "k", content)
    store.put("b", "k", content)

    assert store.get("b", "k") == content
    assert len(list(store.list("b", ""))) == 1
