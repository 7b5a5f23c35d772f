"""Calls of AWS: at the upstreams with OpenTrail's own key, or at the server with a role's.

What is called with a role goes through the server itself, so that AssumeRole and the call are
recorded like anybody's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    DataNotFoundError,
    ParamValidationError,
    UnknownServiceError,
)

from opentrail.errors import InvalidInput, Unavailable

TIMEOUT_SECONDS = 20
SESSION_PREFIX = "opentrail-"
"""What names of sessions begin with; the delivery's id follows."""


_CONFIG = Config(
    connect_timeout=5,
    read_timeout=TIMEOUT_SECONDS,
    retries={"total_max_attempts": 1},
    s3={"addressing_style": "path"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleKey:
    """A session's key."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPlace:
    """Where the server is, and who asks it for roles.

    Attributes:
        endpoint: Its URL now; raises Unavailable while it does not run.
        ca_bundle: PEM file to know it by, "" for the usual authorities.
        known_role: Whether a role's ARN stands in the identities file.
        noted: Told of each session's key before it is used: (delivery id, access key id).
    """

    endpoint: Callable[[], str]
    access_key_id: str
    secret_access_key: str = field(repr=False)
    known_role: Callable[[str], bool]
    noted: Callable[[str, str], None]
    ca_bundle: str = ""


class ServerCalls:
    """Makes clients of the server."""

    def __init__(self, place: ServerPlace) -> None:
        self._place = place
        self._session = boto3.session.Session()
        self._lock = threading.Lock()
        """Of the session: clients may be used by many threads, sessions may not."""

    @property
    def endpoint(self) -> str:
        """The server's URL.

        Raises:
            Unavailable: it does not run.
        """
        return self._place.endpoint()

    @property
    def ca_bundle(self) -> str:
        """PEM file to know the server by, "" for the usual authorities."""
        return self._place.ca_bundle

    def assume(self, role: str, delivery_id: str, region: str) -> RoleKey:
        """A key of a session of the role, for one delivery.

        Raises:
            InvalidInput: the identities file has no such role.
            Unavailable: STS does not give one.
        """
        if not self._place.known_role(role):
            raise InvalidInput(f"role {role[:200]} is not in the identities file")
        own = RoleKey(
            access_key_id=self._place.access_key_id,
            secret_access_key=self._place.secret_access_key,
            session_token="",
        )
        with told(f"assume {role}"):
            answer = self.client("sts", region, own).assume_role(
                RoleArn=role, RoleSessionName=f"{SESSION_PREFIX}{delivery_id}"[:64]
            )
        found = answer["Credentials"]
        key = RoleKey(
            access_key_id=found["AccessKeyId"],
            secret_access_key=found["SecretAccessKey"],
            session_token=found["SessionToken"],
        )
        self._place.noted(delivery_id, key.access_key_id)
        return key

    def client(self, service: str, region: str, key: RoleKey) -> Any:
        """A boto3 client of the server; it never tries twice by itself.

        Raises:
            InvalidInput: botocore knows no such service.
            Unavailable: the server does not run.
        """
        endpoint = self._place.endpoint()
        try:
            with self._lock:
                return self._session.client(
                    service,
                    region_name=region,
                    endpoint_url=endpoint,
                    aws_access_key_id=key.access_key_id,
                    aws_secret_access_key=key.secret_access_key,
                    aws_session_token=key.session_token or None,
                    verify=self._place.ca_bundle or None,
                    config=_CONFIG,
                )
        except (UnknownServiceError, DataNotFoundError, ValueError) as cause:
            raise InvalidInput(f"{service[:100]!r} is no service of AWS: {cause}") from cause


@contextmanager
def told(what: str) -> Iterator[None]:
    """Errors of botocore in the port's words: what another try may help against is Unavailable."""
    try:
        yield
    except ParamValidationError as cause:
        raise InvalidInput(f"can't {what}: {cause}") from cause
    except ClientError as cause:
        code = str(cause.response.get("Error", {}).get("Code", ""))
        status = int(cause.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        message = f"can't {what}: {code}: {cause.response.get('Error', {}).get('Message', '')}"
        if status >= 500 or status == 429 or "Throttl" in code or code == "RequestLimitExceeded":
            raise Unavailable(message, code=code) from cause
        raise CallRefused(message, code) from cause
    except BotoCoreError as cause:
        raise Unavailable(f"can't {what}: {cause}", code=type(cause).__name__) from cause


class CallRefused(InvalidInput):
    """AWS answered that it will not do it.

    Attributes:
        code: Its word for it.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code
