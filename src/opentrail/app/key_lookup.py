"""Whose an unknown access key is, asked of the services behind the endpoint.

STS tells a key's account (GetAccessKeyInfo), IAM its user's name (GetAccessKeyLastUsed). What they
answer is learned like a key whose making was seen; a key that they do not know is asked about
again only after a while.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import structlog
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from opentrail.ports.identities import Identities
from opentrail.record.principal import Credential, Principal, PrincipalType

LONGEST_SECONDS = 2.0
"""A call's answer waits this long for the look-up, once for each key."""

ASK_AGAIN_SECONDS = 300.0
KEYS_REMEMBERED = 10_000

_log = structlog.get_logger()

Answers = Callable[[str], tuple[str, str]]
"""An access key id to (account, user name); "" for what is not known."""


class KeyLookup:
    """Asks, and remembers what could not be found."""

    def __init__(self, identities: Identities, answers: Answers) -> None:
        self._identities = identities
        self._answers = answers
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="lookup")
        self._asked: dict[str, float] = {}

    async def look_up(self, access_key_id: str) -> None:
        """Learn whose the key is, if anybody knows; never raises."""
        now = time.monotonic()
        if now - self._asked.get(access_key_id, -ASK_AGAIN_SECONDS) < ASK_AGAIN_SECONDS:
            return
        if len(self._asked) >= KEYS_REMEMBERED:
            self._asked.clear()
        self._asked[access_key_id] = now
        loop = asyncio.get_running_loop()
        asking = loop.run_in_executor(self._threads, self._learn, access_key_id)
        try:
            await asyncio.wait_for(asyncio.shield(asking), LONGEST_SECONDS)
        except Exception as problem:  # noqa: BLE001 - the call is recorded all the same
            _log.warning("key_not_looked_up", access_key_id=access_key_id, problem=repr(problem))

    def _learn(self, access_key_id: str) -> None:
        account, user = self._answers(access_key_id)
        if not account:
            return
        arn = f"arn:aws:iam::{account}:user/{user}" if user else ""
        principal = Principal(
            type=PrincipalType.IAM_USER if user else PrincipalType.UNKNOWN,
            account_id=account,
            principal_id=self._identities.principal_id(arn) if arn else "",
            arn=arn,
            user_name=user,
        )
        key = Credential(access_key_id=access_key_id, secret_access_key="", principal=principal)
        self._identities.learn((key,))


def upstream_answers(sts_endpoint: str, iam_endpoint: str, region: str, key: Credential) -> Answers:
    """Asks the services at these endpoints, with `key`."""

    def client(service: str, endpoint: str) -> Any:
        return boto3.session.Session().client(
            service,
            region_name=region,
            endpoint_url=endpoint,
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret_access_key,
            config=Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 1}),
        )

    sts, iam = client("sts", sts_endpoint), client("iam", iam_endpoint)

    def answers(access_key_id: str) -> tuple[str, str]:
        account = user = ""
        try:
            account = str(sts.get_access_key_info(AccessKeyId=access_key_id).get("Account") or "")
            told = iam.get_access_key_last_used(AccessKeyId=access_key_id)
            user = str(told.get("UserName") or "")
        except (ClientError, BotoCoreError) as problem:
            _log.info("key_not_known", access_key_id=access_key_id, problem=str(problem))
        return account, user

    return answers
