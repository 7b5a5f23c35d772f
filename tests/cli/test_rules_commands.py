"""Rules are tried on the past, added, listed, muted and removed; what was found is shown."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from events_world import START, fill, record
from opentrail.adapters.findings import FILE_NAME, SqliteFindings
from opentrail.adapters.state import SqliteStateStore
from opentrail.cli.main import commands
from opentrail.errors import InvalidInput
from opentrail.ports.sigma.findings import FindingQuery
from opentrail.sigma.finding import Finding
from opentrail.sigma.incidents import Incident
from opentrail.sigma.remembering import Changes
from sigma_samples import rule_text

PUT = rule_text(
    "s: {eventName: PutObject}\ncondition: s", title="Put", name="put", extra="level: high\n"
)
MANY = """
title: Many
name: many
level: critical
correlation: {type: event_count, rules: [put], group-by: [userIdentity.userName], timespan: 1m, condition: {gte: 10}}
"""
NEW_KEY = """
title: New address
correlation: {type: first_seen, field: sourceIPAddress, group-by: [userIdentity.userName], learning: 1h, timespan: 30d}
"""
FOREIGN = PUT.replace("product: aws, service: cloudtrail", "product: windows").replace(
    "name: put", "name: win"
)
SINCE = "2026-01-01..2027-01-01"


class World:
    def __init__(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENTRAIL_DATA", str(data))
        self.data = data
        self.files = data.parent / "files"
        self.files.mkdir()

    def file(self, name: str, text: str) -> str:
        path = self.files / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return str(path)

    def run(self, *words: str, code: int = 0) -> Result:
        result = CliRunner().invoke(commands, words)
        if result.exception is not None and not isinstance(
            result.exception, SystemExit | InvalidInput
        ):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.run(*words, "--format", "json", code=code).stdout)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    data = tmp_path / "data"
    data.mkdir()
    # 40 a second apart; then, an hour later, one from another address.
    late = record(8000, sourceIPAddress="10.9.9.9")
    fill(data, [*(record(number) for number in range(40)), late, record(50, eventName="GetObject")])
    SqliteStateStore(data / "state.sqlite")
    return World(data, monkeypatch)


def test_a_file_is_tried_before_it_is_added(world: World) -> None:
    found = world.json("rules", "test", world.file("put.yml", PUT), "--since", SINCE, code=1)

    assert found["count"] == 41
    assert found["by_level"] == {"high": 41}
    assert sum(found["by_day"].values()) == 41
    assert len(found["findings"]) == 41
    assert found["findings"][0]["event_ids"] == ["00000000-0000-4000-8000-000000000000"]


def test_correlations_are_tried_on_the_past(world: World) -> None:
    file = world.file("many.yml", PUT + "---" + MANY)

    found = world.json("rules", "test", file, "--since", SINCE, code=1)

    (many,) = found["findings"]
    assert (many["rule_title"], many["count"]) == ("Many", 40)
    assert many["values"] == {"userIdentity.userName": "alice"}


def test_values_never_seen_are_tried_on_the_past(world: World) -> None:
    file = world.file("new.yml", NEW_KEY)

    (found,) = world.json("rules", "test", file, "--since", SINCE, code=1)["findings"]

    assert found["values"]["sourceIPAddress"] == "10.9.9.9"


def test_a_rule_learns_from_the_past(world: World) -> None:
    world.run("rules", "add", world.file("new.yml", NEW_KEY.replace("title:", "name: new\ntitle:")))
    learned = world.run("rules", "learn", "new", "--since", SINCE)
    again = world.run("rules", "learn", "new", "--since", SINCE)

    # The group, and two addresses of it.
    assert "3 values and groups" in learned.stdout
    assert ": 0 values" in again.stdout
    store = SqliteFindings(world.data / FILE_NAME)
    assert store.page(FindingQuery()) == ()
    store.close()
    world.run("rules", "learn", "nothing", code=2)


def test_a_time_and_an_account_bound_a_trial(world: World) -> None:
    file = world.file("put.yml", PUT)
    from_there = world.json("rules", "test", file, "--since", "2030-01-01..", code=0)
    elsewhere = world.json("rules", "test", file, "--since", SINCE, "--account", "9", code=0)

    assert from_there["count"] == elsewhere["count"] == 0


def test_people_get_lines_and_a_summary(world: World) -> None:
    result = world.run(
        "rules", "test", world.file("put.yml", PUT), "--since", SINCE, "--limit", "2", code=1
    )

    assert len(result.stdout.splitlines()) == 2
    assert "PutObject by 10.0.0.1." in result.stdout
    assert "and 39 more" in result.stderr
    assert "41 findings (41 high)" in result.stderr


def test_rules_are_added_listed_tried_by_name_and_removed(world: World) -> None:
    world.run("rules", "add", world.file("put.yml", PUT), world.file("many.yml", MANY))
    (many, put) = world.json("rules", "list")["rules"]
    assert (put["title"], put["kind"], put["file"], put["silent"]) == (
        "Put",
        "rule",
        "put.yml",
        True,
    )
    assert (many["title"], many["kind"], many["level"]) == ("Many", "event_count", "critical")

    assert world.json("rules", "test", "many", "--since", SINCE, code=1)["count"] == 1
    assert world.json("rules", "test", put["id"], "--since", SINCE, code=1)["count"] == 41
    removed = world.run("rules", "remove", "put")
    assert "many.yml: Many: it refers to 'put'" in removed.stderr
    assert "many.yml" in world.run("rules", "list", code=1).stderr
    world.run("rules", "remove", "many.yml")
    assert world.json("rules", "list")["rules"] == []


def test_a_file_that_was_added_can_be_tried_again_edited_or_not(world: World) -> None:
    file = world.file("put.yml", PUT)
    world.run("rules", "add", file)

    assert world.json("rules", "test", file, "--since", SINCE, code=1)["count"] == 41
    edited = world.file("put.yml", PUT.replace("PutObject", "GetObject"))
    assert world.json("rules", "test", edited, "--since", SINCE, code=1)["count"] == 1


def test_a_directory_is_added_without_what_cannot_be_used(world: World) -> None:
    world.file("put.yml", PUT)
    world.file("win.yml", FOREIGN)
    world.file("bad.yml", "title: [")
    world.file("needs.yml", MANY.replace("[put]", "[win]").replace("name: many", "name: other"))

    result = world.run("rules", "add", str(world.files), code=1)

    assert result.stdout == "added put.yml\n"
    assert "1 files added, 1 are for other logs, 2 refused" in result.stderr
    assert world.run("rules", "add", str(world.files), code=1).stdout == ""


def test_a_file_takes_anothers_place_only_if_it_is_told_to(world: World) -> None:
    world.run("rules", "add", world.file("put.yml", PUT))
    other = world.file("put.yml", PUT.replace("PutObject", "GetObject"))

    assert "--replace" in world.run("rules", "add", other, code=1).stderr
    assert world.run("rules", "add", other, "--replace").stdout == "added put.yml\n"


def test_of_a_file_of_several_rules_none_is_removed_alone(world: World) -> None:
    world.run("rules", "add", world.file("both.yml", PUT + "---" + MANY))

    assert "holds 2 rules" in world.run("rules", "remove", "put", code=2).stderr
    world.run("rules", "remove", "both.yml")


def test_a_pack_is_added_learned_and_removed(world: World) -> None:
    added = world.run("rules", "add", "--pack", "principals")
    again = world.run("rules", "add", "--pack", "principals")
    learned = world.run("rules", "learn", "--since", SINCE)

    assert "12 files added, 0 refused" in added.stderr
    assert "0 files added, 12 were there" in again.stderr
    assert "values and groups" in learned.stdout
    assert len(world.json("rules", "list")["rules"]) == 21
    world.run("rules", "remove", "principals/root.yml")
    removed = world.run("rules", "remove", "--pack", "principals").stdout
    assert len(removed.splitlines()) == 11
    assert world.json("rules", "list")["rules"] == []
    for words in (("add",), ("add", "x.yml", "--pack", "principals"), ("remove", "--pack", "x")):
        world.run("rules", *words, code=2)


def test_the_list_tells_the_names_that_other_commands_take(world: World) -> None:
    world.run("rules", "add", "--pack", "principals")

    lines = world.run("rules", "list").stdout.splitlines()

    assert len([one for one in lines if one.endswith("(first_sensitive_api)")]) == 1


def test_a_rule_that_learns_nothing_is_told_from_one_that_is_not_there(world: World) -> None:
    world.run("rules", "add", world.file("put.yml", PUT))

    assert "'put' learns nothing" in world.run("rules", "learn", "put", code=2).stderr
    assert "there is no rule 'Put'" in world.run("rules", "learn", "Put", code=2).stderr


def test_unknown_names_are_told(world: World) -> None:
    world.run("rules", "remove", "nothing", code=2)
    world.run("rules", "test", "nothing", code=2)
    world.run("rules", "mute", "nothing", code=2)
    world.run("rules", "unmute", "nothing", code=2)
    world.run("rules", "add", str(world.files), code=2)
    world.run("findings", "list", code=3)


def test_rules_are_muted_and_unmuted(world: World) -> None:
    world.run("rules", "add", world.file("put.yml", PUT))
    made = world.run("rules", "mute", "put", "--where", "userIdentity.userName = alice",
                     "--until", "2030-01-01", "--reason", "a test")  # fmt: skip
    mute_id = made.stdout.split()[-1]

    (found,) = world.json("rules", "mutes")["mutes"]
    assert (found["id"], found["reason"], found["until"]) == (mute_id, "a test", 1893456000)
    assert "a test where userIdentity.userName = alice" in world.run("rules", "mutes").stdout
    world.run("rules", "unmute", mute_id)
    assert world.json("rules", "mutes")["mutes"] == []
    assert "^" in world.run("rules", "mute", "*", "--where", "((", code=2).stderr


def found_here(world: World) -> None:
    store = SqliteFindings(world.data / FILE_NAME)
    findings = [
        Finding(
            id=f"f{number}", rule_id="r", rule_title="Put \x1b[31m", level=level, account_id="1",
            region="us-east-1", first_time=START, last_time=START, count=2, made=START + number,
            event_ids=("00000001-0000-4000-8000-000000000000", "gone"), summary="Something.",
            values=(("a", "x"), ("b", None)), muted=muted,
        )
        for number, (level, muted) in enumerate([("low", ""), ("high", ""), ("high", "a test")])
    ]  # fmt: skip
    store.commit(Changes(findings={one.id: one for one in findings}))
    store.close()


def test_findings_are_listed(world: World) -> None:
    found_here(world)
    since = ("--since", "2026-01-01")

    assert [one["id"] for one in world.json("findings", "list", *since)["findings"]] == ["f1", "f0"]
    high = world.json("findings", "list", *since, "--level", "high", "--muted")["findings"]
    assert [one["muted"] for one in high] == ["a test", ""]
    table = world.run("findings", "list", *since).stdout
    assert "\x1b" not in table
    assert "Put \\x1b[31m: Something." in table
    lines = world.run("findings", "list", *since, "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["f1", "f0"]
    world.run("findings", "list", "--level", "terrible", code=2)


def test_a_finding_is_shown_with_its_events(world: World) -> None:
    found_here(world)

    result = world.run("findings", "show", "f1")
    assert "PutObject" in result.stdout
    assert "1 of its events are not in the store." in result.stderr
    told = world.json("findings", "show", "f1")
    assert json.loads(told["events"][0])["eventName"] == "PutObject"
    world.run("findings", "show", "f9", code=2)


def test_incidents_are_listed_and_shown(world: World) -> None:
    world.run("incidents", "list", code=3)
    found_here(world)
    store = SqliteFindings(world.data / FILE_NAME)
    of_it = Finding(
        id="g1", rule_id="r", rule_title="Put", level="high", account_id="1", region="us-east-1",
        first_time=START, last_time=START, count=1, made=START, event_ids=("e1",), values=(),
        summary="Something.", incident_id="i-1",
    )  # fmt: skip
    incident = Incident(
        id="i-1", account_id="1", actor="al\x1b[2Jice", first_time=START, last_time=START,
        level="high", findings=2, rules=("Put",), made=START,
    )  # fmt: skip
    store.commit(Changes(findings={"g1": of_it}, incidents={"i-1": incident}))
    store.close()

    listed = world.run("incidents", "list", "--since", "2026-01-01").stdout
    shown = world.run("incidents", "show", "i-1")

    assert "Put" in listed
    assert "\x1b" not in listed
    assert "g1" in shown.stdout
    assert "f1" not in shown.stdout
    assert "1 of its findings are not shown" in shown.stderr
    assert [one["id"] for one in world.json("incidents", "show", "i-1")["findings"]] == ["g1"]
    (told,) = world.json("incidents", "list", "--since", "2026-01-01")["incidents"]
    assert (told["id"], told["level"]) == ("i-1", "high")
    assert "i-1" in world.run("findings", "show", "g1").stdout
    world.run("incidents", "show", "i-2", code=2)
    world.run("incidents", "list", "--level", "x", code=2)
