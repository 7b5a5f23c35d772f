"""Text and space-delimited filter patterns, over a message.

A text pattern looks for its terms anywhere in the message, case by case. Of `?` terms one must be
there; they count for nothing beside terms of another kind.
A line's fields stand between blanks; what is in brackets or quotation marks is one field. With
fewer names than fields the last name has all that is left of the line.
Source: CloudWatch Logs user guide, "Filter pattern syntax"; CloudWatch Logs API reference,
TestMetricFilter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from opentrail.alarms.pattern_tree import Field, Pattern, Role, Term
from opentrail.alarms.pattern_values import field_test, fits
from opentrail.predicate.comparing import Passes
from opentrail.predicate.expression import EVERYTHING, All, Any, Expression, FreeText

_CLOSED_BY = {"[": "]", '"': '"'}
_WORD = re.compile(r"[A-Za-z0-9_]+")
_END_OF_ESCAPE = re.compile(r"\A(?:u[0-9a-fA-F]{0,4}|[0-9a-fA-F]{1,4}|[nrt])")
_BEFORE_BLANK = re.compile(r"\S+")
_BLANKS = re.compile(r"\s*")


class Token(NamedTuple):
    """A field of a line: its text, and where it begins in the line."""

    text: str
    start: int


def message_test(terms: Sequence[Term]) -> Passes:
    """Whether a message passes the terms of a text pattern.

    Raises:
        InvalidFilterPattern: RE2 cannot read a regular expression.
    """
    by_role: dict[Role, list[Passes]] = {role: [] for role in Role}
    for term in terms:
        by_role[term.role].append(_within(term))
    needed, wanted, unwanted = by_role[Role.ALL], by_role[Role.ANY], by_role[Role.NONE]
    if not needed and not unwanted:
        return lambda message: any(found(message) for found in wanted)
    return lambda message: (
        all(found(message) for found in needed) and not any(found(message) for found in unwanted)
    )


def _within(term: Term) -> Passes:
    if isinstance(term.value, Pattern):
        return fits(term.value)
    text = term.value.value
    if not text.strip():
        # AWS's way of writing "every message".
        return lambda _: True
    return lambda message: text in message


def terms_bound(terms: Sequence[Term]) -> Expression:
    """An expression that holds for every record whose JSON passes the terms."""
    needed = [term for term in terms if term.role is Role.ALL]
    if needed or any(term.role is Role.NONE for term in terms):
        bounds = (_term_bound(term) for term in needed)
        return All(tuple(one for one in bounds if one != EVERYTHING))
    bounds_of_any = tuple(map(_term_bound, terms))
    return EVERYTHING if EVERYTHING in bounds_of_any else Any(bounds_of_any)


def _term_bound(term: Term) -> Expression:
    if isinstance(term.value, Pattern):
        return EVERYTHING
    words = (_surely_text(word) for word in _WORD.findall(term.value.value))
    longest = max(words, key=len, default="")
    # `null` is the one word of JSON that is no text of a record.
    return EVERYTHING if longest in "null" else FreeText(longest)


def _surely_text(word: str) -> str:
    r"""The end of a word that cannot stand in an escape of JSON (`\n`, `\u00e9`)."""
    return _END_OF_ESCAPE.sub("", word, count=1)


def tokens(line: str) -> list[Token]:
    """The fields of a line."""
    found: list[Token] = []
    last = {end: line.rfind(end) for end in _CLOSED_BY.values()}
    place = _behind(_BLANKS, line, 0)
    while place < len(line):
        end = _CLOSED_BY.get(line[place], "")
        if end and last[end] > place:
            stop = line.find(end, place + 1)
            found.append(Token(line[place + 1 : stop], place))
            place = stop + 1
        else:
            stop = _behind(_BEFORE_BLANK, line, place)
            found.append(Token(line[place:stop], place))
            place = stop
        place = _behind(_BLANKS, line, place)
    return found


def _behind(pattern: re.Pattern[str], line: str, place: int) -> int:
    found = pattern.match(line, place)
    return place if found is None else found.end()


Line = dict[str, str]
"""A line's fields by name; those of an ellipsis by their place from 1."""


def line_reader(fields: Sequence[Field]) -> Callable[[str], Line | None]:
    """The fields of a line that passes; None for one that does not.

    Raises:
        InvalidFilterPattern: RE2 cannot read a regular expression.
    """
    ellipsis = next((place for place, field in enumerate(fields) if not field.name), None)
    tests = [(field.name, test) for field in fields if (test := _field_holds(field)) is not None]

    def read(line: str) -> Line | None:
        named = _named(fields, ellipsis, line)
        if named is None or not all(test(named[name]) for name, test in tests):
            return None
        return named

    return read


def _named(fields: Sequence[Field], ellipsis: int | None, line: str) -> Line | None:
    found = tokens(line)
    texts = [token.text for token in found]
    more = len(found) - len(fields)
    if ellipsis is None:
        if more < 0:
            return None
        if more > 0:
            texts[len(fields) - 1 :] = [line[found[len(fields) - 1].start :].rstrip()]
        return {field.name: text for field, text in zip(fields, texts, strict=True)}
    if more < -1:
        return None
    behind = ellipsis + more + 1
    named = {field.name: text for field, text in zip(fields, texts[:ellipsis], strict=False)}
    named |= {str(place + 1): texts[place] for place in range(ellipsis, behind)}
    after = zip(fields[ellipsis + 1 :], texts[behind:], strict=True)
    return named | {field.name: text for field, text in after}


def _field_holds(field: Field) -> Passes | None:
    if not field.tests:
        return None
    alternatives = [[field_test(*one) for one in together] for together in field.tests]
    return lambda text: any(all(test(text) for test in together) for together in alternatives)
