"""A quick look at a record's bytes that tells many records that cannot pass.

JSON may spell a character as it is or escaped; a text is looked for only where it can be spelled
in no other way, so a record that passes is never turned away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from opentrail.predicate.comparing import wildcard_pieces
from opentrail.predicate.expression import (
    DERIVED,
    All,
    Expression,
    FreeText,
    Operator,
    Reference,
    Test,
)

_MOST = 4
"""Texts looked for: the longest, which are the rarest."""

_WITH_LITERAL = frozenset(
    {Operator.EQUALS, Operator.PREFIX, Operator.SUFFIX, Operator.CONTAINS, Operator.WILDCARD}
)


def lookout(expression: Expression) -> Callable[[bytes], bool]:
    """False only for bytes that the expression does not hold for."""
    texts = sorted(set(_needed(expression)), key=len, reverse=True)[:_MOST]
    words = tuple(text.encode() for text in texts)
    folded = tuple(
        text.lower().encode() for text in sorted(set(_free(expression)), key=len, reverse=True)[:1]
    )

    def may_pass(raw: bytes) -> bool:
        for word in words:
            if word not in raw and not _escapes(raw):
                return False
        if folded and raw.isascii() and not _escapes(raw):
            return folded[0] in raw.lower()
        return True

    return may_pass


def _escapes(raw: bytes) -> bool:
    """Whether a character that needs no escape may be escaped (which no known writer does)."""
    return b"\\u" in raw or b"\\/" in raw


def _needed(expression: Expression) -> Iterator[str]:
    """Texts and member names without which the expression cannot hold."""
    if isinstance(expression, All):
        for part in expression.parts:
            yield from _needed(part)
    elif isinstance(expression, Test) and expression.path[0] not in DERIVED:
        if _is_plain(expression.path[-1]):
            yield f'"{expression.path[-1]}"'
        if expression.operator in _WITH_LITERAL and not (
            expression.ignore_case or expression.in_objects
        ):
            yield from filter(_is_plain, _literals(expression))
    elif isinstance(expression, Reference):
        for path in (expression.path, expression.other):
            if _is_plain(path[-1]):
                yield f'"{path[-1]}"'


def _literals(test: Test) -> tuple[str, ...]:
    if test.operator is Operator.WILDCARD:
        return tuple(part for piece in wildcard_pieces(test.value) for part in piece.split("?"))
    return (test.value,)


def _free(expression: Expression) -> Iterator[str]:
    if isinstance(expression, All):
        for part in expression.parts:
            yield from _free(part)
    elif isinstance(expression, FreeText) and _is_plain(expression.text):
        yield expression.text


def _is_plain(text: str) -> bool:
    """Whether JSON needs no escape for it; anything beyond ASCII may be escaped."""
    return text.isascii() and text.isprintable() and '"' not in text and "\\" not in text
