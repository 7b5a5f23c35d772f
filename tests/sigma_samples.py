"""Rules written short, and the conditions of another program restated as rules."""

import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from opentrail.adapters.rule_files.parsing import parse_rules
from opentrail.predicate.matching import record_matcher
from opentrail.sigma.ruleset import RuleSet

VECTORS = Path(__file__).parent / "vectors"
WHERES: dict[str, str] = {
    row["id"]: row["expected"]["sqlite_where"]
    for row in map(
        json.loads, (VECTORS / "sigma/sigmahq_cloudtrail.jsonl").read_text().splitlines()
    )
}


def rule_text(detection: str, *, title: str = "T", name: str = "", extra: str = "") -> str:
    """A rule of a detection, its lines indented as they are."""
    named = f"name: {name}\n" if name else ""
    body = textwrap.indent(textwrap.dedent(detection).strip(), "  ")
    return (
        f"title: {title}\n{named}{extra}logsource: {{product: aws, service: cloudtrail}}\n"
        f"detection:\n{body}\n"
    )


def rule_set(*texts: str, placeholders: dict[str, list[str]] | None = None) -> RuleSet:
    """The rules of some documents, each a file."""
    files = [(f"{number}.yml", text.encode()) for number, text in enumerate(texts)]
    return parse_rules(files, placeholders or {})


def usable(*texts: str, placeholders: dict[str, list[str]] | None = None) -> RuleSet:
    """As `rule_set`, where nothing may be refused."""
    found = rule_set(*texts, placeholders=placeholders)
    assert not found.problems, [str(one) for one in found.problems]
    return found


def matches(detection: str, record: dict[str, Any]) -> bool:
    """Whether a record passes a detection."""
    rules = usable(rule_text(detection))
    (rule,) = rules.rules.values()
    return record_matcher(rule.where)(record)


TOKEN = re.compile(
    r"\s*(?:(?P<word>AND|OR|NOT COALESCE\(|, 0\)|\(|\))"
    r"|`?(?P<field>[A-Za-z.]+)`?(?P<test> IS NULL| LIKE |=)(?:'(?P<value>[^']*)')?"
    r"(?: ESCAPE '\\')?)"
)


def restated(where: str) -> str:
    """The detection that a condition of SQL stands for."""
    selections: list[str] = []
    condition: list[str] = []
    place = 0
    while place < len(where):
        found = TOKEN.match(where, place)
        assert found, where[place:]
        place = found.end()
        word = found["word"]
        if word is not None:
            condition.append({"NOT COALESCE(": "not (", ", 0)": ")"}.get(word, word.lower()))
            continue
        name = f"s{len(selections)}"
        condition.append(name)
        key, value = _selection(found["field"], found["test"].strip(), found["value"])
        selections.append(f"{name}:\n  {key}: {json.dumps(value)}")
    return "\n".join([*selections, f"condition: {' '.join(condition)}"])


def _selection(field: str, test: str, value: str | None) -> tuple[str, str | None]:
    if test == "IS NULL":
        return field, None
    assert value is not None
    if test == "=":
        return field, value
    middle = value.strip("%").replace("\\_", "_")
    modifiers = {
        (True, True): "|contains",
        (True, False): "|endswith",
        (False, True): "|startswith",
    }
    return field + modifiers[value.startswith("%"), value.endswith("%")], middle


def fields_of(where: str) -> dict[str, list[str]]:
    """The fields of a condition, with what they are compared with."""
    found: dict[str, list[str]] = {}
    for one in TOKEN.finditer(where):
        if one["field"]:
            value = (one["value"] or "").strip("%").replace("\\_", "_")
            found.setdefault(one["field"], []).append(value)
    return found


def corpora() -> Iterator[dict[str, Any]]:
    """The real records."""
    for path in sorted((VECTORS / "corpora").glob("*/*.json*")):
        if path.name == "SOURCE.json":
            continue
        if path.suffix == ".jsonl":
            found = [json.loads(line) for line in path.read_text().splitlines() if line]
        else:
            found = json.loads(path.read_text())["Records"]
        yield from (one for one in found if isinstance(one, dict))
