"""CloudTrail as a service answered here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from opentrail.api.cloudtrail.operations import HANDLERS
from opentrail.api.errors import code_of
from opentrail.api.outcome import Backends, Caller
from opentrail.api.services import Service, bound
from opentrail.trail.names import trail_arn

_TRAIL_MEMBERS = ("Name", "TrailName", "ResourceId", "ResourceArn", "InsightSource")
"""Members of requests that name the resource an action is about."""

_ON_ALL = frozenset(
    {"DescribeTrails", "ListTrails", "ListPublicKeys", "LookupEvents", "ListChannels"}
)
"""Operations whose actions are not about one resource."""


def cloudtrail_services(backends: Backends) -> tuple[Service, Service]:
    """`cloudtrail`, and `cloudtrail-data`."""
    return (
        Service(
            name="cloudtrail",
            model="cloudtrail",
            answers=bound(HANDLERS, backends),
            code_of=code_of,
            resources=_resources,
        ),
        Service(name="cloudtrail-data", model="cloudtrail-data", answers={}),
    )


def _resources(operation: str, parameters: Mapping[str, Any], caller: Caller) -> Iterable[str]:
    if operation in _ON_ALL:
        return ("*",)
    listed = parameters.get("ResourceIdList")
    if isinstance(listed, list) and listed:
        return [str(one) for one in listed]
    for member in _TRAIL_MEMBERS:
        name = parameters.get(member)
        if isinstance(name, str) and name:
            named = name.startswith("arn:")
            return (name if named else trail_arn(caller.region, caller.account_id, name),)
    return ("*",)
