"""Which operation is answered by what, and which are not yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from opentrail.api.cloudtrail.history import lookup_events
from opentrail.api.cloudtrail.keys import list_public_keys
from opentrail.api.cloudtrail.selectors import (
    get_event_selectors,
    get_insight_selectors,
    put_event_selectors,
)
from opentrail.api.cloudtrail.status import get_trail_status, start_logging, stop_logging
from opentrail.api.cloudtrail.tags import add_tags, list_tags, remove_tags
from opentrail.api.cloudtrail.trails import (
    create_trail,
    delete_trail,
    describe_trails,
    get_trail,
    list_trails,
    update_trail,
)
from opentrail.api.outcome import Backends, Caller, Reply
from opentrail.aws.models import service_model

Handler = Callable[[Mapping[str, Any], Caller, Backends], Reply]

HANDLERS: dict[str, Handler] = {
    "AddTags": add_tags,
    "CreateTrail": create_trail,
    "DeleteTrail": delete_trail,
    "DescribeTrails": describe_trails,
    "GetEventSelectors": get_event_selectors,
    "GetInsightSelectors": get_insight_selectors,
    "GetTrail": get_trail,
    "GetTrailStatus": get_trail_status,
    "ListPublicKeys": list_public_keys,
    "ListTags": list_tags,
    "ListTrails": list_trails,
    "LookupEvents": lookup_events,
    "PutEventSelectors": put_event_selectors,
    "RemoveTags": remove_tags,
    "StartLogging": start_logging,
    "StopLogging": stop_logging,
    "UpdateTrail": update_trail,
}

NOT_YET = frozenset(
    {*service_model("cloudtrail").operation_names, "PutAuditEvents"} - HANDLERS.keys()
)
"""Operations that answer UnsupportedOperationException."""


def may_change(operation: str) -> bool:
    """Whether the operation could change something."""
    return operation in HANDLERS and not operation.startswith(("Describe", "Get", "List", "Lookup"))
