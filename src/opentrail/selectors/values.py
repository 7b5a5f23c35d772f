"""Event selectors as values, and the error that says what is wrong with one.

Source: spec: selectors; AWS API reference, EventSelector and AdvancedEventSelector.
"""

from __future__ import annotations

import msgspec

from opentrail.errors import InvalidInput


class InvalidEventSelectors(InvalidInput):
    """A selector breaks a rule; the message names the field and the value."""


class DataResource(msgspec.Struct, frozen=True):
    """Data events of a basic selector: ARNs of one resource type.

    Attributes:
        values: Prefixes for S3 objects, whole ARNs for functions and tables; the bare
            `arn:aws:s3`, `arn:aws:lambda`, `arn:aws:dynamodb` stand for all.
    """

    type: str
    values: tuple[str, ...] = ()


class EventSelector(msgspec.Struct, frozen=True, kw_only=True):
    """A basic selector.

    Attributes:
        read_write_type: `All`, `ReadOnly` or `WriteOnly`.
    """

    read_write_type: str = "All"
    include_management_events: bool = True
    data_resources: tuple[DataResource, ...] = ()
    exclude_management_event_sources: tuple[str, ...] = ()


class FieldSelector(msgspec.Struct, frozen=True, kw_only=True):
    """Conditions on one field of an advanced selector; () where an operator is not used."""

    field: str
    equals: tuple[str, ...] = ()
    not_equals: tuple[str, ...] = ()
    starts_with: tuple[str, ...] = ()
    not_starts_with: tuple[str, ...] = ()
    ends_with: tuple[str, ...] = ()
    not_ends_with: tuple[str, ...] = ()


class AdvancedEventSelector(msgspec.Struct, frozen=True, kw_only=True):
    """An advanced selector: all its field selectors must hold."""

    name: str = ""
    field_selectors: tuple[FieldSelector, ...] = ()


class InsightSelector(msgspec.Struct, frozen=True):
    """One type of Insights.

    Attributes:
        type: `ApiCallRateInsight` or `ApiErrorRateInsight`.
        categories: `Management`, `Data` or both.
    """

    type: str
    categories: tuple[str, ...] = ("Management",)


class SelectorLimits(msgspec.Struct, frozen=True):
    """How much selectors of one trail may hold; AWS's figures."""

    selectors: int = 5
    data_resources: int = 250
    values: int = 500


DEFAULT_SELECTORS = (EventSelector(),)
"""What a trail takes unless told otherwise: all management events."""
