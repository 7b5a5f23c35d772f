"""Public keys as the service itself tells them: ListPublicKeys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from opentrail.digest.trust import Trust, TrustedKey
from opentrail.errors import Unavailable

_LONG_AGO = datetime(2013, 1, 1, tzinfo=UTC)


def fetch_keys(region: str | None, now: datetime) -> Trust:
    """Every key of a region ever, through the endpoint and credentials of the environment.

    Raises:
        Unavailable: the service does not answer or refuses.
    """
    try:
        client = boto3.client("cloudtrail", region_name=region)
        answer = client.list_public_keys(StartTime=_LONG_AGO, EndTime=now + timedelta(hours=2))
    except (ClientError, BotoCoreError) as problem:
        raise Unavailable(f"can't list public keys: {problem}") from problem
    keys = tuple(
        TrustedKey(
            region=client.meta.region_name,
            fingerprint=key["Fingerprint"],
            value=key["Value"],
            valid_from=key["ValidityStartTime"].astimezone(UTC),
            valid_to=key["ValidityEndTime"].astimezone(UTC),
        )
        for key in answer["PublicKeyList"]
    )
    return Trust(keys=keys)
