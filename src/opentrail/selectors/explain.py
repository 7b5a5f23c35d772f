"""Why selectors take a record, or do not: every condition by itself, in words."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from opentrail.record import RecordHead
from opentrail.selectors.matching import compile_selectors
from opentrail.selectors.parse import OPERATORS
from opentrail.selectors.values import AdvancedEventSelector, EventSelector, FieldSelector


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """What one selector says to a record.

    Attributes:
        number: The selector's place in its list, from 1 on.
        name: Its name, "" if it has none.
        failed: The conditions that do not hold, in words; () if it takes the record.
    """

    number: int
    name: str
    failed: tuple[str, ...]

    @property
    def takes(self) -> bool:
        """Whether the selector takes the record."""
        return not self.failed


def explain(
    basic: tuple[EventSelector, ...],
    advanced: tuple[AdvancedEventSelector, ...],
    head: RecordHead,
) -> tuple[Reason, ...]:
    """What each selector says."""
    return (
        *(
            Reason(number=number, name="", failed=tuple(_basic(one, head)))
            for number, one in enumerate(basic, 1)
        ),
        *(
            Reason(number=number, name=one.name, failed=tuple(_advanced(one, head)))
            for number, one in enumerate(advanced, 1)
        ),
    )


def _basic(selector: EventSelector, head: RecordHead) -> Iterator[str]:
    if compile_selectors((selector,), ())(head):
        return
    wanted = {"ReadOnly": True, "WriteOnly": False}.get(selector.read_write_type)
    if wanted is not None and bool(head.read_only) is not wanted:
        yield f"ReadWriteType is {selector.read_write_type}, the record's readOnly is " + _shown(
            head.read_only
        )
    if head.event_category == "Management":
        if not selector.include_management_events:
            yield "IncludeManagementEvents is false"
        elif head.event_source in selector.exclude_management_event_sources:
            yield f"ExcludeManagementEventSources has {head.event_source}"
    elif head.event_category == "Data":
        yield "no value of DataResources fits the record's resources " + (
            ", ".join(filter(None, (one.arn or one.arn_prefix for one in head.resources or ())))
            or "(it has none)"
        )
    else:
        yield f"basic selectors take no {head.event_category} events"


def _advanced(selector: AdvancedEventSelector, head: RecordHead) -> Iterator[str]:
    if compile_selectors((), (selector,))(head):
        return
    told = False
    category = next(one for one in selector.field_selectors if one.field == "eventCategory")
    for field in selector.field_selectors:
        alone = msgspec.structs.replace(selector, field_selectors=_with_category(category, field))
        if not compile_selectors((), (alone,))(_of_category(head, category)):
            told = True
            yield _failed(field, head)
    if head.event_category not in category.equals and not told:
        told = True
        yield _failed(category, head)
    if not told:
        yield "resources.type and resources.ARN do not hold on the same entry of resources"


def _with_category(category: FieldSelector, field: FieldSelector) -> tuple[FieldSelector, ...]:
    return (category,) if field is category else (category, field)


def _of_category(head: RecordHead, category: FieldSelector) -> RecordHead:
    """The record as if it were of the selector's category, to test another field alone."""
    return msgspec.structs.replace(head, event_category=category.equals[0])


def _failed(field: FieldSelector, head: RecordHead) -> str:
    wanted = "; ".join(
        f"{api} {', '.join(values)}"
        for api, name in OPERATORS.items()
        if (values := getattr(field, name))
    )
    return f"{field.field} {wanted}: the record has {_found(field.field, head)}"


def _found(field: str, head: RecordHead) -> str:
    if field == "resources.type":
        return ", ".join(one.type or "-" for one in head.resources or ()) or "no resources"
    if field == "resources.ARN":
        arns = [one.arn or one.arn_prefix or "-" for one in head.resources or ()]
        return ", ".join(arns) or "no resources"
    identity = head.user_identity
    values = {
        "eventCategory": head.event_category,
        "eventSource": head.event_source,
        "eventName": head.event_name,
        "eventType": head.event_type,
        "errorCode": head.error_code,
        "vpcEndpointId": head.vpc_endpoint_id,
        "sessionCredentialFromConsole": head.session_credential_from_console,
        "userIdentity.arn": identity.arn if identity else None,
    }
    return _shown(head.read_only if field == "readOnly" else values[field])


def _shown(value: str | bool | None) -> str:  # noqa: FBT001 - a value
    if value is None:
        return "nothing there"
    return str(value).lower() if isinstance(value, bool) else value
