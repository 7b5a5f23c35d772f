"""The services that OpenTrail answers itself: their models, and who answers which operation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from opentrail.api.errors import ApiError
from opentrail.api.outcome import Caller, Reply
from opentrail.api.validate import Problem
from opentrail.errors import InvalidInput

Parameters = Mapping[str, Any]

MAX_BODY_BYTES = 1024 * 1024
Answer = Callable[[Parameters, Caller], Reply]
_Backends = TypeVar("_Backends")

READING = ("Describe", "Get", "List", "Lookup", "Filter", "Test", "Search")
"""What names of operations begin with that change nothing."""


def not_yet(operation: str) -> ApiError:
    """The error for an operation that OpenTrail does not answer yet."""
    return ApiError(
        "UnsupportedOperationException", f"{operation} is not implemented by OpenTrail yet."
    )


def bound(
    handlers: Mapping[str, Callable[[Parameters, Caller, _Backends], Reply]],
    backends: _Backends,
    *,
    invalid: str = "",
) -> dict[str, Answer]:
    """The handlers of a service, each given what it works with.

    Args:
        invalid: The service's code for an input that a handler refuses with InvalidInput; "": as
            any error.
    """
    return {name: _bound(handler, backends, invalid) for name, handler in handlers.items()}


def _bound(
    handler: Callable[[Parameters, Caller, _Backends], Reply], backends: _Backends, invalid: str
) -> Answer:
    def answer(parameters: Parameters, caller: Caller) -> Reply:
        try:
            return handler(parameters, caller, backends)
        except InvalidInput as problem:
            if not invalid:
                raise
            raise ApiError(invalid, str(problem)) from None

    return answer


def any_resource(operation: str, parameters: Parameters, caller: Caller) -> Iterable[str]:  # noqa: ARG001 - as Service.resources
    """Rights are asked for without naming a resource."""
    return ("*",)


def no_roles(operation: str, parameters: Parameters) -> Iterable[str]:  # noqa: ARG001 - as Service.passes
    """No role is given to the service."""
    return ()


def plain_code(operation: str, problem: Problem) -> str:  # noqa: ARG001 - as Service.code_of
    """The code of most services for input that does not keep the model's constraints."""
    return "SerializationException" if problem.is_type else "ValidationException"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service that is answered here.

    Attributes:
        name: Its signing name, which is also the prefix of its IAM actions.
        model: botocore's name of it.
        answers: By operation; others of the model answer `refused`.
        refused: The error for an operation that is not answered.
        code_of: The error's name for an input that breaks the model: (operation, problem); it
            raises an ApiError where AWS's message is another than usual.
        resources: The ARNs that rights are asked for: (operation, what is sent, caller).
        passes: The ARNs of roles that the service is to act with: the caller must have the right
            to pass them (iam:PassRole), or rules would do for it what it may not.
        max_body_bytes: Of a request as it is sent.
    """

    name: str
    model: str
    answers: Mapping[str, Answer]
    refused: Callable[[str], ApiError] = not_yet
    code_of: Callable[[str, Problem], str] = plain_code
    resources: Callable[[str, Parameters, Caller], Iterable[str]] = any_resource
    passes: Callable[[str, Parameters], Iterable[str]] = no_roles
    max_body_bytes: int = MAX_BODY_BYTES

    def answer(self, operation: str) -> Answer:
        """Who answers.

        Raises:
            ApiError: nobody does.
        """
        found = self.answers.get(operation)
        if found is None:
            raise self.refused(operation)
        return found

    def may_change(self, operation: str) -> bool:
        """Whether the operation could change something; such calls do not run side by side."""
        return operation in self.answers and not operation.startswith(READING)
