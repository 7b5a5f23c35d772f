"""Whether selectors take a record.

Selectors are compiled once into a predicate of few comparisons, since every record meets every
trail. Source: spec: selectors, sections 2 and 3.1.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from opentrail.record import RecordHead, Resource
from opentrail.selectors.compiled import compile_advanced
from opentrail.selectors.resource_types import names_all
from opentrail.selectors.values import (
    AdvancedEventSelector,
    DataResource,
    EventSelector,
)

Predicate = Callable[[RecordHead], bool]


@lru_cache(maxsize=1024)
def compile_selectors(
    basic: tuple[EventSelector, ...], advanced: tuple[AdvancedEventSelector, ...]
) -> Predicate:
    """A predicate that is true when any of the selectors takes the record."""
    predicates = tuple(map(_basic, basic))
    if advanced:
        predicates = (*predicates, compile_advanced(advanced))
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
    whole_type = any(names_all(selected.type, value) for value in selected.values)
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
