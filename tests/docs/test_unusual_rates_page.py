"""The commands of docs/how-to/insights.md exist."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from opentrail.cli.main import commands

PAGE = (Path(__file__).parents[2] / "docs/how-to/insights.md").read_text()
COMMANDS = [
    line
    for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("opentrail insights")
]


@pytest.mark.parametrize("line", COMMANDS)
def test_the_commands_of_the_page_are_known(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENTRAIL_DATA", str(tmp_path))

    done = CliRunner().invoke(commands, shlex.split(line)[1:])

    assert done.exit_code == 3, done.output
    assert "no server ran" in done.output
