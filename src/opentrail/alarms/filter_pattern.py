"""CloudWatch Logs filter patterns: which messages they take, and what they extract.

Source: CloudWatch Logs user guide, "Filter pattern syntax for metric filters, subscription filters,
filter log events, and Live Tail".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from opentrail.alarms import pattern_json, pattern_text
from opentrail.alarms.pattern_parsing import parse_pattern, parse_selector
from opentrail.alarms.pattern_reading import invalid
from opentrail.alarms.pattern_tree import (
    Both,
    Condition,
    Either,
    Everything,
    InvalidFilterPattern,
    JsonPattern,
    Pattern,
    SpacePattern,
    TextPattern,
)
from opentrail.predicate.expression import EVERYTHING, Expression
from opentrail.predicate.index import Predicate
from opentrail.predicate.reading import decoded

__all__ = ["FilterPattern", "InvalidFilterPattern", "LogMessage"]

Extract = Callable[["LogMessage"], str | None]


class LogMessage:
    """A message of a log group; what it says as JSON is read when it is first asked for."""

    __slots__ = ("_read", "_record", "_text", "raw")

    def __init__(self, message: str | bytes, record: Mapping[str, Any] | None = None) -> None:
        """Take a message.

        Args:
            record: What reading.decoded makes of it, if that is known already.
        """
        if isinstance(message, str):
            self._text: str | None = message
            self.raw = message.encode("utf-8", "surrogatepass")
        else:
            self._text = None
            self.raw = message
        self._record = record
        self._read = record is not None

    @property
    def text(self) -> str:
        """The message; bytes that are no characters are shown as such."""
        if self._text is None:
            self._text = self.raw.decode("utf-8", "replace")
        return self._text

    @property
    def record(self) -> Mapping[str, Any] | None:
        """The JSON object that the message is, None for any other message."""
        if not self._read:
            self._record, self._read = decoded(self.raw), True
        return self._record


class FilterPattern:
    """A pattern, compiled; never changes.

    Attributes:
        text: As it was given.
        bound: Holds for every record whose JSON the pattern matches.
        has_regex: Whether a regular expression is in it.
    """

    def __init__(self, text: str) -> None:
        """Read a pattern.

        Raises:
            InvalidFilterPattern: CloudWatch Logs would not take it.
        """
        self.text = text
        self._tree = parse_pattern(text)
        self.bound: Expression = EVERYTHING
        self._holds: Callable[[Mapping[str, Any]], bool] | None = None
        match self._tree:
            case JsonPattern(condition):
                self._holds = pattern_json.predicate(condition)
                self.bound = pattern_json.bound(condition)
                self._matches = self._json_matches(self._holds)
            case SpacePattern(fields):
                read = pattern_text.line_reader(fields)
                self._read_line = read
                self._matches = lambda message: read(message.text) is not None
            case TextPattern(terms):
                passes = pattern_text.message_test(terms)
                self.bound = pattern_text.terms_bound(terms)
                self._matches = lambda message: passes(message.text)
            case Everything():
                self._matches = lambda _: True

    @staticmethod
    def _json_matches(
        holds: Callable[[Mapping[str, Any]], bool],
    ) -> Callable[[LogMessage], bool]:
        def matches(message: LogMessage) -> bool:
            record = message.record
            return record is not None and holds(record)

        return matches

    @property
    def predicate(self) -> Predicate | None:
        """The pattern as one predicate of many over records; None if it does not ask about JSON."""
        return None if self._holds is None else Predicate(self._holds, self.bound)

    @property
    def has_regex(self) -> bool:
        """Whether a regular expression is in it."""
        match self._tree:
            case JsonPattern(condition):
                values: list[Any] = [getattr(one, "value", None) for one in _leaves(condition)]
            case SpacePattern(fields):
                values = [value for one in fields for some in one.tests for _, value in some]
            case TextPattern(terms):
                values = [term.value for term in terms]
            case Everything():
                return False
        return any(isinstance(value, Pattern) for value in values)

    @property
    def has_fields(self) -> bool:
        """Whether values can be extracted (patterns for JSON and for fields between blanks)."""
        return isinstance(self._tree, JsonPattern | SpacePattern)

    def matches(self, message: LogMessage) -> bool:
        """Whether the pattern takes the message."""
        return self._matches(message)

    def extracted(self, message: LogMessage) -> dict[str, str]:
        """What the pattern reads in a message that it takes: by `$name`, or by selector."""
        match self._tree:
            case JsonPattern(condition):
                record = message.record or {}
                texts = {
                    one.spelling: pattern_json.first_text(record, one)
                    for one in (leaf.selector for leaf in _leaves(condition))
                }
                return {name: text for name, text in texts.items() if text is not None}
            case SpacePattern():
                line = self._read_line(message.text) or {}
                return {f"${name}": text for name, text in line.items()}
            case _:
                return {}

    def selector(self, text: str) -> Extract:
        """Reads `$.selector` (JSON) or `$name` (fields) in a message; None where it is missing.

        Raises:
            InvalidFilterPattern: the text is no selector of such a pattern.
        """
        match self._tree:
            case JsonPattern():
                found = parse_selector(text)
                return lambda message: pattern_json.first_text(message.record or {}, found)
            case SpacePattern(fields):
                name = text.removeprefix("$")
                names = {field.name for field in fields}
                if text == name or not (name in names - {""} or ("" in names and name.isdigit())):
                    raise invalid(f"{text[:100]!r} is no field of the pattern")
                return lambda message: (self._read_line(message.text) or {}).get(name)
            case _:
                raise invalid("it has no fields")


def _leaves(condition: Condition) -> Iterator[Any]:
    if isinstance(condition, Both | Either):
        for part in condition.parts:
            yield from _leaves(part)
    else:
        yield condition
