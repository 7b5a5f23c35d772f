"""Regular expressions and globs of queries, as the engine's RE2 reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from opentrail.errors import InvalidInput
from opentrail.predicate.comparing import regex

_NAMED = re.compile(
    r"\\.|\[\^?\]?(?:\\.|\[:\^?[a-z]+:\]|[^\]\\])*\]|\(\?P?<([A-Za-z_]\w*)>", re.DOTALL
)
_REFERENCE = re.compile(r"\\\\|\\([0-9])|\$([0-9])|\\")


@dataclass(frozen=True, slots=True)
class Regex:
    """A pattern for RE2.

    Attributes:
        pattern: Groups are named in the older way, `(?P<name>…)`, which all versions read.
        groups: How many groups it has.
        names: (name, number of its group) in order.
    """

    pattern: str
    groups: int
    names: tuple[tuple[str, int], ...] = ()


def read_regex(pattern: str) -> Regex:
    """The pattern of a regular expression.

    Raises:
        InvalidInput: RE2 cannot read it.
    """
    spelled = _NAMED.sub(_older, pattern)
    compiled = regex(spelled)
    names = sorted(compiled.groupindex.items(), key=lambda one: one[1])
    return Regex(spelled, int(compiled.groups), tuple(names))


def _older(found: re.Match[str]) -> str:
    return found.group() if found[1] is None else f"(?P<{found[1]}>"


def glob_regex(glob: str) -> Regex:
    """A group for each `*`: as little as fits, the last one at the end all that is left."""
    pieces = re.split(r"(?<!\\)\*", glob)
    spelled = ["(?s)", _literal(pieces[0])]
    for number, piece in enumerate(pieces[1:], 1):
        is_rest = number == len(pieces) - 1 and not piece
        spelled += ["(.*)" if is_rest else "(.*?)", _literal(piece)]
    return Regex("".join(spelled), len(pieces) - 1)


def _literal(text: str) -> str:
    return "".join(
        one if one.isalnum() or one == "_" or not one.isascii() else f"\\x{{{ord(one):x}}}"
        for one in text.replace("\\*", "*")
    )


def replacement(text: str, groups: int) -> str:
    r"""A replacement as RE2 reads it: `$1` and `\\1` are groups, any other backslash is itself.

    Raises:
        InvalidInput: the pattern has no such group.
    """

    def spelled(found: re.Match[str]) -> str:
        number = found[1] or found[2]
        if number is None:
            return "\\\\"
        if int(number) > groups:
            raise InvalidInput(f"the replacement names group {number}; there are {groups}")
        return f"\\{number}"

    return _REFERENCE.sub(spelled, text)
