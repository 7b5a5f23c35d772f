"""docs/how-to/unusual-principals.md tells of every rule of the pack, as it is."""

import re
from pathlib import Path

from opentrail.adapters.rule_files import RuleDirectory
from opentrail.cli.sigma.adding import files_of_pack

PAGE = (Path(__file__).parents[2] / "docs/how-to/unusual-principals.md").read_text()
ROWS = dict(re.findall(r"^\| `(\w+)` \|.*\| (\w+) \|$", PAGE, re.MULTILINE))


def test_the_page_names_the_rules_that_find_something(tmp_path: Path) -> None:
    directory = RuleDirectory(tmp_path)
    for name, content in files_of_pack("principals").items():
        directory.put(name, content)
    rules = directory.read().rules

    assert {
        one.about.name: one.about.level.value
        for one in rules.definitions()
        if one.about.id not in rules.silent
    } == ROWS


def test_its_targets_are_understood(tmp_path: Path) -> None:
    directory = RuleDirectory(tmp_path)
    for text in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL):
        directory.put("rules.toml", text.encode())

        book = directory.read()
        assert book.rules.problems == ()
        assert book.targets[0].once_an_incident
