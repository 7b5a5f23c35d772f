"""Selectors from the API's dictionaries, every rule checked.

Source: spec: selectors, sections 2, 3 and 3.2; api, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from opentrail.selectors.resource_types import (
    BASIC_TYPES,
    NETWORK_SOURCES,
    RESOURCE_TYPES,
    names_a,
    names_all,
    names_basic,
)
from opentrail.selectors.values import (
    AdvancedEventSelector,
    DataResource,
    EventSelector,
    FieldSelector,
    InvalidEventSelectors,
    SelectorLimits,
)

_LIMITS = SelectorLimits()

_EXCLUDABLE = ("kms.amazonaws.com", "rdsdata.amazonaws.com")
OPERATORS = {
    "Equals": "equals",
    "NotEquals": "not_equals",
    "StartsWith": "starts_with",
    "NotStartsWith": "not_starts_with",
    "EndsWith": "ends_with",
    "NotEndsWith": "not_ends_with",
}
_CATEGORIES = ("Management", "Data", "NetworkActivity")
_FIELDS = {
    "Management": frozenset({"eventCategory", "readOnly", "eventSource"}),
    "Data": frozenset(
        {
            "eventCategory",
            "readOnly",
            "eventSource",
            "eventName",
            "eventType",
            "sessionCredentialFromConsole",
            "userIdentity.arn",
            "resources.type",
            "resources.ARN",
        }
    ),
    "NetworkActivity": frozenset(
        {"eventCategory", "eventSource", "eventName", "errorCode", "vpcEndpointId",
         "userIdentity.arn"}
    ),
}  # fmt: skip
_ONLY_EQUALS = frozenset({"eventCategory", "readOnly", "resources.type", "errorCode"})


def parse_basic(
    selectors: Sequence[Mapping[str, Any]], limits: SelectorLimits = _LIMITS
) -> tuple[EventSelector, ...]:
    """The basic selectors of PutEventSelectors.

    Raises:
        InvalidEventSelectors: a rule is broken.
    """
    if not 1 <= len(selectors) <= limits.selectors:
        raise InvalidEventSelectors(
            f"{len(selectors)} event selectors were given; 1 to {limits.selectors} are allowed"
        )
    parsed = tuple(_basic(one) for one in selectors)
    counted = sum(
        len([value for value in resource.values if not names_all(resource.type, value)])
        for selector in parsed
        for resource in selector.data_resources
    )
    if counted > limits.data_resources:
        raise InvalidEventSelectors(
            f"{counted} data resources were given; {limits.data_resources} are allowed"
        )
    return parsed


def parse_advanced(
    selectors: Sequence[Mapping[str, Any]], limits: SelectorLimits = _LIMITS
) -> tuple[AdvancedEventSelector, ...]:
    """The advanced selectors of PutEventSelectors, for a trail.

    Raises:
        InvalidEventSelectors: a rule is broken.
    """
    if not selectors:
        raise InvalidEventSelectors("no advanced event selector was given; at least one is needed")
    parsed = tuple(_advanced(one) for one in selectors)
    counted = sum(
        len(getattr(field, name))
        for selector in parsed
        for field in selector.field_selectors
        for name in OPERATORS.values()
    )
    if counted > limits.values:
        raise InvalidEventSelectors(f"{counted} values were given; {limits.values} are allowed")
    return parsed


def show_basic(selector: EventSelector) -> dict[str, Any]:
    """A basic selector as the API shows it."""
    return {
        "ReadWriteType": selector.read_write_type,
        "IncludeManagementEvents": selector.include_management_events,
        "DataResources": [
            {"Type": one.type, "Values": list(one.values)} for one in selector.data_resources
        ],
        "ExcludeManagementEventSources": list(selector.exclude_management_event_sources),
    }


def show_advanced(selector: AdvancedEventSelector) -> dict[str, Any]:
    """An advanced selector as the API shows it; unused operators are left out."""
    fields = [
        {"Field": one.field}
        | {api: list(getattr(one, name)) for api, name in OPERATORS.items() if getattr(one, name)}
        for one in selector.field_selectors
    ]
    shown: dict[str, Any] = {"Name": selector.name} if selector.name else {}
    return shown | {"FieldSelectors": fields}


def _basic(values: Mapping[str, Any]) -> EventSelector:
    management = values.get("IncludeManagementEvents", True)
    excluded = tuple(values.get("ExcludeManagementEventSources") or ())
    for source in excluded:
        if source not in _EXCLUDABLE:
            raise InvalidEventSelectors(
                f"ExcludeManagementEventSources has {source!r}; "
                f"allowed are {' and '.join(_EXCLUDABLE)}"
            )
    if excluded and not management:
        raise InvalidEventSelectors(
            "ExcludeManagementEventSources needs IncludeManagementEvents to be true"
        )
    resources = tuple(_data_resource(one) for one in values.get("DataResources") or ())
    if not management and not resources:
        raise InvalidEventSelectors("an event selector must select management or data events")
    kind = values.get("ReadWriteType", "All")
    if kind not in ("All", "ReadOnly", "WriteOnly"):
        raise InvalidEventSelectors(
            f"ReadWriteType is {kind!r}; allowed are All, ReadOnly and WriteOnly"
        )
    return EventSelector(
        read_write_type=kind,
        include_management_events=bool(management),
        data_resources=resources,
        exclude_management_event_sources=excluded,
    )


def _data_resource(values: Mapping[str, Any]) -> DataResource:
    kind = values.get("Type", "")
    if kind not in BASIC_TYPES:
        raise InvalidEventSelectors(
            f"data resource type {kind!r} is not allowed in a basic event selector; "
            f"allowed are {', '.join(BASIC_TYPES)}"
        )
    arns = tuple(values.get("Values") or ())
    for arn in arns:
        if not names_basic(kind, arn):
            raise InvalidEventSelectors(f"value {arn!r} is not an ARN for {kind}")
    return DataResource(kind, arns)


def _advanced(values: Mapping[str, Any]) -> AdvancedEventSelector:
    fields = tuple(_field(one) for one in values.get("FieldSelectors") or ())
    names = [one.field for one in fields]
    for name in names:
        if names.count(name) > 1:
            raise InvalidEventSelectors(f"field {name} stands in the selector more than once")
    category = next((one for one in fields if one.field == "eventCategory"), None)
    if category is None or len(category.equals) != 1:
        raise InvalidEventSelectors("a selector needs eventCategory with exactly one Equals value")
    if category.equals[0] not in _CATEGORIES:
        raise InvalidEventSelectors(
            f"eventCategory {category.equals[0]!r} is not allowed for a trail; "
            f"allowed are {', '.join(_CATEGORIES)}"
        )
    by_name = {one.field: one for one in fields}
    _check_category(category.equals[0], by_name)
    return AdvancedEventSelector(name=values.get("Name") or "", field_selectors=fields)


def _field(values: Mapping[str, Any]) -> FieldSelector:
    name = values.get("Field", "")
    conditions = {ours: tuple(values[api]) for api, ours in OPERATORS.items() if values.get(api)}
    if not conditions:
        raise InvalidEventSelectors(f"field {name!r} has no condition")
    if name in _ONLY_EQUALS and set(conditions) != {"equals"}:
        raise InvalidEventSelectors(f"field {name} allows Equals only")
    return FieldSelector(field=name, **conditions)


def _check_category(category: str, fields: Mapping[str, FieldSelector]) -> None:
    for name in fields:
        if name not in _FIELDS[category]:
            raise InvalidEventSelectors(
                f"field {name!r} is not allowed for {category} events of a trail; "
                f"allowed are {', '.join(sorted(_FIELDS[category]))}"
            )
    read_only = fields.get("readOnly")
    if read_only is not None and not set(read_only.equals) <= {"true", "false"}:
        raise InvalidEventSelectors("readOnly must equal true or false")
    _CHECKS[category](fields)


def _check_management(fields: Mapping[str, FieldSelector]) -> None:
    source = fields.get("eventSource")
    if source is None:
        return
    if _operators(source) != {"not_equals"} or not set(source.not_equals) <= set(_EXCLUDABLE):
        raise InvalidEventSelectors(
            f"eventSource of management events allows only NotEquals {' and '.join(_EXCLUDABLE)}"
        )


def _check_data(fields: Mapping[str, FieldSelector]) -> None:
    kind = fields.get("resources.type")
    if kind is None or len(kind.equals) != 1:
        raise InvalidEventSelectors("data events need resources.type with exactly one Equals value")
    if kind.equals[0] not in RESOURCE_TYPES:
        near = get_close_matches(kind.equals[0], sorted(RESOURCE_TYPES), 3)
        raise InvalidEventSelectors(
            f"resources.type {kind.equals[0]!r} is not a resource type of data events; "
            f"expected {' or '.join(near) or 'one like AWS::S3::Object'}"
        )
    arn = fields.get("resources.ARN")
    for value in (*arn.equals, *arn.not_equals) if arn is not None else ():
        if not names_a(kind.equals[0], value):
            raise InvalidEventSelectors(
                f"resources.ARN {value!r} is not the whole ARN of a {kind.equals[0]}; "
                "use StartsWith or EndsWith for a part of one"
            )
    console = fields.get("sessionCredentialFromConsole")
    if console is None:
        return
    if not _operators(console) <= {"equals", "not_equals"}:
        raise InvalidEventSelectors(
            "field sessionCredentialFromConsole allows Equals and NotEquals only"
        )
    if {*console.equals, *console.not_equals} != {"true"}:
        raise InvalidEventSelectors("sessionCredentialFromConsole allows only the value true")


def _check_network(fields: Mapping[str, FieldSelector]) -> None:
    source = fields.get("eventSource")
    if source is None or len(source.equals) != 1:
        raise InvalidEventSelectors(
            "network activity events need eventSource with exactly one Equals value"
        )
    if _operators(source) != {"equals"}:
        raise InvalidEventSelectors("eventSource of network activity events allows Equals only")
    if source.equals[0] not in NETWORK_SOURCES:
        near = get_close_matches(source.equals[0], sorted(NETWORK_SOURCES), 3)
        raise InvalidEventSelectors(
            f"eventSource {source.equals[0]!r} has no network activity events; "
            f"expected {' or '.join(near) or 'one like s3.amazonaws.com'}"
        )
    code = fields.get("errorCode")
    if code is not None and code.equals != ("VpceAccessDenied",):
        raise InvalidEventSelectors("errorCode allows only the value VpceAccessDenied")


def _operators(field: FieldSelector) -> set[str]:
    return {name for name in OPERATORS.values() if getattr(field, name)}


_CHECKS = {
    "Management": _check_management,
    "Data": _check_data,
    "NetworkActivity": _check_network,
}
