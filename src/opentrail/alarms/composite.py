"""Rules over the states of alarms: read once, told true or false for given states.

    rule  = and { "OR" and }
    and   = not { "AND" not }
    not   = [ "NOT" ] first
    first = "(" rule ")" | "TRUE" | "FALSE" | STATE "(" name ")"
          | "AT_LEAST" "(" count [ "%" ] "," [ "NOT" ] STATE "," "(" name { "," name } ")" ")"
    STATE = "ALARM" | "OK" | "INSUFFICIENT_DATA"

Source: CloudWatch API reference, PutCompositeAlarm, AlarmRule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from opentrail.alarms.alarm import State
from opentrail.errors import InvalidInput

MAX_RULE = 10_240
"""Characters of a rule."""
MAX_CHILDREN = 100
"""Different alarms that a rule may name."""
MAX_ELEMENTS = 500
"""Words that look at an alarm, TRUE and FALSE in a rule."""
MAX_DEPTH = 100
"""Parentheses within one another: ours."""

StateOf = Callable[[str], State]
"""The state of an alarm by its name or ARN."""


class InvalidRule(InvalidInput):
    """No rule of a composite alarm."""


@dataclass(frozen=True, slots=True)
class Always:
    """TRUE or FALSE."""

    value: bool


@dataclass(frozen=True, slots=True)
class Is:
    """An alarm's state, by name or ARN."""

    state: State
    name: str


@dataclass(frozen=True, slots=True)
class AtLeast:
    """So many of the alarms are (not) in a state.

    Attributes:
        share: Whether `count` is a percentage.
    """

    count: int
    share: bool
    state: State
    negated: bool
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    part: Rule


@dataclass(frozen=True, slots=True)
class AllOf:
    """AND."""

    parts: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """OR."""

    parts: tuple[Rule, ...]


Rule = Always | Is | AtLeast | Not | AllOf | AnyOf


def holds(rule: Rule, state_of: StateOf) -> bool:
    """Whether a rule is true."""
    match rule:
        case Always(value):
            return value
        case Is(state, name):
            return state_of(name) is state
        case AtLeast(count, share, state, negated, names):
            found = sum((state_of(name) is state) is not negated for name in names)
            return found * 100 >= count * len(names) if share else found >= count
        case Not(part):
            return not holds(part, state_of)
        case AllOf(parts):
            return all(holds(part, state_of) for part in parts)
        case AnyOf(parts):
            return any(holds(part, state_of) for part in parts)


def children(rule: Rule) -> tuple[str, ...]:
    """The names and ARNs in a rule, each once, in their order."""
    return tuple(dict.fromkeys(_names(rule)))


def _names(rule: Rule) -> Iterator[str]:
    match rule:
        case Always():
            return
        case Is(_, name):
            yield name
        case AtLeast(names=names):
            yield from names
        case Not(part):
            yield from _names(part)
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _names(part)


_TOKEN = re.compile(
    r"\s*(?:(?P<sign>[(),])|\"(?P<quoted>[^\"]*)\"|(?P<word>[^\s(),\"]+))", re.ASCII
)
_COUNT = re.compile(r"(\d{1,5})(%?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    at: int
    quoted: bool = False


def parse_rule(text: str) -> Rule:
    """The rule.

    Raises:
        InvalidRule: it is none, or too large.
    """
    if not text or text.strip() != text:
        raise InvalidRule("AlarmRule must not contain leading or trailing whitespace or be null")
    if len(text) > MAX_RULE:
        raise InvalidRule(f"AlarmRule has {len(text)} characters; {MAX_RULE} are allowed")
    reader = _Reader(tuple(_tokens(text)))
    rule = reader.rule(0)
    reader.end()
    if reader.elements > MAX_ELEMENTS:
        raise InvalidRule(f"AlarmRule has {reader.elements} elements; {MAX_ELEMENTS} are allowed")
    named = len(children(rule))
    if named > MAX_CHILDREN:
        raise InvalidRule(f"AlarmRule names {named} alarms; {MAX_CHILDREN} are allowed")
    return rule


def _tokens(text: str) -> Iterator[_Token]:
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise InvalidRule(f"AlarmRule is not valid at position {place}: a quote is not closed")
        if found["quoted"] is not None:
            yield _Token(found["quoted"], found.start("quoted"), quoted=True)
        else:
            yield _Token(found["sign"] or found["word"], found.end() - len(found[0].lstrip()))
        place = found.end()


class _Reader:
    """Goes through the tokens once."""

    def __init__(self, tokens: tuple[_Token, ...]) -> None:
        self._tokens = tokens
        self._place = 0
        self.elements = 0

    def rule(self, depth: int) -> Rule:
        parts = [self._and(depth)]
        while self._takes("OR"):
            parts.append(self._and(depth))
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def end(self) -> None:
        """Nothing is left."""
        if self._place < len(self._tokens):
            raise self._wrong("AND, OR or the end")

    def _and(self, depth: int) -> Rule:
        parts = [self._not(depth)]
        while self._takes("AND"):
            parts.append(self._not(depth))
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _not(self, depth: int) -> Rule:
        return Not(self._first(depth)) if self._takes("NOT") else self._first(depth)

    def _first(self, depth: int) -> Rule:
        if depth > MAX_DEPTH:
            raise InvalidRule(f"AlarmRule nests deeper than {MAX_DEPTH} levels")
        if self._takes("("):
            inner = self.rule(depth + 1)
            self._expects(")")
            return inner
        self.elements += 1
        if self._takes("TRUE"):
            return Always(value=True)
        if self._takes("FALSE"):
            return Always(value=False)
        if self._takes("AT_LEAST"):
            return self._at_least()
        state = self._state()
        self._expects("(")
        name = self._name()
        self._expects(")")
        return Is(state, name)

    def _at_least(self) -> AtLeast:
        self._expects("(")
        found = _COUNT.fullmatch(self._peek())
        if found is None or not int(found[1]) or (found[2] and int(found[1]) > 100):
            raise self._wrong("a number above 0, or a percentage")
        self._place += 1
        self._expects(",")
        negated = self._takes("NOT")
        state = self._state()
        self._expects(",")
        self._expects("(")
        names = [self._name()]
        while self._takes(","):
            names.append(self._name())
        self._expects(")")
        self._expects(")")
        self.elements += len(names) - 1
        return AtLeast(int(found[1]), bool(found[2]), state, negated, tuple(names))

    def _state(self) -> State:
        for state in State:
            if self._takes(state):
                return state
        raise self._wrong("ALARM, OK, INSUFFICIENT_DATA, AT_LEAST, TRUE, FALSE, NOT or (")

    def _name(self) -> str:
        token = self._token()
        if token is None or not token.text or (not token.quoted and token.text in "(),"):
            raise self._wrong("the name of an alarm")
        self._place += 1
        return token.text

    def _token(self) -> _Token | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def _peek(self) -> str:
        token = self._token()
        return "" if token is None or token.quoted else token.text

    def _takes(self, text: str) -> bool:
        if self._peek() != text:
            return False
        self._place += 1
        return True

    def _expects(self, text: str) -> None:
        if not self._takes(text):
            raise self._wrong(text)

    def _wrong(self, expected: str) -> InvalidRule:
        token = self._token()
        found = "it ends" if token is None else f"{token.text[:100]!r} stands at {token.at}"
        return InvalidRule(f"AlarmRule is not valid: {found} where {expected} is expected")
