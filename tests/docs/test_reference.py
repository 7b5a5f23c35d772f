"""The pages that come from the code are as the code is; pages lead to pages that exist."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

from opentrail.api.cloudtrail.operations import HANDLERS
from opentrail.aws.models import service_model

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def maker() -> Any:
    spec = importlib.util.spec_from_file_location("maker", ROOT / "tools" / "make_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["settings.md", "operations.md", "commands.md"])
def test_a_reference_page_is_as_the_code_is(name: str) -> None:
    page = (ROOT / "docs" / "reference" / name).read_text()

    assert page == maker().PAGES[name](), "run `make docs`"


def test_every_operation_has_a_row_with_its_state() -> None:
    page = (ROOT / "docs" / "reference" / "operations.md").read_text()
    rows = dict(re.findall(r"^\| (\w+) \| (done|not yet) \|", page, re.MULTILINE))

    assert rows.keys() == {*service_model("cloudtrail").operation_names, "PutAuditEvents"}
    assert {name for name, state in rows.items() if state == "done"} == HANDLERS.keys()
    assert maker().DIFFERENCES.keys() <= HANDLERS.keys()


@pytest.mark.parametrize("page", PAGES, ids=[str(one.relative_to(ROOT)) for one in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_readme_is_short_and_begins_with_the_two_commands() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()

    assert len(lines) <= 150
    assert any(line.startswith("make run") for line in lines[:8])
    assert any(line.startswith("make test") for line in lines[:8])
