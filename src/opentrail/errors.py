"""The one tree of errors: the caller's fault, contradicted bytes, or something outside.

Only `opentrail.api.errors` knows the AWS error codes these become.
"""

from __future__ import annotations


class OpenTrailError(Exception):
    """Anything OpenTrail raises on purpose."""


class InvalidInput(OpenTrailError):
    """The caller's fault; never retried."""


class InvalidArn(InvalidInput):
    """A text that should be an ARN is not one."""


class IntegrityError(OpenTrailError):
    """Bytes contradict a hash, a signature or a chain; never retried, always told."""


class Unavailable(OpenTrailError):
    """Something outside does not answer or refuses; retried with back-off.

    Attributes:
        code: The outside system's own word for it (`NoSuchBucket`, `AccessDenied`), "" if none.
    """

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class StateConflict(OpenTrailError):
    """Somebody else changed the document since it was read; read again and decide again."""
