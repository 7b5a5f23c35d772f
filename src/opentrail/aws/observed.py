"""What passes a door: one request and its answer, as bytes, before anything is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

Headers = tuple[tuple[str, str], ...]
"""(name as received, value without surrounding blanks), in the order received."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedRequest:
    """A request as it came.

    Attributes:
        target: The request target exactly as on the request line (`/b/k%20x?acl`).
        body: The bytes captured, at most the door's limit; transfer coding removed.
        body_length: How many body bytes passed in all; larger than `len(body)` if cut.
    """

    method: str
    target: str
    headers: Headers
    body: bytes
    body_length: int
    peer_address: str
    started: datetime

    def header(self, name: str) -> str | None:
        """The first value of the header `name` (given in lower case), None if absent."""
        for key, value in self.headers:
            if key.lower() == name:
                return value
        return None

    @property
    def raw_path(self) -> str:
        """The part of the target before `?`, still percent-encoded."""
        return self.target.partition("?")[0]

    @property
    def raw_query(self) -> str:
        """The part of the target after `?`, still percent-encoded; "" if none."""
        return self.target.partition("?")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedResponse:
    """An answer as it came; `body` and `body_length` as in ObservedRequest."""

    status: int
    headers: Headers
    body: bytes
    body_length: int

    def header(self, name: str) -> str | None:
        """The first value of the header `name` (given in lower case), None if absent."""
        for key, value in self.headers:
            if key.lower() == name:
                return value
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedCall:
    """A request and what became of it.

    Attributes:
        response: None when no answer came.
        failure: Why no (whole) answer came, in words for `errorMessage`; "" if one came.
        ended: When the answer's last byte was there, or the failure was seen.
    """

    request: ObservedRequest
    response: ObservedResponse | None
    failure: str
    ended: datetime
