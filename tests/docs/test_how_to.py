"""The Python of the how-to pages runs."""

import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

PAGE = Path(__file__).parent.parent.parent / "docs" / "how-to" / "test-what-your-code-calls.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_the_fixture_of_the_page_works(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(BLOCKS[0])

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    result.assert_outcomes(passed=1)


def test_the_hook_of_the_page_works(tmp_path: Path) -> None:
    exec(BLOCKS[1], {"path": tmp_path / "journal"})

    assert (tmp_path / "journal").is_dir()
