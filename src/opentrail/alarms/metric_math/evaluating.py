"""What an expression comes to, over the metrics and the other expressions of a request."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from opentrail.alarms.metric_math.functions import (
    CONSTANTS,
    FUNCTIONS,
    NOT_DONE,
    value_at,
    worked_out,
)
from opentrail.alarms.metric_math.reading import (
    Call,
    Expression,
    Listed,
    Name,
    Negative,
    Number,
    Operation,
    Text,
    left_spine,
    parse_expression,
)
from opentrail.alarms.metric_math.values import InvalidExpression, Line, Value, Word, kept, named

Band = Callable[[str, float], tuple[Line, Line]]
"""The upper and lower end of what is usual for a metric: (its id, width in deviations)."""

_OPERATORS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": math.pow,
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "&&": lambda left, right: bool(left) and bool(right),
    "||": lambda left, right: bool(left) or bool(right),
}


@dataclass(slots=True)
class Environment:
    """What the expressions of one request refer to.

    Attributes:
        metrics: The lines of the metrics by id, in the order asked for.
        expressions: Texts of the expressions by id.
        grid: When the periods asked for begin.
        band: None where no band can be told.
    """

    metrics: Mapping[str, Line]
    expressions: Mapping[str, str]
    grid: range
    band: Band | None = None
    _done: dict[str, Value] = field(default_factory=dict)
    _under_way: list[str] = field(default_factory=list)

    def value(self, name: str) -> Value:
        """Of a metric or expression by its id.

        Raises:
            InvalidExpression: there is none, or it refers to itself.
        """
        if name in self.metrics:
            return self.metrics[name]
        if name in self._done:
            return self._done[name]
        if name not in self.expressions:
            raise InvalidExpression(f"{name[:100]!r} is the id of no metric or expression")
        if name in self._under_way:
            raise InvalidExpression(f"{name!r} refers to itself")
        self._under_way.append(name)
        try:
            found = _Walk(self).value(parse_expression(self.expressions[name]))
        finally:
            self._under_way.pop()
        self._done[name] = found
        return found


def evaluated(environment: Environment, name: str) -> tuple[Line, ...]:
    """The lines that an expression comes to.

    Raises:
        InvalidExpression: it can't be worked out, or is no line.
    """
    try:
        found = environment.value(name)
    except RecursionError:
        raise InvalidExpression("too many expressions refer to one another") from None
    match found:
        case Line():
            return (found,)
        case tuple():
            return found
        case _:
            raise InvalidExpression(f"it comes to {named(found)}; a time series is expected")


class _Walk:
    """Through the tree of one expression."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def value(self, expression: Expression) -> Value:
        match expression:
            case Number(value):
                return value
            case Text(value):
                return value
            case Name(name):
                return self._named(name)
            case Negative(part):
                return _combined("*", -1.0, self.value(part))
            case Operation():
                first, steps = left_spine(expression)
                found = self.value(first)
                for sign, right in steps:
                    found = _combined(sign, found, self.value(right))
                return found
            case Listed(parts):
                return self._listed(parts)
            case Call(function, arguments):
                return self._called(function, arguments)

    def _named(self, name: str) -> Value:
        known = name in self._environment.metrics or name in self._environment.expressions
        if not known and name.upper() in CONSTANTS:
            return Word(name.upper())
        return self._environment.value(name)

    def _listed(self, parts: Sequence[Expression]) -> tuple[Line, ...]:
        found: list[Line] = []
        for part in parts:
            match self.value(part):
                case Line() as line:
                    found.append(line)
                case tuple() as lines:
                    found += lines
                case other:
                    raise InvalidExpression(f"an array holds time series, not {named(other)}")
        return tuple(found)

    def _called(self, function: str, arguments: Sequence[Expression]) -> Value:
        if function == "METRICS":
            return self._metrics(arguments)
        if function == "ANOMALY_DETECTION_BAND":
            return self._banded(arguments)
        if function in NOT_DONE:
            raise InvalidExpression(f"{function} is not done by OpenTrail")
        if function not in FUNCTIONS:
            raise InvalidExpression(f"{function[:100]} is no function")
        given = [self.value(one) for one in arguments]
        return FUNCTIONS[function](given, self._environment.grid)

    def _metrics(self, arguments: Sequence[Expression]) -> tuple[Line, ...]:
        """All metrics, or those whose id holds a text."""
        match arguments:
            case ():
                part = ""
            case (Text(part),):
                pass
            case _:
                raise InvalidExpression("METRICS takes nothing, or a text in quotes")
        return tuple(line for name, line in self._environment.metrics.items() if part in name)

    def _banded(self, arguments: Sequence[Expression]) -> tuple[Line, Line]:
        match arguments:
            case (Name(name),):
                width = 2.0
            case (Name(name), Number(width)) if width > 0:
                pass
            case _:
                raise InvalidExpression(
                    "ANOMALY_DETECTION_BAND takes the id of a metric, and a number above 0"
                )
        if name not in self._environment.metrics or self._environment.band is None:
            raise InvalidExpression(f"a band of {name!r} can't be told: it is no metric")
        return self._environment.band(name, width)


def _combined(sign: str, left: Value, right: Value) -> Value:
    """Of two values; of arrays what comes of each line."""
    for one in (left, right):
        if isinstance(one, Word | str):
            raise InvalidExpression(f"{sign} takes numbers and time series, not {named(one)}")
    match left, right:
        case tuple(), tuple():
            raise InvalidExpression(f"{sign} takes one array of time series, not two")
        case tuple(), _:
            return tuple(_of_lines(sign, one, right) for one in left)
        case _, tuple():
            return tuple(_of_lines(sign, left, one) for one in right)
        case float(), float():
            found = worked_out(_OPERATORS[sign], left, right)
            return math.nan if found is None else found
        case _:
            return _of_lines(sign, left, right)


def _of_lines(sign: str, left: Value, right: Value) -> Line:
    """At each time at which both have a value."""
    act = _OPERATORS[sign]
    lines = [one for one in (left, right) if isinstance(one, Line)]

    def at(time: int) -> float | None:
        first, second = value_at(left, time), value_at(right, time)
        if first is None or second is None:
            return None
        return worked_out(act, first, second)

    points = kept((time, at(time)) for time in lines[0].points)
    return Line(points, max(line.period for line in lines), lines[0].label)
