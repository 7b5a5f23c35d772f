"""Which operation is answered by what, and which are not yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from opentrail.api.cloudtrail.configuration import (
    get_event_configuration,
    put_event_configuration,
)
from opentrail.api.cloudtrail.history import lookup_events
from opentrail.api.cloudtrail.insights import (
    get_insight_selectors,
    list_insights_data,
    list_insights_metric_data,
    put_insight_selectors,
)
from opentrail.api.cloudtrail.keys import list_public_keys
from opentrail.api.cloudtrail.organization import (
    deregister_delegated_admin,
    register_delegated_admin,
)
from opentrail.api.cloudtrail.policies import (
    delete_resource_policy,
    get_resource_policy,
    put_resource_policy,
)
from opentrail.api.cloudtrail.selectors import get_event_selectors, put_event_selectors
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
    "DeleteResourcePolicy": delete_resource_policy,
    "DeleteTrail": delete_trail,
    "DeregisterOrganizationDelegatedAdmin": deregister_delegated_admin,
    "DescribeTrails": describe_trails,
    "GetEventConfiguration": get_event_configuration,
    "GetEventSelectors": get_event_selectors,
    "GetInsightSelectors": get_insight_selectors,
    "GetResourcePolicy": get_resource_policy,
    "GetTrail": get_trail,
    "GetTrailStatus": get_trail_status,
    "ListInsightsData": list_insights_data,
    "ListInsightsMetricData": list_insights_metric_data,
    "ListPublicKeys": list_public_keys,
    "ListTags": list_tags,
    "ListTrails": list_trails,
    "LookupEvents": lookup_events,
    "PutEventConfiguration": put_event_configuration,
    "PutEventSelectors": put_event_selectors,
    "PutInsightSelectors": put_insight_selectors,
    "PutResourcePolicy": put_resource_policy,
    "RegisterOrganizationDelegatedAdmin": register_delegated_admin,
    "RemoveTags": remove_tags,
    "StartLogging": start_logging,
    "StopLogging": stop_logging,
    "UpdateTrail": update_trail,
}

NOT_YET = frozenset(
    {*service_model("cloudtrail").operation_names, "PutAuditEvents"} - HANDLERS.keys()
)
"""Operations that answer UnsupportedOperationException."""
