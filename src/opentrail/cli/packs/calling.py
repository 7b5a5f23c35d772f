"""The running server's own API, as anybody's program calls it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from opentrail.app.settings import Settings
from opentrail.app.telemetry.status import is_running, read_status
from opentrail.app.wiring import first_key
from opentrail.cli.terminal import EXIT_UNKNOWN, fail
from opentrail.errors import InvalidInput, Unavailable

_TIMEOUT_SECONDS = 30


class Server:
    """Calls signed with the environment's key, or the first one of this installation."""

    def __init__(self, settings: Settings, region: str) -> None:
        self.region = region or os.environ.get("AWS_REGION") or settings.region
        self._endpoint = os.environ.get("AWS_ENDPOINT_URL") or _endpoint(settings)
        self._session = _session(settings)
        self._clients: dict[str, Any] = {}

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """The answer.

        Raises:
            InvalidInput: it was refused.
            Unavailable: the server does not answer, or cannot do it now.
        """
        with_names = f"{service} {operation}"
        try:
            answer: dict[str, Any] = getattr(self._client(service), operation)(**parameters)
        except ClientError as cause:
            error = cause.response.get("Error", {})
            told = f"{with_names}: {error.get('Code', '?')}: {error.get('Message', '')}"
            raise InvalidInput(told) from cause
        except BotoCoreError as cause:
            raise Unavailable(f"{with_names}: {cause}") from cause
        return answer

    def pages(
        self, service: str, operation: str, member: str, **parameters: Any
    ) -> Iterator[dict[str, Any]]:
        """What all pages of a list hold in `member`."""
        token: dict[str, str] = {}
        while True:
            answer = self.call(service, operation, **parameters, **token)
            yield from answer.get(member, ())
            name = next((one for one in ("nextToken", "NextToken") if answer.get(one)), "")
            if not name:
                return
            token = {name: answer[name]}

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._session.client(
                service,
                region_name=self.region,
                endpoint_url=self._endpoint,
                config=Config(
                    connect_timeout=_TIMEOUT_SECONDS,
                    read_timeout=_TIMEOUT_SECONDS,
                    retries={"total_max_attempts": 3},
                ),
            )
        return self._clients[service]


def _endpoint(settings: Settings) -> str:
    status = read_status(settings.data)
    if status is None or not is_running(status):
        fail(
            f"no server runs on {settings.data}; start it, or name it with AWS_ENDPOINT_URL",
            EXIT_UNKNOWN,
        )
    return status.endpoint


def _session(settings: Settings) -> Any:
    if os.environ.get("AWS_ACCESS_KEY_ID"):
        return boto3.session.Session()
    key = first_key(settings.data)
    return boto3.session.Session(
        aws_access_key_id=key.access_key_id, aws_secret_access_key=key.secret_access_key
    )
