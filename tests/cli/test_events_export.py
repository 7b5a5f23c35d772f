"""Exports: what goes in comes out, and a killed export goes on as if nothing had been."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events_world import fill, record
from opentrail.adapters.events.memory import MemoryEventStore
from opentrail.app.searching.shapes import one_line
from opentrail.cli.events import exporting, parquet
from opentrail.cli.events.columns import Column, cells
from opentrail.cli.events.formats import Csv, JsonLines, guarded
from opentrail.clock import SystemClock
from opentrail.errors import InvalidInput
from opentrail.ports.events import Position, Search, StoredEvent
from opentrail.predicate.reading import decoded, texts_at

TEXTS = st.text() | st.text("=+-@\t\r\n'\",;", max_size=5)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def event(raw: bytes) -> StoredEvent:
    return StoredEvent(Position(0, 0), raw)


def read_csv(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


def test_a_formula_gets_a_quote_and_a_quote_gets_one_too() -> None:
    assert [guarded(text) for text in ("=1", "@x", "'=1", "a=1", "")] == [
        "'=1",
        "'@x",
        "''=1",
        "a=1",
        "",
    ]


@given(TEXTS)
def test_csv_gives_back_each_text(text: str) -> None:
    raw = json.dumps({"userAgent": text, "eventName": "x"}).encode()
    form = Csv(
        [Column("userAgent", ("userAgent",)), Column("eventName", ("eventName",))], guard=True
    )

    names, row = read_csv(form.header() + form.encode(event(raw)))

    assert names == ["userAgent", "eventName"]
    clean = text.encode("utf-8", "replace").decode()
    assert row[0].removeprefix("'") == clean if row[0].startswith("'") else row[0] == clean
    assert not row[0].startswith(("=", "+", "-", "@", "\t", "\r"))


@given(st.dictionaries(TEXTS, JSON, max_size=5), st.integers(0, 4))
def test_json_lines_give_back_each_record(content: dict[str, object], indent: int) -> None:
    raw = json.dumps(content, indent=indent or None).encode()

    line = JsonLines().encode(event(raw))

    assert line.count(b"\n") == 1
    assert json.loads(line) == json.loads(raw)
    if b"\n" not in raw:
        assert line == raw + b"\n"


@given(st.binary())
def test_one_line_is_one_line_whatever_the_bytes(raw: bytes) -> None:
    assert len(one_line(raw).splitlines()) <= max(
        1, len(raw.replace(b"\n", b" ").replace(b"\r", b" ").splitlines())
    )
    assert b"\n" not in one_line(raw)


@given(JSON)
def test_cells_never_raise_and_objects_are_their_json(value: object) -> None:
    raw = json.dumps({"requestParameters": value}).encode()

    (cell,) = cells(event(raw), [Column("requestParameters", ("requestParameters",))])

    if isinstance(value, dict):
        assert json.loads(cell) == json.loads(json.dumps(value))


@given(
    st.dictionaries(st.sampled_from("abc"), JSON, max_size=3),
    st.lists(st.sampled_from("abc"), min_size=1, max_size=3),
)
def test_a_cell_is_the_texts_that_a_filter_finds(
    content: dict[str, object], path: list[str]
) -> None:
    raw = json.dumps(content).encode()

    (cell,) = cells(event(raw), [Column("x", tuple(path))])

    texts = [one.encode("utf-8", "replace").decode() for one in texts_at(decoded(raw) or {}, path)]
    if len(texts) == 1:
        assert cell == texts[0]
    elif texts:
        assert json.loads(cell) == texts
    else:
        assert (
            cell == "" or json.loads(cell) in ({}, []) or isinstance(json.loads(cell), dict | list)
        )


class Died(Exception):
    pass


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
@given(
    form=st.sampled_from(["csv", "jsonl", "parquet"]),
    deaths=st.lists(st.integers(1, 60), max_size=3),
    limit=st.none() | st.integers(1, 60),
    newest_first=st.booleans(),
)
def test_an_export_that_died_now_and_then_has_the_bytes_of_one_that_did_not(
    tmp_path_factory: pytest.TempPathFactory,
    form: str, deaths: list[int], limit: int | None, newest_first: bool,
) -> None:  # fmt: skip
    store = MemoryEventStore(SystemClock())
    store.append([record(number) for number in range(50)])
    search = Search(limit=limit, newest_first=newest_first, sequence_before=store.sequence_end())
    directory = tmp_path_factory.mktemp("export")

    def export(path: Path, dies_after: int | None, *, resume: bool) -> None:
        count = 0

        def seen(_event: StoredEvent) -> None:
            nonlocal count
            count += 1
            if count == dies_after:
                raise Died

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(exporting, "NOTED_EVENTS", 7)
            patch.setattr(exporting, "PART_ROWS", 7)
            begun = exporting.begin(path, (form,), search, resume=resume)
            if begun is None:
                return
            if form == "parquet":
                exporting.export_parquet(begun, store, parquet.ParquetParts(path), seen)
            else:
                text = Csv(parquet.USUAL_COLUMNS, guard=True) if form == "csv" else JsonLines()
                exporting.export_text(begun, store, text, seen)

    for death in deaths:
        try:
            export(directory / "died", death, resume=True)
        except Died:
            # Something came in meanwhile; it is no part of what was asked.
            store.append([record(1000 + death)])
    export(directory / "died", None, resume=True)
    export(directory / "whole", None, resume=False)

    assert (directory / "died").read_bytes() == (directory / "whole").read_bytes()
    assert sorted(one.name for one in directory.iterdir()) == ["died", "whole"]


def test_another_request_does_not_go_on(tmp_path: Path) -> None:
    exporting.begin(tmp_path / "x", ("csv", "a"), Search(), resume=False)

    with pytest.raises(InvalidInput, match="another request"):
        exporting.begin(tmp_path / "x", ("csv", "b"), Search(), resume=True)


@pytest.mark.contract  # half a minute
@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_an_export_killed_at_once_goes_on_to_the_same_bytes(tmp_path: Path, form: str) -> None:
    data = tmp_path / "data"
    fill(data, [record(number) for number in range(40_000)])
    died, whole = tmp_path / f"died.{form}", tmp_path / f"whole.{form}"
    environment = os.environ | {"OPENTRAIL_DATA": str(data)}

    def command(path: Path, *more: str) -> list[str]:
        return [
            sys.executable,
            "-m",
            "opentrail",
            "events",
            "search",
            "--all",
            "--output",
            str(path),
            *more,
        ]

    process = subprocess.Popen(command(died), env=environment, stderr=subprocess.DEVNULL)
    noted = died.with_name(died.name + ".position")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if noted.exists() and json.loads(noted.read_bytes())["after"] != "":
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.001)
    process.wait()
    assert process.returncode == -signal.SIGKILL
    assert noted.exists()
    fill(data, [record(50_000)])
    subprocess.run(command(died, "--resume"), env=environment, check=True, capture_output=True)
    again = subprocess.run(
        command(died, "--resume"), env=environment, check=True, capture_output=True
    )
    subprocess.run(
        command(whole, "eventTime < 2026-07-03T02:00:00Z"),
        env=environment,
        check=True,
        capture_output=True,
    )

    assert died.read_bytes() == whole.read_bytes()
    assert b"nothing was left to resume" in again.stderr
    assert sorted(one.name for one in tmp_path.iterdir()) == ["data", died.name, whole.name]
