"""The record of a search: looking is recorded, too (PCI DSS 10.2.1.3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from opentrail.aws.call import ApiCall
from opentrail.aws.observed import ObservedCall, ObservedRequest
from opentrail.aws.routing import read_scope
from opentrail.clock import iso_seconds
from opentrail.record.principal import Principal, PrincipalType
from opentrail.recorder.recorder import Recorder
from opentrail.recording.compose import EVENT_VERSION, encode
from opentrail.recording.identity import user_identity

EVENT_SOURCE = "opentrail.amazonaws.com"
MAX_TEXT = 1024
"""Characters of a user agent, an error's message or a parameter that is text."""


class Failure(msgspec.Struct, frozen=True):
    """Why a search was refused."""

    code: str
    message: str


class SearchRecords:
    """Makes them."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def record(
        self,
        request: ObservedRequest,
        name: str,
        parameters: Mapping[str, Any] | None,
        *,
        ended: datetime,
        failure: Failure | None,
    ) -> bytes:
        """The record of a call.

        Args:
            parameters: What was asked for; None where that could not be read.
        """
        call = self._call(request, ended, believed=failure is None)
        principal = self._principal(call.scope.access_key_id) if call.scope is not None else None
        account = principal.account_id if principal is not None else ""
        alias = self._recorder.identities.account_alias(account) if account else ""
        record: dict[str, Any] = {
            "eventVersion": EVENT_VERSION,
            "userIdentity": user_identity(call, principal, alias),
            "eventTime": iso_seconds(ended),
            "eventSource": EVENT_SOURCE,
            "eventName": name,
            "awsRegion": call.region,
            "sourceIPAddress": request.peer_address,
            "userAgent": (request.header("user-agent") or "")[:MAX_TEXT],
        }
        if failure is not None:
            record |= {"errorCode": failure.code, "errorMessage": failure.message[:MAX_TEXT]}
        record |= {
            "requestParameters": parameters or None,
            "responseElements": None,
            "requestID": self._recorder.ids.request_id(),
            "eventID": self._recorder.ids.event_id(),
            "readOnly": True,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": account or self._recorder.account,
            "eventCategory": "Management",
        }
        if request.tls:
            record["tlsDetails"] = {
                "tlsVersion": request.tls[0],
                "cipherSuite": request.tls[1],
                "clientProvidedHostHeader": (request.header("host") or "")[:MAX_TEXT],
            }
        return encode(record)

    def _call(self, request: ObservedRequest, ended: datetime, *, believed: bool) -> ApiCall:
        scope = read_scope(request)
        signed = scope.region[:MAX_TEXT] if scope is not None and believed else ""
        return ApiCall(
            observed=ObservedCall(request=request, response=None, failure="", ended=ended),
            scope=scope,
            service="",
            operation=None,
            event_source=EVENT_SOURCE,
            region=signed or self._recorder.region,
            parameters=None,
            error_code="",
            error_message="",
            request_id="",
            problem="",
        )

    def _principal(self, access_key_id: str) -> Principal:
        credential = self._recorder.identities.find(access_key_id)
        if credential is None:
            return Principal(type=PrincipalType.UNKNOWN, account_id="")
        return credential.principal
