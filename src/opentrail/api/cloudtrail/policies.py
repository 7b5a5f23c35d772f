"""Resource policies: of channels, event data stores and dashboards, of which there are none yet.

Source: spec: api, section 12.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from opentrail.access.policy import InvalidPolicy, parse_policy
from opentrail.api.errors import ApiError
from opentrail.api.outcome import Backends, Caller, Reply

Parameters = Mapping[str, Any]

_ARN = re.compile(
    r"arn:aws[a-z-]*:cloudtrail:[a-z0-9-]+:\d{12}:"
    r"(?P<kind>trail|channel|eventdatastore|dashboard)/[A-Za-z0-9._/-]+"
)


def get_resource_policy(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:  # noqa: ARG001 - a handler's
    """The policy of a resource; nothing that may have one exists yet."""
    raise _not_found(parameters["ResourceArn"])


def delete_resource_policy(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:  # noqa: ARG001 - a handler's
    """A resource without its policy; nothing that may have one exists yet."""
    raise _not_found(parameters["ResourceArn"])


def put_resource_policy(parameters: Parameters, caller: Caller, backends: Backends) -> Reply:  # noqa: ARG001 - a handler's
    """A resource with a policy; nothing that may have one exists yet."""
    problem = _not_found(parameters["ResourceArn"])
    if problem.code == "ResourceNotFoundException":
        try:
            parse_policy(parameters["ResourcePolicy"])
        except InvalidPolicy as cause:
            raise ApiError("ResourcePolicyNotValidException", str(cause)) from None
    raise problem


def _not_found(arn: str) -> ApiError:
    found = _ARN.fullmatch(arn)
    if found is None:
        return ApiError(
            "ResourceARNNotValidException",
            f"{arn!r} is not the ARN of a channel, an event data store or a dashboard.",
        )
    if found["kind"] == "trail":
        return ApiError("ResourceTypeNotSupportedException", "A trail has no resource policy.")
    return ApiError("ResourceNotFoundException", f"Unknown resource: {arn}")
