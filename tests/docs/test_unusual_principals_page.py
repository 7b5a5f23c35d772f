"""The rules of docs/how-to/unusual-principals.md are understood, and find what they say."""

import re
from pathlib import Path

from opentrail.adapters.rule_files import RuleDirectory

PAGE = (Path(__file__).parents[2] / "docs/how-to/unusual-principals.md").read_text()
FILES = dict(re.findall(r"```yaml\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))


def test_the_rules_of_the_page_are_used_together(tmp_path: Path) -> None:
    directory = RuleDirectory(tmp_path)
    for name, text in FILES.items():
        directory.put(name, text.encode())

    book = directory.read()

    assert len(FILES) == 7
    assert book.rules.problems == ()
    names = {one.about.name for one in book.rules.rules.values()}
    assert {"tampering", "denied", "any_write", "writes_by_principals"} <= names
    assert len(list(book.rules.definitions())) == 10
