"""The words of `search`: looked for in @message, joined by `and`, `or` and `not`."""

from __future__ import annotations

from opentrail.logs.query.errors import MalformedQuery
from opentrail.logs.query.expressions import DEEPEST, mismatch
from opentrail.logs.query.lexer import Kind, Lexer, Way
from opentrail.logs.query.tree import SearchExpression, SearchLogic, SearchNot, Term

_EXPECTED = ("a word", "STRING", "K_NOT", "SYM_LPAREN")


def read_search(lexer: Lexer) -> SearchExpression:
    """The words that stand next.

    Raises:
        MalformedQuery: none do.
    """
    return _either(lexer, 0)


def _either(lexer: Lexer, depth: int) -> SearchExpression:
    parts = [_both(lexer, depth)]
    while lexer.peek(Way.SEARCH).is_word("or"):
        lexer.take(Way.SEARCH)
        parts.append(_both(lexer, depth))
    return parts[0] if len(parts) == 1 else SearchLogic("or", tuple(parts))


def _both(lexer: Lexer, depth: int) -> SearchExpression:
    parts = [_one(lexer, depth)]
    while lexer.peek(Way.SEARCH).is_word("and"):
        lexer.take(Way.SEARCH)
        parts.append(_one(lexer, depth))
    return parts[0] if len(parts) == 1 else SearchLogic("and", tuple(parts))


def _one(lexer: Lexer, depth: int) -> SearchExpression:
    token = lexer.take(Way.SEARCH)
    if depth > DEEPEST:
        raise MalformedQuery(
            f"Query cannot be compiled: a search may nest {DEEPEST} levels deep at most",
            token.span.start,
            token.span.end,
        )
    if token.is_word("not"):
        return SearchNot(_one(lexer, depth + 1))
    if token.is_symbol("("):
        inner = _either(lexer, depth + 1)
        end = lexer.take(Way.SEARCH)
        if not end.is_symbol(")"):
            raise mismatch(end, ("SYM_RPAREN",))
        return inner
    if token.kind in (Kind.WORD, Kind.STRING) and not token.is_word("and", "or"):
        return Term(token.text)
    raise mismatch(token, _EXPECTED)
