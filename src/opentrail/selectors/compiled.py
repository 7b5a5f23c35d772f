"""Advanced selectors as one function of straight code.

Every record meets every trail, so nothing is called that need not be: the function is written as
source and compiled once. Texts of selectors never become source; they are constants beside it.
Source of the rules: spec: selectors, section 3.1.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, cast

from opentrail.record import RecordHead
from opentrail.selectors.values import AdvancedEventSelector, FieldSelector

_READ = {
    "eventSource": "head.event_source",
    "eventName": "head.event_name",
    "eventType": "head.event_type",
    "errorCode": "head.error_code",
    "vpcEndpointId": "head.vpc_endpoint_id",
    "sessionCredentialFromConsole": "head.session_credential_from_console",
    "userIdentity.arn": "head.user_identity.arn if head.user_identity else None",
    "readOnly": "READ_ONLY[head.read_only]",
}
"""How a field is read, as source."""

_READ_ONLY = {None: None, True: "true", False: "false"}


class _Source:
    """Lines of source and the constants they name."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.constants: dict[str, Any] = {"READ_ONLY": _READ_ONLY}

    def add(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def constant(self, value: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = value
        return name


def compile_advanced(
    selectors: tuple[AdvancedEventSelector, ...],
) -> Callable[[RecordHead], bool]:
    """A function that is true when any of the selectors takes the record."""
    source = _Source()
    source.add(0, "def takes(head):")
    source.add(1, "category = head.event_category")
    by_category: dict[str, list[AdvancedEventSelector]] = defaultdict(list)
    for selector in selectors:
        by_category[_category(selector)].append(selector)
    for category, group in by_category.items():
        source.add(1, f"if category == {source.constant(category)}:")
        _write_group(source, group)
    source.add(1, "return False")
    found: dict[str, Any] = dict(source.constants)
    exec(compile("\n".join(source.lines), "<selectors>", "exec"), found)  # noqa: S102 - no text of a caller is in it
    return cast("Callable[[RecordHead], bool]", found["takes"])


def _category(selector: AdvancedEventSelector) -> str:
    return next(one.equals[0] for one in selector.field_selectors if one.field == "eventCategory")


def _write_group(source: _Source, group: list[AdvancedEventSelector]) -> None:
    """The selectors of one category; each field is read once for all of them."""
    fields = [one.field for selector in group for one in selector.field_selectors]
    names = {field: f"v{n}" for n, field in enumerate(dict.fromkeys(fields)) if field in _READ}
    for field, name in names.items():
        source.add(2, f"{name} = {_READ[field]}")
    shared = _shared(group)
    tests = _tests(source, [one for one in shared if one.field in names], names)
    if tests:
        source.add(2, f"if not ({tests}):")
        source.add(3, "return False")
    by_type: dict[FieldSelector | None, list[AdvancedEventSelector]] = defaultdict(list)
    for selector in group:
        by_type[_on(selector, "resources.type")].append(selector)
    for kind, selectors in by_type.items():
        if kind is not None or any(_on(one, "resources.ARN") for one in selectors):
            _write_arns(source, kind)
        for selector in selectors:
            rest = [one for one in selector.field_selectors if one.field in names]
            _write_selector(
                source, selector, _tests(source, [x for x in rest if x not in shared], names)
            )
    source.add(2, "return False")


def _shared(group: list[AdvancedEventSelector]) -> list[FieldSelector]:
    """The conditions that every selector of the group has: they are tested once for all."""
    first, *others = group
    return [
        one
        for one in first.field_selectors
        if others and all(one in other.field_selectors for other in others)
    ]


def _write_arns(source: _Source, kind: FieldSelector | None) -> None:
    """The ARNs of the entries of the type: all conditions must hold on one and the same entry."""
    wanted = f" if {_test(source, kind, 'one.type')}" if kind is not None else ""
    arn = "one.arn_prefix if one.arn is None else one.arn"
    source.add(2, f"arns = [{arn} for one in head.resources or (){wanted}]")


def _write_selector(source: _Source, selector: AdvancedEventSelector, plain: str) -> None:
    arn, kind = _on(selector, "resources.ARN"), _on(selector, "resources.type")
    tests = [test for test in (plain, "arns" if kind or arn else "") if test]
    source.add(2, f"if {' and '.join(tests) or 'True'}:")
    if arn is None:
        source.add(3, "return True")
        return
    source.add(3, "for arn in arns:")
    source.add(4, f"if {_test(source, arn, 'arn')}:")
    source.add(5, "return True")


def _on(selector: AdvancedEventSelector, field: str) -> FieldSelector | None:
    return next((one for one in selector.field_selectors if one.field == field), None)


def _tests(source: _Source, fields: list[FieldSelector], names: dict[str, str]) -> str:
    """All of the conditions, those first that cost least."""
    return " and ".join(_test(source, one, names[one.field]) for one in sorted(fields, key=_cost))


def _cost(field: FieldSelector) -> int:
    """Plain equality first: it is cheapest and lets least through."""
    return bool(field.starts_with or field.ends_with) + 2 * (not field.equals)


def _test(source: _Source, field: FieldSelector, name: str) -> str:
    """Positive operators are alternatives, negative ones all forbid; both groups must agree."""
    positive = _any(source, name, field.equals, field.starts_with, field.ends_with)
    negative = _any(source, name, field.not_equals, field.not_starts_with, field.not_ends_with)
    # Equality needs no look at None: an absent field equals nothing.
    calls_positive = field.starts_with or field.ends_with
    calls_negative = field.not_starts_with or field.not_ends_with
    present = f"{name} is not None and "
    if positive and negative:
        needs = present if calls_positive or calls_negative else ""
        return f"{needs}({positive}) and not ({negative})"
    if positive:
        return f"{present if calls_positive else ''}({positive})"
    return f"({f'{name} is None or ' if calls_negative else ''}not ({negative}))"


def _any(
    source: _Source, name: str, equals: tuple[str, ...], starts: tuple[str, ...],
    ends: tuple[str, ...],
) -> str:  # fmt: skip
    tests: list[str] = []
    if len(equals) == 1:
        tests.append(f"{name} == {source.constant(equals[0])}")
    elif equals:
        tests.append(f"{name} in {source.constant(frozenset(equals))}")
    if starts:
        tests.append(f"{name}.startswith({source.constant(starts)})")
    if ends:
        tests.append(f"{name}.endswith({source.constant(ends)})")
    return " or ".join(tests)
