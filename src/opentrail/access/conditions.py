"""`Condition` of a policy statement.

All conditions must hold; of one condition's values one is enough, or, with a negated operator, none
may fit. Source: IAM user guide, "IAM JSON policy elements: Condition operators".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from opentrail.access.wildcards import fits, plain
from opentrail.errors import InvalidInput

Context = Mapping[str, str | tuple[str, ...]]
"""What is known of a request, by condition key in lower case; several values as a tuple."""

Test = Callable[[str, str], bool]
"""(value of the policy, value of the request) → whether they fit."""

_TRUE = ("true", "false")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One key under one operator.

    Attributes:
        operator: Without `IfExists`, `ForAnyValue:` and `ForAllValues:`.
        key: In lower case.
        among: `any`, `all` or "" for a key with one value.
    """

    operator: str
    key: str
    values: tuple[str, ...]
    if_exists: bool = False
    among: str = ""

    def holds(self, context: Context, replace: Callable[[str], str]) -> bool:
        """Whether the request is as told; `replace` puts values for policy variables."""
        found = context.get(self.key)
        if self.operator == "Null":
            return (found is None) is (self.values[:1] == ("true",))
        if found is None or found == ():
            return self.if_exists or self.among == "all" or (found is None and self._negated)
        test = _OPERATORS[self.operator.replace("Not", "", 1) if self._negated else self.operator]
        wanted = [replace(value) for value in self.values]
        given = (found,) if isinstance(found, str) else found
        hits = (any(_safe(test, want, one) for want in wanted) is not self._negated
                for one in given)  # fmt: skip
        if self.among == "all" or (self._negated and self.among != "any"):
            return all(hits)
        return any(hits)

    @property
    def _negated(self) -> bool:
        return "Not" in self.operator


def parse_conditions(block: Any) -> tuple[Condition, ...]:
    """The conditions of a statement.

    Raises:
        InvalidInput: an operator is unknown, or a value is no text.
    """
    if not isinstance(block, dict):
        raise InvalidInput("Condition is not an object")
    return tuple(
        _condition(operator, key, values)
        for operator, keys in block.items()
        for key, values in _items(operator, keys)
    )


def _items(operator: str, keys: Any) -> Iterable[tuple[str, Any]]:
    if not isinstance(keys, dict):
        raise InvalidInput(f"Condition {operator} is not an object")
    return keys.items()


def _condition(written: str, key: str, values: Any) -> Condition:
    among, operator = "", written
    for prefix, kind in (("ForAnyValue:", "any"), ("ForAllValues:", "all")):
        if operator.startswith(prefix):
            among, operator = kind, operator.removeprefix(prefix)
    if_exists = operator.endswith("IfExists")
    operator = operator.removesuffix("IfExists")
    plain = operator.replace("Not", "", 1)
    if operator != "Null" and plain not in _OPERATORS:
        raise InvalidInput(f"condition operator {written!r} is not known")
    listed = values if isinstance(values, list) else [values]
    if not all(isinstance(one, str | bool | int | float) for one in listed):
        raise InvalidInput(f"Condition {written} {key}: a value is no text")
    return Condition(
        operator=operator,
        key=key.lower(),
        values=tuple(_text(one) for one in listed),
        if_exists=if_exists,
        among=among,
    )


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _safe(test: Test, want: str, given: str) -> bool:
    """A value that can't be compared fits nothing."""
    try:
        return test(want if test in _WITH_WILDCARDS else plain(want), given)
    except (ValueError, OverflowError, OSError):
        return False


def _address(want: str, given: str) -> bool:
    return ipaddress.ip_address(given) in ipaddress.ip_network(want, strict=False)


def _when(text: str) -> datetime:
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except ValueError:
        found = datetime.fromisoformat(text)
        return found if found.tzinfo else found.replace(tzinfo=UTC)


def _arn(want: str, given: str) -> bool:
    wanted, parts = want.split(":", 5), given.split(":", 5)
    return want == "*" or (len(wanted) == len(parts) and all(map(fits, wanted, parts)))


_WITH_WILDCARDS: tuple[Test, ...] = (fits, _arn)

_OPERATORS: dict[str, Test] = {
    "StringEquals": lambda want, given: given == want,
    "StringEqualsIgnoreCase": lambda want, given: given.lower() == want.lower(),
    "StringLike": fits,
    # Both Arn operators take wildcards, and compare each of the six parts by itself.
    "ArnEquals": _arn,
    "ArnLike": _arn,
    "Bool": lambda want, given: given.lower() == want.lower() and given.lower() in _TRUE,
    "BinaryEquals": lambda want, given: given == want,
    "IpAddress": _address,
    "NumericEquals": lambda want, given: float(given) == float(want),
    "NumericLessThan": lambda want, given: float(given) < float(want),
    "NumericLessThanEquals": lambda want, given: float(given) <= float(want),
    "NumericGreaterThan": lambda want, given: float(given) > float(want),
    "NumericGreaterThanEquals": lambda want, given: float(given) >= float(want),
    "DateEquals": lambda want, given: _when(given) == _when(want),
    "DateLessThan": lambda want, given: _when(given) < _when(want),
    "DateLessThanEquals": lambda want, given: _when(given) <= _when(want),
    "DateGreaterThan": lambda want, given: _when(given) > _when(want),
    "DateGreaterThanEquals": lambda want, given: _when(given) >= _when(want),
}
