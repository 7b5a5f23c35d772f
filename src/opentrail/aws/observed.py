"""What passes a door: one request and its answer, as bytes, before anything is decoded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec

Headers = tuple[tuple[str, str], ...]
"""(name as received, value without surrounding blanks), in the order received."""

_NOT_GIVEN: Mapping[str, str] = MappingProxyType({})


class ObservedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it came.

    Attributes:
        target: The request target exactly as on the request line (`/b/k%20x?acl`).
        body: The bytes captured, at most the door's limit; transfer coding removed.
        body_length: How many body bytes passed in all; larger than `len(body)` if cut.
        first_headers: The first value of each header by its name in lower case; made of `headers`
            unless given.
        tls: Version and cipher suite of the connection; () if it is not encrypted here.
    """

    method: str
    target: str
    headers: Headers
    body: bytes
    body_length: int
    peer_address: str
    started: datetime
    first_headers: Mapping[str, str] = _NOT_GIVEN
    tls: tuple[str, str] | tuple[()] = ()

    def __post_init__(self) -> None:
        if self.first_headers is _NOT_GIVEN:
            msgspec.structs.force_setattr(self, "first_headers", first_headers(self.headers))

    def header(self, name: str) -> str | None:
        """The first value of the header `name` (given in lower case), None if absent."""
        return self.first_headers.get(name)

    @property
    def raw_path(self) -> str:
        """The part of the target before `?`, still percent-encoded."""
        return self.target.partition("?")[0]

    @property
    def raw_query(self) -> str:
        """The part of the target after `?`, still percent-encoded; "" if none."""
        return self.target.partition("?")[2]


class ObservedResponse(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as it came; `body`, `body_length` and `first_headers` as in ObservedRequest."""

    status: int
    headers: Headers
    body: bytes
    body_length: int
    first_headers: Mapping[str, str] = _NOT_GIVEN

    def __post_init__(self) -> None:
        if self.first_headers is _NOT_GIVEN:
            msgspec.structs.force_setattr(self, "first_headers", first_headers(self.headers))

    def header(self, name: str) -> str | None:
        """The first value of the header `name` (given in lower case), None if absent."""
        return self.first_headers.get(name)


class ObservedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A request and what became of it.

    Attributes:
        response: None when no answer came.
        failure: Why no (whole) answer came, in words for `errorMessage`; "" if one came.
        ended: When the answer's last byte was there, or the failure was seen.
        failure_code: The error code of a call without any answer.
    """

    request: ObservedRequest
    response: ObservedResponse | None
    failure: str
    ended: datetime
    failure_code: str = "BadGateway"


def first_headers(headers: Headers) -> dict[str, str]:
    """The first value of each header by its name in lower case."""
    # Of equal names the first one stays: it is written last.
    return {name.lower(): value for name, value in reversed(headers)}
