"""The directory of rules: what is read, what is told, what no name can do."""

import subprocess
import sys
from pathlib import Path

import pytest

from opentrail.adapters.rule_files import NO_SIGMA, RuleDirectory
from opentrail.errors import InvalidInput, Unavailable
from opentrail.ports.sigma.rule_files import FindingTarget
from opentrail.sigma.rule import Level
from sigma_samples import rule_text

RULE = rule_text("s: {eventName: X}\ncondition: s", title="One", name="one")


@pytest.fixture
def directory(tmp_path: Path) -> RuleDirectory:
    return RuleDirectory(tmp_path / "rules")


def titles(directory: RuleDirectory) -> list[str]:
    return [one.about.title for one in directory.read().rules.definitions()]


def test_a_directory_that_is_not_there_holds_no_rules(directory: RuleDirectory) -> None:
    assert titles(directory) == []
    assert directory.read().rules.problems == ()
    assert directory.version() == ()


def test_rules_are_found_at_any_depth_and_other_files_are_not(directory: RuleDirectory) -> None:
    directory.put("aws/cloudtrail/one.yml", RULE.encode())
    for name in ("README.md", ".hidden.yml", ".git/two.yml", "aws/rules.toml"):
        path = directory.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("no rule")

    assert titles(directory) == ["One"]
    assert directory.names() == ["aws/cloudtrail/one.yml"]
    assert directory.read().rules.problems == ()


def test_every_change_is_seen(directory: RuleDirectory) -> None:
    seen = {directory.version()}
    directory.put("one.yml", RULE.encode())
    seen.add(directory.version())
    directory.put("one.yml", RULE.replace("One", "Two").encode())
    seen.add(directory.version())
    directory.put("rules.toml", b"")
    seen.add(directory.version())
    directory.remove("one.yml")
    seen.add(directory.version())

    assert len(seen) == 5
    directory.remove("one.yml")


@pytest.mark.parametrize(
    "name",
    ["../one.yml", "a/../../one.yml", "/etc/one.yml", ".one.yml", "one.txt", "a//b.yml", "a\0.yml", "a\\b.yml", ""],
)  # fmt: skip
def test_no_name_leads_elsewhere(directory: RuleDirectory, name: str) -> None:
    for act in (directory.get, directory.remove, lambda one: directory.put(one, b"")):
        with pytest.raises(InvalidInput, match="no name of a file of rules"):
            act(name)


def test_what_cannot_be_read_is_told(directory: RuleDirectory) -> None:
    directory.put("one.yml", RULE.encode())
    (directory.path / "folder.yml").mkdir()
    (directory.path / "gone.yml").symlink_to(directory.path / "nowhere.yml")
    (directory.path / "loop.yml").symlink_to(directory.path / "loop.yml")

    assert titles(directory) == ["One"]
    (problem,) = directory.read().rules.problems
    assert problem.source == "loop.yml"
    with pytest.raises(Unavailable):
        directory.get("folder.yml")


def test_settings_name_targets_and_placeholders(directory: RuleDirectory) -> None:
    directory.put("one.yml", RULE.encode())
    directory.put(
        "rules.toml",
        b"""
[placeholders]
admins = ["a"]
[[targets]]
target = "mailto:a@example.com"
level = "critical"
rules = ["one", "nobody"]
accounts = ["1"]
role = "arn:aws:iam::1:role/x"
dead_letter = "arn:aws:sqs:us-east-1:1:dead"
dry_run = true
needs_approval = true
""",
    )
    book = directory.read()
    (rule,) = book.rules.rules

    assert book.rules.problems == ()
    assert book.targets == (
        FindingTarget(
            target="mailto:a@example.com", level=Level.CRITICAL, rules=(rule, "nobody"),
            accounts=("1",), role="arn:aws:iam::1:role/x",
            dead_letter="arn:aws:sqs:us-east-1:1:dead", dry_run=True, needs_approval=True,
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("= ", "Invalid"),
        ("[other]", "expected [placeholders] and [[targets]]"),
        ("targets = 5", "expected [placeholders] and [[targets]]"),
        ("targets = [5]", "expected tables"),
        ("placeholders.a = 5", "placeholders.a: expected a list of texts"),
        ("[[targets]]", "expected an ARN"),
        ("[[targets]]\ntarget = 'ftp://x'", "'ftp://x': expected an ARN"),
        ("[[targets]]\ntarget = 5", "target: expected a text"),
        ("[[targets]]\ntarget = 'arn:x'\ncolour = 1", "target 1: colour: expected target, level"),
        ("[[targets]]\ntarget = 'arn:x'\nlevel = 'bad'", "level 'bad': expected informational"),
        ("[[targets]]\ntarget = 'arn:x'\ndry_run = 1", "dry_run: expected true or false"),
        ("[[targets]]\ntarget = 'arn:x'\nrules = 'one'", "rules: expected a list of texts"),
    ],
)
def test_settings_that_do_not_fit_are_told_and_disturb_no_rule(
    directory: RuleDirectory, text: str, reason: str
) -> None:
    directory.put("one.yml", RULE.encode())
    directory.put("rules.toml", text.encode())
    book = directory.read()

    assert titles(directory) == ["One"]
    assert book.targets == ()
    (problem,) = book.rules.problems
    assert reason in str(problem)
    assert problem.source == "rules.toml"


WITHOUT = """
import sys
sys.modules["sigma"] = None
from pathlib import Path
from opentrail.adapters.rule_files import RuleDirectory
print(RuleDirectory(Path(sys.argv[1])).read().rules.problems[0].reason)
from opentrail.cli.main import main
sys.argv = ["opentrail", "rules", "list"]
main()
"""


def test_without_pysigma_everything_runs_and_rules_are_told_of(tmp_path: Path) -> None:
    RuleDirectory(tmp_path / "rules").put("one.yml", RULE.encode())

    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, str(tmp_path / "rules")],
        env={"OPENTRAIL_DATA": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 3
    assert done.stdout.strip() == NO_SIGMA
    assert NO_SIGMA in done.stderr
