"""The rules of docs/how-to/sigma-rules.md can be used, and its commands exist."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from opentrail.adapters.rule_files import RuleDirectory
from opentrail.cli.main import commands
from opentrail.cli.sigma.adding import files_of_pack

PAGE = (Path(__file__).parents[2] / "docs/how-to/sigma-rules.md").read_text()
FILES = dict(re.findall(r"```(?:yaml|toml)\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))
COMMANDS = [
    line
    for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("opentrail ")
]


def test_the_files_of_the_page_are_used_together(tmp_path: Path) -> None:
    directory = RuleDirectory(tmp_path)
    for name, text in FILES.items():
        directory.put(name, text.encode())

    book = directory.read()

    assert book.rules.problems == ()
    assert len(list(book.rules.definitions())) == 4
    (failed,) = (one for one in book.rules.rules.values() if one.about.name == "wrong_password")
    assert [one.rules for one in book.targets] == [(), (failed.about.id,), ()]
    assert len(tomllib.loads(FILES["rules.toml"])["targets"]) == 3


def test_the_files_of_the_page_go_with_the_pack(tmp_path: Path) -> None:
    directory = RuleDirectory(tmp_path)
    for name, content in files_of_pack("principals").items():
        directory.put(name, content)
    for name, text in FILES.items():
        directory.put(f"page/{name}", text.encode())

    assert directory.read().rules.problems == ()


@pytest.mark.parametrize("line", COMMANDS)
def test_the_commands_of_the_page_are_known(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing there they end with 2 or 3, for another reason than their words."""
    monkeypatch.setenv("OPENTRAIL_DATA", str(tmp_path / "none"))

    result = CliRunner().invoke(commands, shlex.split(line)[1:])

    assert result.exit_code == 3, result.output
    assert "is no data directory" in result.stderr
