"""What a query that parses must keep to be compiled.

Source: lang/logs_insights.md, section 3; texts marked [aws] there are kept word for word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NoReturn

from opentrail.errors import InvalidInput
from opentrail.logs.query.errors import MalformedQuery
from opentrail.logs.query.functions import (
    DEFERRED,
    FUNCTIONS,
    MOST_BRANCHES,
    Signature,
    key_of,
)
from opentrail.logs.query.regexes import glob_regex, read_regex, replacement
from opentrail.logs.query.times import UNITS
from opentrail.logs.query.tree import (
    Binary,
    Call,
    Dedup,
    Deferred,
    Diff,
    Display,
    Duration,
    Expression,
    Field,
    Fields,
    Filter,
    In,
    Like,
    Limit,
    Literal,
    Logic,
    ParseGlob,
    ParseRegex,
    Pattern,
    Query,
    Sort,
    Span,
    Stage,
    Stats,
    Unary,
)

MOST_STATS = 10
"""In the Standard log class [doc]."""
MOST_ROWS = 100_000
"""Of any result [model]."""
_CANNOT = "Query cannot be compiled: "


def check(query: Query) -> None:
    """Nothing, if the query can be compiled.

    Raises:
        MalformedQuery: it breaks a rule.
    """
    for stage in query.stages:
        _check_stage(stage)
    _check_stats(query.stages)
    for earlier, later in pairwise(query.stages):
        _check_follower(earlier, later, query.text)
    _check_patterns(query.stages)


def aggregates_in(expression: Expression) -> list[Call]:
    """The calls of aggregate functions in an expression, outermost first."""
    return [
        one
        for one in walk(expression)
        if isinstance(one, Call)
        and (signature := FUNCTIONS.get(key_of(one.name))) is not None
        and signature.aggregate
    ]


def walk(expression: Expression) -> Iterator[Expression]:
    """An expression and all in it, from the outside in."""
    waiting = [expression]
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(reversed(_parts(one)))


def _parts(expression: Expression) -> Sequence[Expression]:
    match expression:
        case Call():
            return expression.arguments
        case Unary():
            return (expression.operand,)
        case Binary():
            return (expression.left, expression.right)
        case Logic():
            return expression.parts
        case Like() | In():
            return (expression.operand,)
        case Field() | Literal() | Duration():
            return ()


def _refuse(message: str, span: Span) -> NoReturn:
    raise MalformedQuery(_CANNOT + message, span.start, span.end)


def _check_stage(stage: Stage) -> None:
    match stage:
        case Deferred():
            _refuse(f"the command {stage.command!r} is not supported yet by OpenTrail", stage.span)
        case Fields() | Display():
            for spec in stage.specs:
                _check_expression(spec.expression, "fields and display")
        case Filter():
            _check_expression(stage.condition, "filter")
        case Limit() if stage.count is not None and stage.count > MOST_ROWS:
            _refuse(f"limit is {stage.count}; at most {MOST_ROWS} rows are shown", stage.span)
        case ParseGlob():
            _check_glob(stage)
        case ParseRegex():
            _check_parse_regex(stage)
        case Stats():
            _check_aggregation(stage)
        case _:
            pass


def _check_glob(stage: ParseGlob) -> None:
    stars = glob_regex(stage.glob).groups
    if len(stage.aliases) != stars:
        _refuse(
            f"parse has {stars} * and {len(stage.aliases)} aliases; each * needs one", stage.span
        )


def _check_parse_regex(stage: ParseRegex) -> None:
    try:
        names = read_regex(stage.pattern).names
    except InvalidInput as problem:
        _refuse(str(problem), stage.span)
    if not names:
        _refuse("the regular expression of parse names no group, as (?<name>…) does", stage.span)


def _check_expression(expression: Expression, where: str) -> None:
    for one in walk(expression):
        _check_node(one)
    found = aggregates_in(expression)
    if found:
        _refuse(f"{found[0].name} computes over rows; it can't be used in {where}", found[0].span)


def _check_node(one: Expression) -> None:
    if isinstance(one, Call):
        _check_call(one)
    elif isinstance(one, Like) and one.is_regex:
        try:
            read_regex(one.pattern)
        except InvalidInput as problem:
            _refuse(str(problem), one.span)


def _check_call(call: Call) -> None:
    key = key_of(call.name)
    signature = FUNCTIONS.get(key)
    if signature is None:
        known = "is not supported yet by OpenTrail" if key in DEFERRED else "is no function"
        _refuse(f"{call.name!r} {known}", call.span)
    _check_count(call, signature)
    _check_literals(call, signature.literals, str, "string")
    _check_literals(call, signature.numbers, float, "number")
    for place, argument in enumerate(call.arguments):
        is_period = isinstance(argument, Duration)
        if place in signature.periods and not is_period and not _is_unit(argument):
            _refuse(
                f"argument {place + 1} of {call.name} must be a duration such as 5m", argument.span
            )
        if is_period and place not in signature.periods:
            _refuse(f"argument {place + 1} of {call.name} can't be a duration", argument.span)
    if key == "regexreplace":
        _check_regex_argument(call)


def _check_literals(call: Call, places: tuple[int, ...], kind: type, word: str) -> None:
    for place in places:
        if place < len(call.arguments):
            argument = call.arguments[place]
            if not isinstance(argument, Literal) or not isinstance(argument.value, kind):
                _refuse(f"argument {place + 1} of {call.name} must be a {word}", argument.span)


def _is_unit(argument: Expression) -> bool:
    """A bare unit means one of it."""
    return isinstance(argument, Field) and argument.name.text.lower() in UNITS


def _check_regex_argument(call: Call) -> None:
    pattern, by = call.arguments[1:]
    assert isinstance(pattern, Literal)
    assert isinstance(by, Literal)
    try:
        replacement(str(by.value), read_regex(str(pattern.value)).groups)
    except InvalidInput as problem:
        _refuse(str(problem), pattern.span)


def _check_count(call: Call, signature: Signature) -> None:
    if call.star:
        if not signature.star:
            _refuse(f"{call.name} does not take *", call.span)
        return
    count = len(call.arguments)
    if signature.least <= count <= signature.most:
        return
    if key_of(call.name) == "case" and count > signature.most:
        _refuse(f"case has at most {MOST_BRANCHES} branches", call.span)
    wanted = str(signature.least)
    if signature.most != signature.least:
        wanted = f"{signature.least} to {signature.most}"
    _refuse(f"{call.name} takes {wanted} arguments, not {count}", call.span)


def _check_aggregation(stage: Stats) -> None:
    for spec in stage.groups:
        _check_expression(spec.expression, "by")
    known = {spec.name for spec in stage.groups}
    for spec in stage.aggregates:
        for one in walk(spec.expression):
            _check_node(one)
        found = aggregates_in(spec.expression)
        for call in found:
            _check_nesting(call)
            if key_of(call.name) == "topk" and stage.groups:
                _refuse("topk can't be used with by", call.span)
        if not found:
            _check_plain(spec.expression, known)
        known.add(spec.name)
    if stage.offset is not None and not any(_is_bin(one.expression) for one in stage.groups):
        _refuse("offset shifts bins: it needs bin() among the groups", stage.offset.span)


def _check_nesting(call: Call) -> None:
    for argument in call.arguments:
        inner = aggregates_in(argument)
        if inner:
            _refuse(f"{inner[0].name} can't be used within {call.name}", inner[0].span)


def _check_plain(expression: Expression, known: set[str]) -> None:
    """Without an aggregate there are the other columns of the same stats to compute with."""
    for one in walk(expression):
        if isinstance(one, Field) and one.name.text not in known:
            _refuse(
                f"{one.name.text!r} is neither computed over rows nor a column of this stats",
                one.span,
            )


def _is_bin(expression: Expression) -> bool:
    return isinstance(expression, Call) and key_of(expression.name) == "bin"


def _check_stats(stages: Sequence[Stage]) -> None:
    places = [place for place, stage in enumerate(stages) if isinstance(stage, Stats)]
    if len(places) > MOST_STATS:
        _refuse(f"a query has at most {MOST_STATS} stats commands", stages[places[-1]].span)
    if len(places) < 2:
        return
    for stage in stages[places[0] : places[-1]]:
        if isinstance(stage, Sort | Limit):
            word = "sort" if isinstance(stage, Sort) else "limit"
            _refuse(f"{word} can only follow the last stats", stage.span)
    visible: set[str] | None = None
    for place in places:
        stage = stages[place]
        assert isinstance(stage, Stats)
        if visible is not None:
            _check_bins(stage, visible)
        visible = {spec.name for spec in (*stage.groups, *stage.aggregates)}


def _check_bins(stage: Stats, visible: set[str]) -> None:
    for spec in (*stage.groups, *stage.aggregates):
        for one in walk(spec.expression):
            if _is_bin(one) and "@timestamp" not in visible:
                _refuse(
                    "bin needs @timestamp; the stats before leaves none (write "
                    "`by bin(5m) as @timestamp` there)",
                    one.span,
                )


def _check_follower(earlier: Stage, later: Stage, text: str) -> None:
    if isinstance(earlier, Dedup) and not isinstance(later, Limit):
        word = text[later.span.start : later.span.end].split(maxsplit=1)[0]
        raise MalformedQuery(
            f"unexpected symbol found {word}", later.span.start, later.span.start + len(word)
        )


def _check_patterns(stages: Sequence[Stage]) -> None:
    sorted_before = False
    for place, stage in enumerate(stages):
        if isinstance(stage, Diff) and not (place and isinstance(stages[place - 1], Pattern)):
            raise MalformedQuery(
                "Diff compilation Failed : Diff operation has to be used after Pattern",
                stage.span.start,
                stage.span.end,
            )
        if isinstance(stage, Pattern) and sorted_before:
            _refuse("pattern can't follow sort", stage.span)
        if isinstance(stage, Pattern) and any(isinstance(one, Pattern) for one in stages[:place]):
            _refuse("a query has one pattern command at most", stage.span)
        sorted_before = sorted_before or isinstance(stage, Sort)
