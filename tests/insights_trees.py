"""Parse trees of queries, the service's (as its parser prints them) and ours, in one plain shape."""

from collections.abc import Callable
from typing import Any

from opentrail.logs.query.tree import (
    Binary,
    Call,
    Display,
    Duration,
    Expression,
    Field,
    Fields,
    Filter,
    In,
    Like,
    Literal,
    Logic,
    Query,
    Stats,
    Unary,
)

Tree = str | list[Any]

_WRAPPERS = {
    "expressionRoot", "term", "functionArg", "statsGroupField", "fieldId", "userId", "systemId",
    "unquotedUserId", "unquotedUserBareId", "unquotedSystemId", "rawId", "keywords",
    "timeUnitKeywords", "stringOrBareString", "number", "string", "aliasId", "likeTerm", "regex",
    "regexString", "quotedUserId", "quotedSystemId", "unquotedUserAtId", "functionId", "fieldSpec",
    "statsExpr", "arrayElem",
}  # fmt: skip


def read(text: str) -> Tree:
    """Nested lists; the first of each is the rule's name."""
    stack: list[list[Any]] = [[]]
    place = 0
    while place < len(text):
        one = text[place]
        if one == " ":
            place += 1
        elif one == "(" and text[place + 1 : place + 2].isalpha():
            stack.append([])
            place += 1
        elif one == ")" and text[place - 1] != " ":
            closed = stack.pop()
            stack[-1].append(closed)
            place += 1
        else:
            end = _token_end(text, place)
            stack[-1].append(text[place:end])
            place = end
    return stack[0][0]


def _token_end(text: str, place: int) -> int:
    mark = text[place]
    if mark in "\"'`" or (mark == "/" and text[:place].endswith("(regex ")):
        end = place + 1
        while text[end] != mark:
            end += 2 if text[end] == "\\" else 1
        return end + 1
    if mark in "()":
        return place + 1
    end = place
    while end < len(text) and text[end] not in " )":
        end += 1
    return end


def their_expression(tree: Tree) -> Any:
    """An expression as nested tuples."""
    if isinstance(tree, str):
        return tree
    name, *parts = tree
    if name == "expression":
        return _expression(parts)
    if name == "func":
        inner = [one for one in parts[1:] if one not in ("(", ")", ",")]
        return ("call", their_expression(parts[0]), *[their_expression(one) for one in inner])
    if name == "relativeTimeExpr":
        return ("duration", *[their_expression(one) for one in parts])
    if name == "array":
        return ("array", *[their_expression(one) for one in parts if one not in ("[", "]", ",")])
    if name in ("unquotedSystemId", "quotedSystemId", "unquotedUserAtId"):
        return "".join(their_expression(one).strip("`") for one in parts)
    if name in _WRAPPERS:
        return their_expression(parts[0])
    raise AssertionError(name)


def _expression(parts: list[Any]) -> Any:
    words = [their_expression(one) for one in parts if one not in ("(", ")")]
    match words:
        case [one]:
            return one
        case [operator, operand]:
            return ("not" if operator == "!" else operator, operand)
        case [left, "not", operator, right]:
            return ("not " + operator.lower(), left, right)
        case [left, operator, right]:
            return (_operator(operator), left, right)
    raise AssertionError(words)


def _operator(text: str) -> str:
    return {"==": "=", "=~": "like", "~=": "like"}.get(text, text.lower())


def their_expressions(tree: Tree) -> list[Any]:
    """The expressions of each stage, in order."""
    found: list[Any] = []

    def look(node: Tree) -> None:
        if isinstance(node, str):
            return
        if node[0] in ("expressionRoot", "statsGroupField"):
            found.append(their_expression(node))
            return
        for one in node[1:]:
            look(one)

    look(tree)
    return found


def our_expression(query: Query, one: Expression) -> Any:
    def inner(part: Expression) -> Any:
        return our_expression(query, part)

    match one:
        case Field():
            return one.name.text
        case Literal():
            return query.text[one.span.start : one.span.end]
        case Duration():
            return ("duration", str(one.count), one.unit)
        case Call():
            return ("call", one.name, *(["*"] if one.star else map(inner, one.arguments)))
        case _:
            return _operation(one, inner)


def _operation(one: Expression, inner: Callable[[Expression], Any]) -> Any:
    match one:
        case Unary():
            return (one.operator, inner(one.operand))
        case Binary():
            return (one.operator, inner(one.left), inner(one.right))
        case Logic():
            found = inner(one.parts[0])
            for part in one.parts[1:]:
                found = (one.operator, found, inner(part))
            return found
        case Like():
            return ("not like" if one.negated else "like", inner(one.operand), one.pattern)
        case In():
            return ("not in" if one.negated else "in", inner(one.operand), len(one.values))
    raise AssertionError(one)


def our_expressions(query: Query) -> list[Any]:
    found: list[Expression] = []
    for stage in query.stages:
        match stage:
            case Fields() | Display():
                found += [spec.expression for spec in stage.specs]
            case Filter():
                found.append(stage.condition)
            case Stats():
                found += [spec.expression for spec in (*stage.aggregates, *stage.groups)]
            case _:
                pass
    return [our_expression(query, one) for one in found]
