"""SOURCE: which log groups a query reads, where the call names none.

`SOURCE "group" START=-1h END=now` is how the service itself tells its queries;
`SOURCE logGroups(namePrefix: ['a', 'b'], class: 'STANDARD')` is what users write.
"""

from __future__ import annotations

from opentrail.logs.query.errors import MalformedQuery
from opentrail.logs.query.expressions import Expressions, mismatch
from opentrail.logs.query.lexer import Kind, Lexer, Token
from opentrail.logs.query.tree import Duration, Moment, Source, Span

_OPTIONS = ("namePrefix", "accountIdentifiers", "class")
_LONGEST = 14
_Selection = tuple[tuple[str, tuple[str, ...]], ...]


def read_source(lexer: Lexer, expressions: Expressions) -> Source:
    """The source that stands next.

    Raises:
        MalformedQuery: there is none.
    """
    first = lexer.take()
    groups: list[str] = []
    selections: list[_Selection] = []
    while True:
        token = lexer.peek()
        is_first = not groups and not selections
        if token.is_word("loggroups"):
            lexer.take()
            selections.append(_selection(lexer))
        elif token.is_word("datasource"):
            raise MalformedQuery(
                "Query cannot be compiled: dataSource is not supported yet by OpenTrail; "
                "expected logGroups or the name of a log group",
                token.span.start,
                token.span.end,
            )
        elif token.kind is Kind.STRING or (token.kind is Kind.WORD and is_first):
            groups.append(lexer.take().text)
        else:
            break
        if lexer.peek().is_symbol(","):
            lexer.take()
    if not groups and not selections:
        raise mismatch(lexer.peek(), ("STRING", "logGroups"))
    start = _moment(lexer, expressions, "start")
    end = _moment(lexer, expressions, "end")
    span = Span(first.span.start, lexer.place)
    return Source(tuple(groups), tuple(selections), start, end, span)


def _selection(lexer: Lexer) -> _Selection:
    _expect(lexer, "(", "SYM_LPAREN")
    found: list[tuple[str, tuple[str, ...]]] = []
    while not lexer.peek().is_symbol(")"):
        name = lexer.take()
        if name.kind is not Kind.WORD or name.text not in _OPTIONS:
            raise mismatch(name, _OPTIONS)
        _expect(lexer, ":", "SYM_COLON")
        found.append((name.text, _texts(lexer)))
        if not lexer.peek().is_symbol(","):
            break
        lexer.take()
    _expect(lexer, ")", "SYM_RPAREN")
    return tuple(found)


def _texts(lexer: Lexer) -> tuple[str, ...]:
    if not lexer.peek().is_symbol("["):
        return (_text(lexer),)
    lexer.take()
    texts = [_text(lexer)]
    while lexer.peek().is_symbol(","):
        lexer.take()
        texts.append(_text(lexer))
    _expect(lexer, "]", "SYM_RBRACKET")
    return tuple(texts)


def _text(lexer: Lexer) -> str:
    token = lexer.take()
    if token.kind is not Kind.STRING:
        raise mismatch(token, ("STRING",))
    return token.text


def _moment(lexer: Lexer, expressions: Expressions, word: str) -> Moment | None:
    if not lexer.peek().is_word(word):
        return None
    lexer.take()
    _expect(lexer, "=", "SYM_EQ")
    token = lexer.peek()
    if token.is_word("now"):
        lexer.take()
        return Moment()
    if token.is_symbol("-"):
        lexer.take()
        found = expressions.read(_LONGEST)
        if not isinstance(found, Duration):
            raise MalformedQuery(
                f"{word.upper()} takes a duration such as -1h", found.span.start, found.span.end
            )
        return Moment(ago=found)
    if token.kind is Kind.NUMBER and "." not in token.text and len(token.text) <= _LONGEST:
        lexer.take()
        return Moment(epoch_ms=int(token.text))
    raise mismatch(token, ("K_NOW", "SYM_MINUS", "INTEGER"))


def _expect(lexer: Lexer, symbol: str, name: str) -> Token:
    token = lexer.take()
    if not token.is_symbol(symbol):
        raise mismatch(token, (name,))
    return token
