"""The proportions and the floors (docs/style.md), so that a room that grows too large shows."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src").rglob("*.py"))
MAX_LINES, MAX_FUNCTION_LINES, MAX_MODULES = 500, 60, 15
BANNED_NAMES = {"utils", "common", "helpers", "base", "manager", "misc"}


@pytest.mark.parametrize("path", SOURCES, ids=[str(one.relative_to(ROOT)) for one in SOURCES])
def test_files_and_functions_are_small(path: Path) -> None:
    text = path.read_text()

    assert len(text.splitlines()) <= MAX_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < MAX_FUNCTION_LINES, node.name


def test_folders_are_small() -> None:
    for folder in {path.parent for path in SOURCES}:
        assert len([one for one in folder.glob("*.py") if one.name != "__init__.py"]) <= MAX_MODULES


def test_modules_are_named_for_what_they_hold() -> None:
    assert not {path.stem for path in SOURCES} & BANNED_NAMES


def test_nothing_is_imported_inside_a_function() -> None:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                inside = [
                    one for one in ast.walk(node) if isinstance(one, ast.Import | ast.ImportFrom)
                ]
                assert not inside, f"{path}: {node.name}"


def test_imports_only_go_down() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout[-3000:]
