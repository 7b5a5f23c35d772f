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
        # No value at all is as if the key were not there.
        found = context.get(self.key) or None
        if self.operator == "Null":
            return str(found is None).lower() in self.values
        if found is None:
            absent_fits = self._negated and self.among != "any"
            return self.if_exists or self.among == "all" or absent_fits
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
        InvalidInput: an operator is unknown, or a value is none that it could compare.
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
    if operator not in (*_OPERATORS, *_NEGATED) and written != "Null":
        raise InvalidInput(f"condition operator {written!r} is not known")
    listed = values if isinstance(values, list) else [values]
    if not all(isinstance(one, str | bool | int | float) for one in listed):
        raise InvalidInput(f"Condition {written} {key}: a value is no text")
    return Condition(
        operator=operator,
        key=key.lower(),
        values=tuple(_value(written, operator, one) for one in listed),
        if_exists=if_exists,
        among=among,
    )


def _value(written: str, operator: str, value: Any) -> str:
    """A value as text, if the operator can compare it: one that it can't would never deny."""
    text = str(value).lower() if isinstance(value, bool) or operator == "Null" else str(value)
    for part, read in _READ.items():
        if part in operator and "${" not in text:
            try:
                read(text)
            except (ValueError, OverflowError, OSError):
                raise InvalidInput(
                    f"Condition {written}: {text[:60]!r} can't be compared"
                ) from None
    return text


def _safe(test: Test, want: str, given: str) -> bool:
    """A value that can't be compared fits nothing."""
    try:
        return test(want if test in _WITH_WILDCARDS else plain(want), given)
    except (ValueError, OverflowError, OSError):
        return False


def _address(want: str, given: str) -> bool:
    address = ipaddress.ip_address(given)
    # A socket for both versions tells a caller of version 4 so.
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address in _network(want)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text, strict=False)


def _when(text: str) -> datetime:
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except ValueError:
        found = datetime.fromisoformat(text)
        return found if found.tzinfo else found.replace(tzinfo=UTC)


def _arn(want: str, given: str) -> bool:
    wanted, parts = want.split(":", 5), given.split(":", 5)
    return want == "*" or (len(wanted) == len(parts) and all(map(fits, wanted, parts)))


def _claim(text: str) -> bool:
    if text.lower() not in _TRUE:
        raise ValueError(text)
    return text.lower() == "true"


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

_NEGATED = (
    "StringNotEquals",
    "StringNotEqualsIgnoreCase",
    "StringNotLike",
    "ArnNotEquals",
    "ArnNotLike",
    "NotIpAddress",
    "NumericNotEquals",
    "DateNotEquals",
)

_READ: dict[str, Callable[[str], object]] = {
    "IpAddress": _network,
    "Numeric": float,
    "Date": _when,
    "Bool": _claim,
    "Null": _claim,
}
"""What reads a value of operators with this in their name; it raises ValueError for others."""
