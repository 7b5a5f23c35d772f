"""AWS's errors: the one place that knows their codes."""

from __future__ import annotations

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
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


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


MEMBER_CODES = {
    ("AddTags", "TagsList"): "InvalidTagParameterException",
    ("CreateTrail", "TagsList"): "InvalidTagParameterException",
    ("LookupEvents", "EventCategory"): "InvalidEventCategoryException",
    ("LookupEvents", "LookupAttributes"): "InvalidLookupAttributesException",
    ("LookupEvents", "MaxResults"): "InvalidMaxResultsException",
    ("LookupEvents", "NextToken"): "InvalidNextTokenException",
    ("PutEventSelectors", "AdvancedEventSelectors"): "InvalidEventSelectorsException",
    ("PutEventSelectors", "EventSelectors"): "InvalidEventSelectorsException",
    ("RemoveTags", "TagsList"): "InvalidTagParameterException",
}
"""The error of an operation for a member that does not fit its model."""


def code_of_problem(operation: str, problem: str) -> str:
    """The code for a problem that api.validate found (it begins with the member's name)."""
    member = problem.partition(" ")[0].partition(".")[0]
    return MEMBER_CODES.get((operation, member), "ValidationException")


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
