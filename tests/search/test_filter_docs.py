"""docs/reference/filter-language.md is as the code is: its examples run, its tables are whole."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from opentrail.predicate.matching import matcher
from opentrail.search.fields import ALIASES, FIELDS
from opentrail.search.invalid import InvalidFilter
from opentrail.search.lexer import KEYWORDS
from opentrail.search.parser import DEEPEST, LONGEST_TEXT, MOST_TESTS, parse_filter
from opentrail.search.times import parse_range, parse_time

PAGE = (Path(__file__).parents[2] / "docs/reference/filter-language.md").read_text()
NOW = datetime(2026, 7, 3, 10, 20, 30, tzinfo=UTC)
PUT = rb"""{"eventName": "PutObject", "eventTime": "2026-07-01T09:00:00Z",
  "sourceIPAddress": "10.1.2.3", "errorCode": "Throttled"}"""


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """Cells of the section's tables, without their heads."""
    found = []
    for table in re.findall(r"(?:^\|.*\n)+", section(title) + "\n", re.MULTILINE):
        lines = table.splitlines()[2:]
        found += [[cell.strip() for cell in line.split(" |")] for line in lines]
    return [[cells[0].removeprefix("|").strip(), *cells[1:]] for cells in found]


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("cells", rows("At a glance"), ids=str)
def test_the_first_examples_are_filters(cells: list[str]) -> None:
    assert parse_filter(*code(cells[1]))


@pytest.mark.parametrize("cells", rows("Tests"), ids=str)
def test_the_tests_read_and_are_in_order_about_one_call(cells: list[str]) -> None:
    (text,) = code(cells[0])
    negative = {'"Put*"', "!=", "not"} & set(text.split())

    assert matcher(parse_filter(text))(PUT) is not bool(negative)


SENTENCES = [
    one
    for prose in PAGE.split("```")[0::2]
    for line in prose.splitlines()
    if not line.startswith("|")
    for one in code(line)
    if re.search(r"^\w.* (=|!=|>|AND) \S", one)
]


@pytest.mark.parametrize("text", SENTENCES)
def test_filters_in_sentences_are_filters(text: str) -> None:
    assert len(SENTENCES) >= 6
    assert parse_filter(text)


@pytest.mark.parametrize("cells", rows("Errors")[:-3], ids=str)
def test_the_errors_are_as_told(cells: list[str]) -> None:
    with pytest.raises(InvalidFilter, match=re.escape(cells[1])):
        parse_filter(*code(cells[0]))


def test_the_limits_are_as_told() -> None:
    limits = [cells[1] for cells in rows("Errors")[-3:]]

    assert limits == [f"{LONGEST_TEXT:,} characters", str(DEEPEST), f"{MOST_TESTS:,}"]


@pytest.mark.parametrize("text", [one for cells in rows("Times") for one in code(cells[0])])
def test_times_and_ranges_are_read(text: str) -> None:
    parse_range(text, NOW)
    if ".." not in text:
        parse_time(text, NOW)


def test_the_keywords_are_told() -> None:
    sentence = next(line for line in PAGE.splitlines() if line.startswith("Keywords ("))

    assert set(code(sentence)) == KEYWORDS


def test_the_short_names_are_told() -> None:
    told = {code(cells[0])[0]: code(cells[1])[0] for cells in rows("Short names")}

    assert told == {alias: ".".join(path) for alias, path in ALIASES.items()}


def test_the_fields_are_told() -> None:
    told = [(code(cells[0])[0], cells[1] == "open", cells[2]) for cells in rows("All fields")]

    assert told == [(".".join(field.path), field.open, field.meaning) for field in FIELDS]
