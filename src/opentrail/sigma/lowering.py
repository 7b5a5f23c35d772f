r"""A Sigma detection as an expression over CloudTrail records (predicate.expression).

Field names are CloudTrail's own, joined by dots; arrays on the way are entered. Texts ignore case
unless they say otherwise; numbers compare with the record's spelling, whether it is a number or a
text there. A field that may hold an object (`requestParameters`) is searched in the object's JSON
and in every text within it: rules are written for both, since products show it as either.

Two rules are not told exactly:
- `gt` and the like on an array that holds numbers and other texts may take one for the other;
- a text with wildcards *and* escaped wildcards within (`a*\*b`) folds letters as RE2 does, not as
  Python does: they differ in a few letters beyond ASCII.
"""

from __future__ import annotations

import re

from opentrail.errors import InvalidInput
from opentrail.predicate.comparing import regex
from opentrail.predicate.expression import (
    DERIVED,
    All,
    Any,
    Expression,
    FreeText,
    Not,
    Operator,
    Reference,
    Test,
)
from opentrail.sigma.moments import moment_pattern
from opentrail.sigma.tree import (
    Condition,
    Every,
    Exists,
    Field,
    Is,
    Keyword,
    Moment,
    Network,
    Never,
    Null,
    Number,
    OneOf,
    Order,
    Ordered,
    Pattern,
    Some,
    Text,
    Value,
    Wildcard,
)

Path = tuple[str, ...]

_TOP = (
    "eventVersion eventTime eventSource eventName awsRegion sourceIPAddress userAgent errorCode "
    "errorMessage requestID eventID eventType apiVersion managementEvent readOnly "
    "recipientAccountId sharedEventID vpcEndpointId vpcEndpointAccountId eventCategory "
    "sessionCredentialFromConsole"
)
_IDENTITY = (
    "type principalId arn accountId accessKeyId userName invokedBy identityProvider credentialId "
    "sessionContext.sessionIssuer.type sessionContext.sessionIssuer.principalId "
    "sessionContext.sessionIssuer.arn sessionContext.sessionIssuer.accountId "
    "sessionContext.sessionIssuer.userName sessionContext.sourceIdentity "
    "sessionContext.attributes.creationDate sessionContext.attributes.mfaAuthenticated "
    "sessionContext.ec2RoleDelivery"
)
TEXT_FIELDS: frozenset[Path] = frozenset(
    [(name,) for name in _TOP.split()]
    + [("userIdentity", *name.split(".")) for name in _IDENTITY.split()]
)
"""Fields that hold a text, number or truth value in every record (CloudTrail record contents)."""


def lower(condition: Condition) -> Expression:
    """The expression that holds for the records that the condition is true of.

    Raises:
        InvalidInput: a field, value or keyword that cannot be asked of records.
    """
    match condition:
        case Is(field, value):
            return _field(path_of(field), value)
        case Keyword(value):
            return _keyword(value)
        case Every(parts):
            return _joined(All, [lower(part) for part in parts])
        case Some(parts):
            return _joined(Any, [lower(part) for part in parts])
        case Never(part):
            return Not(lower(part))


def path_of(field: str) -> Path:
    """The members that a field's name leads through.

    Raises:
        InvalidInput: no name, an empty member, or a field that only searches know.
    """
    path = tuple(field.split("."))
    if not all(path):
        raise InvalidInput(f"{field!r} is no field; expected one such as userIdentity.arn")
    if path[0] in DERIVED:
        raise InvalidInput(
            f"the field {path[0]} stands in no record: searches know it, rules don't"
        )
    return path


def _joined(kind: type[All | Any], parts: list[Expression]) -> Expression:
    """Nested ones of the same kind become one; so many values of a field are told at once."""
    found: list[Expression] = []
    for part in parts:
        if isinstance(part, kind):
            found += part.parts
        else:
            found.append(part)
    return found[0] if len(found) == 1 else kind(tuple(found))


def _field(path: Path, value: Value) -> Expression:
    match value:
        case Text():
            return _text(path, value)
        case Number(text):
            return _test(path, Operator.EQUALS, text, ignore_case=True)
        case Null():
            return Not(Test(path, Operator.EXISTS))
        case Exists(there):
            exists = Test(path, Operator.EXISTS)
            return exists if there else Not(exists)
        case Pattern():
            return _pattern(path, value)
        case Network(cidr):
            return Test(path, Operator.CIDR, cidr)
        case OneOf(values):
            return _joined(Any, [_field(path, one) for one in values])
        case _:
            return _compared(path, value)


def _compared(path: Path, value: Ordered | Moment | Field) -> Expression:
    match value:
        case Ordered(order, number):
            number_there = Test(path, Operator.REGEX, _IS_NUMBER)
            return All((Test(path, _ORDERS[order], number), number_there))
        case Moment():
            return Test(path, Operator.REGEX, moment_pattern(value))
        case Field(other, starts, ends):
            operator = _REFERENCES[starts, ends]
            return Reference(path, operator, path_of(other), ignore_case=True)


_IS_NUMBER = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$"

_ORDERS = {
    Order.LESS: Operator.LESS,
    Order.LESS_OR_EQUAL: Operator.LESS_OR_EQUAL,
    Order.GREATER: Operator.GREATER,
    Order.GREATER_OR_EQUAL: Operator.GREATER_OR_EQUAL,
    Order.EQUAL: Operator.EQUALS,
}

_REFERENCES = {
    (False, False): Operator.EQUALS,
    (True, False): Operator.PREFIX,
    (False, True): Operator.SUFFIX,
    (True, True): Operator.CONTAINS,
}


def _test(path: Path, operator: Operator, value: str, *, ignore_case: bool) -> Test:
    in_objects = path not in TEXT_FIELDS
    return Test(path, operator, value, ignore_case=ignore_case, in_objects=in_objects)


def _text(path: Path, text: Text) -> Expression:
    parts = _merged(text.parts)
    ignore_case = not text.cased
    many = Wildcard.MANY
    match parts:
        case ():
            return _test(path, Operator.EQUALS, "", ignore_case=ignore_case)
        case (Wildcard.MANY,):
            return Test(path, Operator.EXISTS)
        case (str(one),):
            return _test(path, Operator.EQUALS, one, ignore_case=ignore_case)
        case (str(one), last) if last is many:
            return _test(path, Operator.PREFIX, one, ignore_case=ignore_case)
        case (first, str(one)) if first is many:
            return _test(path, Operator.SUFFIX, one, ignore_case=ignore_case)
        case (first, str(one), last) if first is many and last is many:
            return _test(path, Operator.CONTAINS, one, ignore_case=ignore_case)
    if any(isinstance(part, str) and ("*" in part or "?" in part) for part in parts):
        return _test(path, Operator.REGEX, _as_regex(parts), ignore_case=ignore_case)
    spelled = "".join(part if isinstance(part, str) else part.value for part in parts)
    return _test(path, Operator.WILDCARD, spelled, ignore_case=ignore_case)


def _merged(parts: tuple[str | Wildcard, ...]) -> tuple[str | Wildcard, ...]:
    """Texts that follow each other as one, and of several `*` one."""
    found: list[str | Wildcard] = []
    for part in parts:
        before = found[-1] if found else None
        if isinstance(part, str) and isinstance(before, str):
            found[-1] = before + part
        elif part != "" and not (part is Wildcard.MANY and before is Wildcard.MANY):
            found.append(part)
    return tuple(found)


def _as_regex(parts: tuple[str | Wildcard, ...]) -> str:
    spelled = {Wildcard.MANY: ".*", Wildcard.ONE: "."}
    pieces = [re.escape(part) if isinstance(part, str) else spelled[part] for part in parts]
    return r"(?s)\A" + "".join(pieces) + r"\z"


def _pattern(path: Path, value: Pattern) -> Test:
    regex(value.pattern)
    inline = "".join(sorted(set(value.flags) - {"i"}))
    pattern = f"(?{inline}){value.pattern}" if inline else value.pattern
    return _test(path, Operator.REGEX, pattern, ignore_case="i" in value.flags)


def _keyword(value: Value) -> Expression:
    match value:
        case Number(text):
            return FreeText(text)
        case OneOf(values):
            return _joined(Any, [_keyword(one) for one in values])
        case Text(parts, cased):
            literal = _without_outer_stars(_merged(parts))
            if literal is not None and not cased:
                return FreeText(literal)
    raise InvalidInput(
        f"the keyword {value} cannot be searched in whole records; expected a text without "
        "modifiers, and with * at its ends alone"
    )


def _without_outer_stars(parts: tuple[str | Wildcard, ...]) -> str | None:
    """The text between, None where there are other wildcards."""
    inner = [part for part in parts if part is not Wildcard.MANY]
    if not inner:
        return ""
    if len(inner) > 1 or not isinstance(inner[0], str):
        return None
    return inner[0]
