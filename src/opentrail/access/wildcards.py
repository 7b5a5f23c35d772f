"""`*` and `?` in actions, resources and the Like operators."""

from __future__ import annotations

_LITERAL = str.maketrans({"*": "\x01", "?": "\x02"})
_BACK = str.maketrans({"\x01": "*", "\x02": "?"})


def fits(pattern: str, text: str) -> bool:
    """Whether `text` is what `pattern` stands for: `*` any characters, `?` exactly one.

    Steps are at most the product of both lengths, whatever the pattern: both come from strangers.
    """
    at, place, star, resumed = 0, 0, -1, 0
    while place < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, resumed = at, place
            at += 1
        elif at < len(pattern) and (pattern[at] == "?" or plain(pattern[at]) == text[place]):
            at += 1
            place += 1
        elif star >= 0:
            resumed += 1
            at, place = star + 1, resumed
        else:
            return False
    return pattern[at:].strip("*") == ""


def literal(text: str) -> str:
    """`text` as a part of a pattern in which its `*` and `?` stand for themselves."""
    return text.translate(_LITERAL)


def plain(pattern: str) -> str:
    """A pattern without wildcards as the text it stands for; the opposite of `literal`."""
    return pattern.translate(_BACK)
