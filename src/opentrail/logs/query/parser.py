"""Queries: a source, and stages between `|`.

Source: lang/logs_insights.md, section 2; what stands in an error's braces are the service's own
names of its tokens.
"""

from __future__ import annotations

from collections.abc import Callable

from opentrail.logs.query.errors import MalformedQuery
from opentrail.logs.query.expressions import Expressions, mismatch, shown
from opentrail.logs.query.lexer import MAX_CHARACTERS, Kind, Lexer, Token, Way
from opentrail.logs.query.searching import read_search
from opentrail.logs.query.source import read_source
from opentrail.logs.query.tree import (
    Dedup,
    Deferred,
    Diff,
    Display,
    Duration,
    Field,
    Fields,
    Filter,
    Limit,
    Name,
    ParseFormat,
    ParseGlob,
    ParseRegex,
    Pattern,
    Query,
    Search,
    Sort,
    SortKey,
    Span,
    Spec,
    Stage,
    Stats,
    Unmask,
    Unnest,
    Which,
)

COMMANDS = (
    "K_PARSE", "K_SEARCH", "K_FIELDS", "K_DISPLAY", "K_FILTER", "K_SORT", "K_ORDER", "K_HEAD",
    "K_LIMIT", "K_TAIL",
)  # fmt: skip
"""What the service says it expects where a command should be."""

DEFERRED = frozenset({
    "lookup", "join", "subquery", "anomaly", "addtotals", "relevantfields", "expand",
    "autoregress", "logcompare", "filldown", "fillmissing", "cidrlookup", "outlier", "accum",
    "appendcols", "sessionize", "countfrequent", "append", "union",
})  # fmt: skip
"""Commands of later years that are known and not supported."""

FORMATS = ("logfmt", "csv", "xml", "json")
MOST_STAGES = 200
_MESSAGE = Name("@message", ("@message",), Span(0, 0))


def parse(text: str) -> Query:
    """The query that `text` is.

    Raises:
        MalformedQuery: it is none; the first place where that shows.
    """
    if len(text) > MAX_CHARACTERS:
        raise MalformedQuery(
            f"a query has at most {MAX_CHARACTERS} characters, not {len(text)}",
            MAX_CHARACTERS,
            len(text),
        )
    return _Parser(text).query()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._lexer = Lexer(text)
        self._expressions = Expressions(self._lexer)
        self._readers: dict[str, Callable[[Token], Stage]] = {
            "fields": self._fields, "field": self._fields, "display": self._fields,
            "filter": self._filter, "where": self._filter, "filterindex": self._filter,
            "search": self._search, "sort": self._sort, "order": self._sort,
            "limit": self._limit, "head": self._limit, "tail": self._limit,
            "parse": self._parse, "stats": self._stats, "stat": self._stats,
            "dedup": self._dedup, "pattern": self._pattern, "diff": self._diff,
            "unmask": self._unmask, "unnest": self._unnest,
        }  # fmt: skip

    def query(self) -> Query:
        source = None
        if self._lexer.peek().is_word("source"):
            source = read_source(self._lexer, self._expressions)
            if self._lexer.peek().kind is Kind.END:
                return Query(source, (), self._text)
            self._pipe()
        elif self._lexer.peek().is_symbol("|"):
            self._lexer.take()
        stages = [self._stage(first=source is None)]
        while self._lexer.peek().kind is not Kind.END:
            self._pipe()
            stages.append(self._stage(first=False))
            if len(stages) > MOST_STAGES:
                raise MalformedQuery(
                    f"Query cannot be compiled: a query has at most {MOST_STAGES} commands",
                    stages[-1].span.start,
                    stages[-1].span.end,
                )
        return Query(source, tuple(stages), self._text)

    def _pipe(self) -> None:
        token = self._lexer.take()
        if not token.is_symbol("|"):
            raise MalformedQuery(
                f"extraneous input '{shown(token)}' expecting <EOF>",
                token.span.start,
                token.span.end,
            )

    def _stage(self, *, first: bool) -> Stage:
        token = self._lexer.peek()
        word = token.text.lower() if token.kind is Kind.WORD else ""
        if word in self._readers:
            self._lexer.take()
            return self._readers[word](token)
        if word in DEFERRED:
            return self._deferred(token)
        if first and token.kind in (Kind.WORD, Kind.STRING):
            return self._bare_search(token)
        raise mismatch(token, COMMANDS)

    def _since(self, start: Token) -> Span:
        return Span(start.span.start, self._lexer.place)

    def _bare_search(self, token: Token) -> Stage:
        """Words without a command; what is no search either is told as a wrong command."""
        condition = read_search(self._lexer)
        ahead = self._lexer.peek(Way.SEARCH)
        if ahead.kind is not Kind.END and not ahead.is_symbol("|"):
            raise mismatch(token, COMMANDS)
        return Search(condition, self._since(token))

    def _fields(self, token: Token) -> Stage:
        specs = self._specs()
        stage = Display if token.text.lower() == "display" else Fields
        return stage(specs, self._since(token))

    def _specs(self) -> tuple[Spec, ...]:
        specs = [self._spec()]
        while self._lexer.peek().is_symbol(","):
            self._lexer.take()
            specs.append(self._spec())
        return tuple(specs)

    def _spec(self) -> Spec:
        expression = self._expressions.read()
        if self._lexer.peek().is_word("as"):
            self._lexer.take()
            return Spec(expression, self._alias(), aliased=True)
        if isinstance(expression, Field):
            return Spec(expression, expression.name.text, aliased=False)
        span = expression.span
        return Spec(expression, self._text[span.start : span.end], aliased=False)

    def _alias(self) -> str:
        token = self._lexer.take()
        if token.kind not in (Kind.WORD, Kind.QUOTED, Kind.SYSTEM):
            raise mismatch(token, ("an alias",))
        return token.text

    def _aliases(self) -> tuple[str, ...]:
        aliases = [self._alias()]
        while self._lexer.peek().is_symbol(","):
            self._lexer.take()
            aliases.append(self._alias())
        return tuple(aliases)

    def _names(self) -> tuple[Name, ...]:
        names = [self._expressions.name()]
        while self._lexer.peek().is_symbol(","):
            self._lexer.take()
            names.append(self._expressions.name())
        return tuple(names)

    def _filter(self, token: Token) -> Stage:
        return Filter(self._expressions.read(), self._since(token))

    def _search(self, token: Token) -> Stage:
        return Search(read_search(self._lexer), self._since(token))

    def _sort(self, token: Token) -> Stage:
        if self._lexer.peek().is_word("by"):
            self._lexer.take()
        keys = [self._sort_key()]
        while self._lexer.peek().is_symbol(","):
            self._lexer.take()
            keys.append(self._sort_key())
        return Sort(tuple(keys), self._since(token))

    def _sort_key(self) -> SortKey:
        name = self._expressions.name()
        ahead = self._lexer.peek()
        if ahead.is_word("asc", "desc"):
            self._lexer.take()
        return SortKey(name, descending=ahead.is_word("desc"))

    def _limit(self, token: Token) -> Stage:
        which = Which.LAST if token.text.lower() == "tail" else Which.FIRST
        if token.text.lower() == "limit" and self._lexer.peek().is_word("any"):
            self._lexer.take()
            if self._lexer.peek().kind is not Kind.NUMBER:
                return Limit(None, Which.ANY, self._since(token))
            which = Which.ANY
        number = self._lexer.take()
        if number.kind is not Kind.NUMBER or "." in number.text:
            raise mismatch(number, ("INTEGER",))
        # Longer ones are larger than any limit; digits are not counted out.
        count = int(number.text[:12])
        return Limit(count, which, self._since(token))

    def _parse(self, token: Token) -> Stage:
        ahead = self._lexer.peek(Way.LIKE)
        name = _MESSAGE
        if ahead.kind not in (Kind.STRING, Kind.REGEX):
            name = self._expressions.name()
            ahead = self._lexer.peek(Way.LIKE)
        self._lexer.take(Way.LIKE)
        if ahead.kind is Kind.REGEX:
            return ParseRegex(name, ahead.text, self._since(token))
        if ahead.kind is Kind.STRING:
            self._as()
            return ParseGlob(name, ahead.text, self._aliases(), self._since(token))
        if ahead.is_word(*FORMATS):
            return self._parse_format(token, name, ahead.text.lower())
        raise mismatch(ahead, ("REGEX", "STRING", *FORMATS))

    def _parse_format(self, token: Token, name: Name, form: str) -> Stage:
        if self._lexer.peek().is_word("field"):
            self._lexer.take()
            equals = self._lexer.take()
            if not equals.is_symbol("="):
                raise mismatch(equals, ("SYM_EQ",))
            name = self._expressions.name()
        self._as()
        return ParseFormat(name, form, self._alias(), self._since(token))

    def _as(self) -> None:
        token = self._lexer.take()
        if not token.is_word("as"):
            raise mismatch(token, ("K_AS",))

    def _stats(self, token: Token) -> Stage:
        aggregates = self._specs()
        groups: tuple[Spec, ...] = ()
        if self._lexer.peek().is_word("group"):
            self._lexer.take()
            if not self._lexer.peek().is_word("by"):
                raise mismatch(self._lexer.peek(), ("K_BY",))
        if self._lexer.peek().is_word("by"):
            self._lexer.take()
            groups = self._specs()
        offset = None
        if self._lexer.peek().is_word("offset"):
            self._lexer.take()
            found = self._expressions.read()
            if not isinstance(found, Duration):
                raise MalformedQuery(
                    "offset takes a duration such as 1h", found.span.start, found.span.end
                )
            offset = found
        return Stats(aggregates, groups, offset, self._since(token))

    def _dedup(self, token: Token) -> Stage:
        return Dedup(self._names(), self._since(token))

    def _pattern(self, token: Token) -> Stage:
        return Pattern(self._expressions.name(), self._since(token))

    def _diff(self, token: Token) -> Stage:
        return Diff(self._since(token))

    def _unmask(self, token: Token) -> Stage:
        if self._lexer.peek().is_symbol("("):
            self._lexer.take()
            names = self._names()
            end = self._lexer.take()
            if not end.is_symbol(")"):
                raise mismatch(end, ("SYM_RPAREN",))
        else:
            names = self._names()
        return Unmask(names, self._since(token))

    def _unnest(self, token: Token) -> Stage:
        name = self._expressions.name()
        into = self._lexer.take()
        if not into.is_word("into"):
            raise mismatch(into, ("K_INTO",))
        return Unnest(name, self._alias(), self._since(token))

    def _deferred(self, token: Token) -> Stage:
        """Everything up to the next `|` that stands in no parentheses."""
        self._lexer.take()
        depth = 0
        while True:
            ahead = self._lexer.peek(Way.SEARCH)
            if ahead.kind is Kind.END or (ahead.is_symbol("|") and depth <= 0):
                return Deferred(token.text, self._since(token))
            if ahead.kind is Kind.SYMBOL:
                depth += {"(": 1, ")": -1}.get(ahead.text, 0)
            self._lexer.take(Way.SEARCH)
