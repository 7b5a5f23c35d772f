"""Formats of dates: Java's letters as strftime's, and those of strftime that DuckDB knows."""

from __future__ import annotations

import re

from opentrail.errors import InvalidInput

_PIECE = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|([^A-Za-z'])")
_LETTERS = {
    "yyyy": "%Y", "yy": "%y", "y": "%Y", "uuuu": "%Y", "MMMM": "%B", "MMM": "%b", "MM": "%m",
    "M": "%-m", "dd": "%d", "d": "%-d", "DDD": "%j", "EEEE": "%A", "EEE": "%a", "E": "%a",
    "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M", "ss": "%S", "s": "%-S",
    "SSS": "%g", "SSSSSS": "%f", "a": "%p", "Z": "%z", "XXX": "%z", "X": "%z", "z": "%Z",
}  # fmt: skip
_KNOWN = re.compile(r"%(?:-?[dHIjmMSy]|[aAbBcfgGnpuUVwWxXYzZ%])|[^%]")
LONGEST = 200


def from_pattern(pattern: str) -> str:
    """A format such as `yyyy-MM-dd HH:mm:ss` for strftime; one with % is that already.

    Raises:
        InvalidInput: a letter means nothing.
    """
    if "%" in pattern:
        return checked(pattern)
    if len(pattern) > LONGEST:
        raise InvalidInput(f"a date format has at most {LONGEST} characters")
    spelled = []
    place = 0
    while place < len(pattern):
        found = _PIECE.match(pattern, place)
        if found is None:
            raise InvalidInput(f"the date format {pattern!r} has a quote without its pair")
        spelled.append(_piece(found, pattern))
        place = found.end()
    return "".join(spelled)


def _piece(found: re.Match[str], pattern: str) -> str:
    if found[1] is not None:
        return found[1].replace("''", "'") or "'"
    if found[3] is not None:
        return found[3]
    letters = found.group()
    if letters not in _LETTERS:
        raise InvalidInput(f"{letters!r} in the date format {pattern!r} means nothing")
    return _LETTERS[letters]


def checked(form: str) -> str:
    """A format of strftime.

    Raises:
        InvalidInput: it has a specifier that is none.
    """
    if len(form) > LONGEST:
        raise InvalidInput(f"a date format has at most {LONGEST} characters")
    place = 0
    while place < len(form):
        found = _KNOWN.match(form, place)
        if found is None:
            raise InvalidInput(f"{form[place : place + 2]!r} in the date format means nothing")
        place = found.end()
    return form
