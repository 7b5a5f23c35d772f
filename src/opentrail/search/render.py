"""An expression as a filter: the text that reads back to the same expression."""

from __future__ import annotations

import re

from opentrail.errors import InvalidInput
from opentrail.predicate.expression import (
    All,
    Any,
    Expression,
    FreeText,
    Not,
    Operator,
    Reference,
    Test,
)
from opentrail.search.lexer import KEYWORDS

_WORDS = {
    Operator.PREFIX: "prefix",
    Operator.SUFFIX: "suffix",
    Operator.CONTAINS: "contains",
    Operator.WILDCARD: "like",
    Operator.CIDR: "in",
}
_PLAIN = re.compile(r"[\w./:@+-]+", re.ASCII)
_PATTERN = re.compile(r"[\w./:@+*?-]+", re.ASCII)
_MEMBER = re.compile(r"[\w:/@+-]+", re.ASCII)
_ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def render(expression: Expression) -> str:
    """The filter that asks the same; `parse_filter` gives back an equal expression.

    (But for shapes that no filter has: All or Any of one part is written as the part, Any
    without parts as `NOT *`.)

    Raises:
        InvalidInput: what no filter can ask: a regular expression, a test that ignores case or
            looks into objects, two fields compared.
    """
    match expression:
        case Test():
            return _test(expression)
        case Reference():
            raise InvalidInput(f"no filter asks {expression}")
        case FreeText(text):
            return _quoted(text)
        case All(()):
            return "*"
        case Any(()):
            return "NOT *"
        case All((part,)) | Any((part,)):
            return render(part)
        case All(parts):
            return " AND ".join(_enclosed(part, (All, Any)) for part in parts)
        case Any(parts):
            return " OR ".join(_enclosed(part, (Any,)) for part in parts)
        case Not(part):
            return "NOT " + _enclosed(part, (All, Any))


def render_path(path: tuple[str, ...]) -> str:
    """The field as a filter names it."""
    return ".".join(name if _MEMBER.fullmatch(name) else _quoted(name) for name in path)


def _enclosed(part: Expression, kinds: tuple[type, ...]) -> str:
    """The part, in parentheses where it is one of `kinds` and has several parts."""
    if isinstance(part, All | Any):
        if len(part.parts) == 1:
            return _enclosed(part.parts[0], kinds)
        if part.parts and isinstance(part, kinds):
            return f"({render(part)})"
    return render(part)


def _test(test: Test) -> str:
    if test.operator is Operator.REGEX or test.ignore_case or test.in_objects:
        raise InvalidInput(f"no filter asks {test}")
    path = render_path(test.path)
    if test.operator is Operator.EXISTS:
        return f"{path} exists"
    plain = _PATTERN if test.operator is Operator.WILDCARD else _PLAIN
    bare = plain.fullmatch(test.value) and test.value.upper() not in KEYWORDS
    value = test.value if bare else _quoted(test.value)
    return f"{path} {_WORDS.get(test.operator, test.operator.value)} {value}"


def _quoted(text: str) -> str:
    return '"' + "".join(map(_spelled, text)) + '"'


def _spelled(character: str) -> str:
    if character in _ESCAPED:
        return _ESCAPED[character]
    if character.isprintable() or ord(character) > 0xFFFF:
        return character
    return f"\\u{ord(character):04x}"
