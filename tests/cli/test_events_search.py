"""`opentrail events search`, `show` and `facets` over a store on disk."""

import csv
import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from events_world import START, World, fill, record
from opentrail.adapters.sessions import FILE_NAME, SqliteSessionIndex
from opentrail.cli.events.opening import caret
from opentrail.cli.events.table import row

EVIL = "=cmd|' /C calc'!A0\x1b[2J\u202e"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    raws = [record(number) for number in range(100)]
    raws += [
        record(200, eventName="DeleteBucket", errorCode="AccessDenied", userAgent=EVIL),
        record(201, eventName="GetObject", recipientAccountId="222222222222"),
        json.dumps(json.loads(record(202, eventName="Pretty")), indent=2).encode(),
        b'{"broken": \x1b[31m',
    ]
    fill(tmp_path, raws)
    return World(tmp_path, monkeypatch)


def test_the_newest_come_first_and_the_footer_has_the_exact_total(world: World) -> None:
    result = world.run("search", "eventName = PutObject", "--limit", "3")

    assert [line.split()[0] for line in result.stdout.splitlines()] == [
        f"{number:08x}-0000-4000-8000-000000000000" for number in (99, 98, 97)
    ]
    assert "3 of 100 shown (use --all)" in result.stderr


def test_words_are_joined_to_one_filter(world: World) -> None:
    assert world.out("search", "eventName", "=", "GetObject", "--count") == "1\n"


def test_an_account_narrows(world: World) -> None:
    assert world.out("search", "--account", "222222222222", "--count") == "1\n"


def test_json_has_a_version_the_events_the_total_and_the_next_page(world: World) -> None:
    first = world.json("search", "eventName = PutObject", "--limit", "60", "--facet", "error")
    second = world.json(
        "search", "eventName = PutObject", "--limit", "60", "--after", first["next"]["after"]
    )

    assert (first["version"], first["total"]) == (1, {"events": 100, "exact": True})
    assert len(first["events"]) + len(second["events"]) == 100
    assert first["events"][0]["record"] == json.loads(record(99))
    assert first["events"][0]["position"].startswith(f"{START + 99}:")
    assert second["next"] is None
    assert first["facets"] == [{"field": "errorCode", "values": [], "missing": 100, "others": 0}]


def test_jsonl_has_exact_bytes_and_a_printed_record_on_one_line(world: World) -> None:
    found = world.out("search", "--all", "--oldest-first", "--format", "jsonl").splitlines()

    assert found[:100] == [record(number).decode() for number in range(100)]
    (pretty,) = [line for line in found if "Pretty" in line]
    assert json.loads(pretty) == json.loads(record(202, eventName="Pretty"))


def test_what_is_no_record_is_told_apart(world: World) -> None:
    (event,) = world.json("search", "broken")["events"]

    assert event["unreadable"] == '{"broken": \x1b[31m'
    assert "\x1b" not in world.out("search", "broken")


def test_a_stranger_s_text_moves_no_cursor_and_runs_in_no_spreadsheet(world: World) -> None:
    words = ("search", "eventName = DeleteBucket", "--columns", "userAgent,eventName")
    guarded = world.run(*words, "--format", "csv").stdout_bytes.decode()
    plain = world.run(*words, "--format", "csv", "--no-formula-guard").stdout_bytes.decode()

    assert "\x1b" not in world.out("show", f"{200:08x}")
    assert list(csv.reader(io.StringIO(guarded, newline="")))[1] == ["'" + EVIL, "DeleteBucket"]
    assert list(csv.reader(io.StringIO(plain, newline="")))[1][0] == EVIL


def test_the_ending_of_the_file_names_its_format(world: World, tmp_path: Path) -> None:
    world.out("search", "--all", "--output", str(tmp_path / "x.csv"))
    world.out("search", "--all", "--output", str(tmp_path / "x.parquet"))

    rows = list(csv.DictReader(io.StringIO((tmp_path / "x.csv").read_bytes().decode(), newline="")))
    table = pq.read_table(tmp_path / "x.parquet").to_pylist()
    assert len(rows) == len(table) == 104
    by_id = {one["event_id"]: one for one in table}
    for one in rows:
        if one["eventID"]:
            same = by_id[one["eventID"]]
            assert (same["event_name"], same["identity_user_name"]) == (one["eventName"], "alice")
            assert json.loads(same["record"])["eventID"] == one["eventID"]
    assert not list(tmp_path.glob("x.*.*"))


def test_a_bad_filter_ends_with_2_and_a_mark_below_the_place(world: World) -> None:
    result = world.run("search", "eventName = x AND userIdentity.am = y")

    assert result.exit_code == 2
    _, shown, mark = result.stderr.splitlines()
    assert shown[mark.index("^") :].startswith("userIdentity.am")


def test_the_mark_stands_right_below_characters_that_are_shown_as_escapes() -> None:
    shown, mark = caret("a\x1b\u202e = " + "x" * 200, 6)

    assert shown[len(mark) - 1] == "x"
    assert len(caret("y" * 500, 400)[0]) < 130


def test_without_a_data_directory_it_ends_with_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = World(tmp_path / "none", monkeypatch)

    for words in (
        ("search",),
        ("show", "latest"),
        ("facets", "eventName"),
        ("tail", "--no-follow"),
    ):
        assert empty.run(*words).exit_code == 3
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("--format", "xml"),
        ("--format", "parquet"),
        ("--resume",),
        ("--resume", "--output", "x.json"),
        ("--count", "--format", "csv"),
        ("--limit", "0"),
    ],
)
def test_wrong_options_end_with_2(world: World, words: tuple[str, ...]) -> None:
    assert world.run("search", *words).exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("--since", "soon"),
        ("--after", "x"),
        ("--columns", "eventNam"),
        ("--between", "1h", "--since", "2h"),
    ],
)
def test_wrong_times_positions_and_fields_are_invalid_input(
    world: World, words: tuple[str, ...]
) -> None:
    assert world.run("search", *words, "--format", "csv").exit_code != 0


def test_explain_tells_what_is_asked(world: World) -> None:
    told = world.run("search", "eventName=Put*", "--until", "2026-12-01", "--explain").stderr

    assert "filter    eventName like Put*" in told
    assert "before 2026-12-02T00:00:00Z" in told


def test_show_tells_the_event_in_words_and_what_belongs_to_it(world: World) -> None:
    told = world.out("show", f"{200:08x}")

    assert told.startswith("DENIED: alice tried DeleteBucket of s3 on logs from 10.0.0.1")
    assert "opentrail events search 'requestID = request-200'" in told


def test_show_knows_latest_positions_and_prefixes(world: World) -> None:
    position = world.json("search", "eventName = GetObject")["events"][0]["position"]

    assert world.json("show", position)["event"]["record"]["eventName"] == "GetObject"
    assert world.json("show", f"{5:08x}-0")["event"]["record"] == json.loads(record(5))
    assert world.run("show", "latest").exit_code == 0
    several = world.run("show", "0000000")
    assert several.exit_code == 2
    assert "… and more" in several.stderr
    assert world.run("show", "ffffffff").exit_code == 2


def test_facets_count_values_of_all_or_of_what_passes(world: World) -> None:
    (names,) = world.json("facets", "eventName")["facets"]
    names_of, errors = world.json("facets", "eventName", "error", "errorCode", "exists")["facets"]

    assert names["values"][0] == {"value": "PutObject", "events": 100}
    assert names["missing"] == 1
    assert names_of["values"] == [{"value": "DeleteBucket", "events": 1}]
    assert errors["values"] == [{"value": "AccessDenied", "events": 1}]
    assert "100  █" in world.out("facets", "eventName")


def test_a_tail_prints_everything_once_and_resumes_by_sequence(world: World) -> None:
    everything = world.out("tail", "--no-follow", "--format", "json").splitlines()
    sequences = [json.loads(line)["sequence"] for line in everything]
    rest = world.out("tail", "--no-follow", "--format", "json", "--resume-from", "50").splitlines()

    assert sequences == list(range(104))
    assert rest == everything[50:]
    assert len(world.out("tail", "eventName = PutObject", "--no-follow").splitlines()) == 100
    assert (
        len(
            world.out(
                "tail", "--name", "GetObject", "--no-follow", "--format", "jsonl"
            ).splitlines()
        )
        == 1
    )


def test_a_person_is_found_through_a_role(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    role = {
        "type": "AssumedRole", "accessKeyId": "ASIA2", "accountId": "111111111111",
        "arn": "arn:aws:sts::111111111111:assumed-role/Deploy/run",
        "principalId": "AROA1:run",
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": "arn:aws:iam::111111111111:role/Deploy"},
                           "attributes": {"creationDate": "2026-07-02T13:46:41Z"}},
    }  # fmt: skip
    alice = {"type": "IAMUser", "userName": "alice", "accessKeyId": "AKIA1", "principalId": "AIDA1",
             "arn": "arn:aws:iam::111111111111:user/alice", "accountId": "111111111111"}  # fmt: skip
    issued = {"credentials": {"accessKeyId": "ASIA2", "expiration": "Jul 2, 2026, 2:46:41 PM"},
              "assumedRoleUser": {"assumedRoleId": "AROA1:run", "arn": role["arn"]}}  # fmt: skip
    raws = [
        record(1, eventName="AssumeRole", eventSource="sts.amazonaws.com", userIdentity=alice, responseElements=issued),
        record(2, eventName="PutObject", userIdentity=role),
        record(3, userIdentity=alice | {"userName": "bob", "accessKeyId": "AKIA9", "principalId": "AIDA9",
                                        "arn": "arn:aws:iam::111111111111:user/bob"}),
    ]  # fmt: skip
    fill(tmp_path, raws)
    world = World(tmp_path, monkeypatch)
    assert world.run("search", "person = alice").exit_code != 0
    index = SqliteSessionIndex(tmp_path / FILE_NAME)
    index.observe(raws)
    index.close()

    names = [one["record"]["eventName"] for one in world.json("search", "person = alice")["events"]]

    assert names == ["PutObject", "AssumeRole"]
    assert world.out("search", "person != alice", "--count") == "1\n"
    assert world.run("facets", "person").exit_code == 2


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_line_fits_the_terminal_and_nothing_is_cut_where_there_is_none(columns: int) -> None:
    raw = record(7, errorCode="AccessDenied" * 9, eventName="N\u202e" * 40)

    assert len(row(raw, columns)) <= columns
    assert "\u202e" not in row(raw, columns)
    assert row(raw, 0).startswith(f"{7:08x}-0000-4000-8000-000000000000 2026-07-02T")
    assert "AccessDenied" * 9 in row(raw, 0)
