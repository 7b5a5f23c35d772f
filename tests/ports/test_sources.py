"""Every source and every queue keeps what its port promises; S3 and SQS: tests/contract."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from opentrail.adapters.ledger import SqliteLedger
from opentrail.adapters.sources import DirectorySource, FileSource, MemoryQueue, MemorySource
from opentrail.errors import Unavailable
from opentrail.ports.objects import ObjectNotFound
from opentrail.ports.sources import Source

ODD = "a/\udcff \u65e5.json"
CONTENT = {"b.json": b"bb", "a/a.json": b"a", ODD: b""}
Maker = Callable[[Path, Mapping[str, bytes]], Source]


def in_memory(_path: Path, content: Mapping[str, bytes]) -> Source:
    source = MemorySource()
    source.objects = dict(content)
    return source


def in_directory(path: Path, content: Mapping[str, bytes]) -> Source:
    for key, body in content.items():
        (path / key).parent.mkdir(parents=True, exist_ok=True)
        (path / key).write_bytes(body)
    return DirectorySource(path)


@pytest.fixture(params=[in_memory, in_directory])
def make(request: pytest.FixtureRequest) -> Maker:
    made: Maker = request.param
    return made


def test_every_object_is_listed_found_and_read(make: Maker, tmp_path: Path) -> None:
    source = make(tmp_path, CONTENT)

    listed = {one.key: one for one in source.list()}

    assert {key: source.read(one) for key, one in listed.items()} == CONTENT
    assert {key: one.size_bytes for key, one in listed.items()} == {
        key: len(body) for key, body in CONTENT.items()
    }
    assert {key: source.find(key) for key in CONTENT} == listed
    assert not any(one.problem or one.skip for one in listed.values())


def test_what_is_not_there_is_not_found_and_not_read(make: Maker, tmp_path: Path) -> None:
    source = make(tmp_path, {"a.json": b"a"})
    [gone] = source.list()

    again = make(tmp_path / "other", {})

    assert again.find("a.json") is None
    with pytest.raises(ObjectNotFound):
        again.read(gone)


def test_a_directory_tells_of_what_can_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")

    found = {one.key: (one.problem, one.skip) for one in DirectorySource(tmp_path).list()}

    assert found == {
        "file": ("", ""),
        "link": ("", ""),
        "dangling": ("a link to nothing", ""),
        "pipe": ("", "not a regular file"),
    }


def test_a_directory_that_is_not_there_can_not_be_listed(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="No such file"):
        list(DirectorySource(tmp_path / "absent").list())


def test_a_file_is_known_as_its_directory_knows_it(tmp_path: Path) -> None:
    directory = in_directory(tmp_path, {"a.json": b"a", "b.json": b"b"})

    source = FileSource(tmp_path / "a.json")

    assert source.name == directory.name
    assert list(source.list()) == [directory.find("a.json")]


def test_a_directory_whose_own_name_is_no_utf_8_has_a_name_that_can_be_kept(tmp_path: Path) -> None:
    path = tmp_path / "\udcff"
    path.mkdir()

    name = DirectorySource(path).name

    assert name == f"file://{tmp_path}/\\xff"
    assert SqliteLedger(tmp_path / "imports.sqlite").look_up(name, ["a"]) == {}


def test_a_queue_gives_a_message_again_until_it_is_deleted() -> None:
    queue = MemoryQueue()
    for body in ("a", "a", "b"):
        queue.send(body)

    first, second, third = queue.receive(0)
    queue.delete([first, third])

    assert queue.receive(0) == (second,)
    queue.send("a")
    queue.delete([second])
    assert [one.body for one in queue.receive(0)] == ["a"]
