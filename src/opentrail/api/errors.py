"""AWS's errors: the one place that knows their codes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from opentrail.api.validate import Problem
from opentrail.aws.sigv4 import SignatureRefused
from opentrail.errors import IntegrityError, InvalidArn, InvalidInput, StateConflict, Unavailable
from opentrail.history.lookup import LookupRefused
from opentrail.selectors import InvalidEventSelectors
from opentrail.trail.names import (
    InvalidBucketName,
    InvalidPrefix,
    InvalidTrailArn,
    InvalidTrailName,
)


class ApiError(Exception):
    """An error to answer with.

    Attributes:
        code: AWS's name of the error.
        status: The HTTP status.
        members: What the error's shape has besides the message.
    """

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 400,
        *,
        members: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.members = members


CODES: dict[type[Exception], tuple[str, int]] = {
    InvalidTrailName: ("InvalidTrailNameException", 400),
    InvalidTrailArn: ("CloudTrailARNInvalidException", 400),
    InvalidArn: ("CloudTrailARNInvalidException", 400),
    InvalidBucketName: ("InvalidS3BucketNameException", 400),
    InvalidPrefix: ("InvalidS3PrefixException", 400),
    InvalidEventSelectors: ("InvalidEventSelectorsException", 400),
    StateConflict: ("ConflictException", 400),
    Unavailable: ("ServiceUnavailable", 503),
    IntegrityError: ("InternalFailure", 500),
    InvalidInput: ("ValidationException", 400),
}
"""Our errors as AWS's; the first class that fits, in this order."""


_PARAMETER = "InvalidParameterException"
_TAG = "InvalidTagParameterException"
_SELECTORS = "InvalidEventSelectorsException"

NEVER = {
    "CloudTrailInvalidClientTokenIdException": "accounts are not suspended here",
    "InactiveEventDataStoreException": "there are no event data stores yet",
    "InsufficientDependencyServiceAccessPermissionException": "no call needs rights elsewhere",
    "InsufficientIAMAccessPermissionException": "no service-linked role is needed",
    "InvalidEventDataStoreCategoryException": "there are no event data stores yet",
    "InvalidEventDataStoreStatusException": "there are no event data stores yet",
    "KmsKeyDisabledException": "AWS does not return it any more; KmsException is",
    "NoManagementAccountSLRExistsException": "no service-linked role is needed",
    "OperationNotPermittedException": "AWS tells no case of it",
    "ResourcePolicyNotFoundException": "there is no resource yet that could have a policy",
    "TrailNotProvidedException": "AWS does not return it any more",
}
"""Modelled errors of operations done here that are never returned, and why."""

MEMBER_CODES = {
    ("AddTags", "TagsList"): _TAG,
    ("CreateTrail", "TagsList"): _TAG,
    ("DeleteResourcePolicy", "ResourceArn"): "ResourceARNNotValidException",
    ("DeregisterOrganizationDelegatedAdmin", "DelegatedAdminAccountId"): _PARAMETER,
    ("GetResourcePolicy", "ResourceArn"): "ResourceARNNotValidException",
    ("ListInsightsData", "MaxResults"): _PARAMETER,
    ("ListInsightsData", "NextToken"): _PARAMETER,
    ("ListInsightsData", "InsightSource"): _PARAMETER,
    ("ListInsightsData", "Dimensions"): _PARAMETER,
    ("ListInsightsMetricData", "MaxResults"): _PARAMETER,
    ("ListInsightsMetricData", "Period"): _PARAMETER,
    ("ListInsightsMetricData", "NextToken"): _PARAMETER,
    ("LookupEvents", "EventCategory"): "InvalidEventCategoryException",
    ("LookupEvents", "LookupAttributes"): "InvalidLookupAttributesException",
    ("LookupEvents", "MaxResults"): "InvalidMaxResultsException",
    ("LookupEvents", "NextToken"): "InvalidNextTokenException",
    ("PutEventConfiguration", "AggregationConfigurations"): _PARAMETER,
    ("PutEventConfiguration", "ContextKeySelectors"): _PARAMETER,
    ("PutEventConfiguration", "MaxEventSize"): _PARAMETER,
    ("PutEventSelectors", "AdvancedEventSelectors"): _SELECTORS,
    ("PutEventSelectors", "EventSelectors"): _SELECTORS,
    ("PutInsightSelectors", "InsightSelectors"): "InvalidInsightSelectorsException",
    ("PutResourcePolicy", "ResourceArn"): "ResourceARNNotValidException",
    ("PutResourcePolicy", "ResourcePolicy"): "ResourcePolicyNotValidException",
    ("RegisterOrganizationDelegatedAdmin", "MemberAccountId"): _PARAMETER,
    ("RemoveTags", "TagsList"): _TAG,
}
"""The error of an operation for a member that does not keep a constraint of its model."""


def code_of(operation: str, problem: Problem) -> str:
    """The code for what is wrong with a request's input."""
    if problem.is_type:
        return "SerializationException"
    return MEMBER_CODES.get((operation, problem.member), "ValidationException")


def as_api_error(problem: Exception) -> ApiError:
    """The error to answer with; what is unknown becomes InternalFailure without its text."""
    if isinstance(problem, ApiError):
        return problem
    if isinstance(problem, SignatureRefused | LookupRefused):
        return ApiError(problem.code, str(problem), problem.status)
    for kind, (code, status) in CODES.items():
        if isinstance(problem, kind):
            return ApiError(code, str(problem), status)
    return ApiError("InternalFailure", "The request failed for an unknown reason.", 500)
