"""What correlations see of a record, or of a finding that others refer to."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from opentrail.sigma.finding import Finding, shown
from opentrail.sigma.rule import Correlation, FirstSeen

Values = tuple[tuple[str, str | None], ...]

MOST_VALUES = 100
"""Values of one record that one rule counts."""

_LONGEST = 200
"""Characters of a value that is remembered as it is; a longer one as its hash."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that rules are asked of.

    Attributes:
        time: Epoch seconds.
        ids: eventIDs; of a record one.
        texts: The texts of a field, by its name, with a view (views.seen_as) or without.
        actor: Tells views.actor.
    """

    time: int
    ids: tuple[str, ...]
    account_id: str
    region: str
    texts: Callable[[str], tuple[str, ...]]
    actor: Callable[[], str]

    def first(self, name: str) -> str | None:
        """The first text of a field."""
        texts = self.texts(name)
        return texts[0] if texts else None


def of_finding(finding: Finding) -> Happening:
    """A correlation's finding, as others see it: its fields are what it was grouped by."""
    values = dict(finding.values)

    def texts(name: str) -> tuple[str, ...]:
        value = values.get(name)
        return () if value is None else (value,)

    ids = finding.event_ids
    return Happening(
        finding.last_time, ids, finding.account_id, finding.region, texts, lambda: finding.actor
    )


def group_of(one: Correlation | FirstSeen, reference: str, happening: Happening) -> Values:
    """Names and values of what it is grouped by; of several texts of a field the first.

    Args:
        reference: The rule that it passed.
    """
    found: list[tuple[str, str | None]] = []
    for name in one.group_by:
        field = _field(one.aliases, name, reference)
        text = None if field is None else happening.first(field)
        found.append((name, None if text is None else shown(text)))
    return tuple(found)


def values_of(one: Correlation | FirstSeen, reference: str, happening: Happening) -> list[str]:
    """The values that are counted: all texts of one field, or several fields' first ones together.

    None where one of the fields is missing.
    """
    fields = [_field(one.aliases, name, reference) for name in one.values]
    if len(fields) == 1 and fields[0] is not None:
        texts = happening.texts(fields[0])[:MOST_VALUES]
        return list(dict.fromkeys(map(shown, texts)))
    firsts = [None if field is None else happening.first(field) for field in fields]
    if None in firsts:
        return []
    return [json.dumps([shown(text) for text in firsts if text is not None], ensure_ascii=False)]


@lru_cache(maxsize=16_384)  # groups come again and again
def hash_of(*texts: str | None) -> str:
    """A name of fixed length for texts."""
    return blake2b(json.dumps(texts).encode(), digest_size=16).hexdigest()


def slot_of(value: str) -> str:
    """The value, or its hash if it is long."""
    return value if len(value) <= _LONGEST else hash_of(value)


def _field(aliases: Mapping[str, Mapping[str, str]], name: str, reference: str) -> str | None:
    """The field that a name stands for; None if the alias has none for the rule."""
    if name not in aliases:
        return name
    return aliases[name].get(reference)
