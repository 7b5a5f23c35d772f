"""Whether selectors take a record.

Selectors are compiled once into a predicate of few comparisons, since every record meets every
trail. Source: spec: selectors, sections 2 and 3.1.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from opentrail.record import RecordHead, Resource
from opentrail.selectors.values import (
    AdvancedEventSelector,
    DataResource,
    EventSelector,
    FieldSelector,
)

Predicate = Callable[[RecordHead], bool]

_ALL_OF = {
    "AWS::S3::Object": ("arn:aws:s3", "arn:aws:s3:::"),
    "AWS::Lambda::Function": ("arn:aws:lambda",),
    "AWS::DynamoDB::Table": ("arn:aws:dynamodb",),
}

_READERS: dict[str, Callable[[RecordHead], str | None]] = {
    "eventCategory": lambda head: head.event_category,
    "eventSource": lambda head: head.event_source,
    "eventName": lambda head: head.event_name,
    "eventType": lambda head: head.event_type,
    "errorCode": lambda head: head.error_code,
    "vpcEndpointId": lambda head: head.vpc_endpoint_id,
    "sessionCredentialFromConsole": lambda head: head.session_credential_from_console,
    "userIdentity.arn": lambda head: head.user_identity.arn if head.user_identity else None,
    "readOnly": lambda head: (
        None if head.read_only is None else ("true" if head.read_only else "false")
    ),
}


@lru_cache(maxsize=1024)
def compile_selectors(
    basic: tuple[EventSelector, ...], advanced: tuple[AdvancedEventSelector, ...]
) -> Predicate:
    """A predicate that is true when any of the selectors takes the record."""
    predicates = (*map(_basic, basic), *map(_advanced, advanced))
    if len(predicates) == 1:
        return predicates[0]
    return lambda head: any(predicate(head) for predicate in predicates)


def _basic(selector: EventSelector) -> Predicate:
    excluded = frozenset(selector.exclude_management_event_sources)
    resources = selector.data_resources
    wanted = {"ReadOnly": True, "WriteOnly": False}.get(selector.read_write_type)

    def takes(head: RecordHead) -> bool:
        # A record that does not say (old versions) counts as a write.
        if wanted is not None and bool(head.read_only) is not wanted:
            return False
        if head.event_category == "Management":
            return selector.include_management_events and head.event_source not in excluded
        if head.event_category == "Data":
            return any(_names_resource(one, head.resources or ()) for one in resources)
        return False

    return takes


def _names_resource(selected: DataResource, resources: tuple[Resource, ...]) -> bool:
    everything = _ALL_OF.get(selected.type, ())
    whole_type = any(value in everything for value in selected.values)
    for resource in resources:
        if resource.type != selected.type:
            continue
        if whole_type:
            return True
        arn = resource.arn if resource.arn is not None else resource.arn_prefix
        if arn is not None and any(_fits(selected.type, value, arn) for value in selected.values):
            return True
    return False


def _fits(kind: str, value: str, arn: str) -> bool:
    if kind == "AWS::S3::Object":
        return arn.startswith(value)
    # A function's versions and aliases stand behind its ARN.
    return arn == value or (kind == "AWS::Lambda::Function" and arn.startswith(f"{value}:"))


def _advanced(selector: AdvancedEventSelector) -> Predicate:
    plain = tuple(
        (_READERS[one.field], _condition(one))
        for one in selector.field_selectors
        if one.field in _READERS
    )
    on_resources = tuple(
        one for one in selector.field_selectors if one.field.startswith("resources.")
    )
    resource_test = _resource_test(on_resources) if on_resources else None

    def takes(head: RecordHead) -> bool:
        for read, holds in plain:
            if not holds(read(head)):
                return False
        return resource_test is None or resource_test(head)

    return takes


def _resource_test(selectors: tuple[FieldSelector, ...]) -> Predicate:
    """All conditions must hold on one and the same entry of `resources`."""
    on_type = [_condition(one) for one in selectors if one.field == "resources.type"]
    on_arn = [_condition(one) for one in selectors if one.field == "resources.ARN"]

    def takes(head: RecordHead) -> bool:
        for resource in head.resources or ():
            arn = resource.arn if resource.arn is not None else resource.arn_prefix
            if all(holds(resource.type) for holds in on_type) and all(
                holds(arn) for holds in on_arn
            ):
                return True
        return False

    return takes


def _condition(selector: FieldSelector) -> Callable[[str | None], bool]:
    """Positive operators are alternatives, negative ones all forbid; both groups must agree."""
    equals = frozenset(selector.equals)
    not_equals = frozenset(selector.not_equals)
    starts, ends = selector.starts_with, selector.ends_with
    not_starts, not_ends = selector.not_starts_with, selector.not_ends_with
    positive = bool(equals or starts or ends)
    if positive and not (starts or ends or not_equals or not_starts or not_ends):
        return lambda value: value in equals

    def holds(value: str | None) -> bool:
        if value is None:
            return not positive
        if value in not_equals or value.startswith(not_starts) or value.endswith(not_ends):
            return False
        return not positive or value in equals or value.startswith(starts) or value.endswith(ends)

    return holds
