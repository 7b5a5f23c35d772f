"""Which fields of a record are columns, and how their values are told apart.

A column holds for each event a code: 0 the field is absent, 1 what it holds can't be told by one
text (an object, several values), from 2 on the texts in the order of their UTF-8 bytes.
"""

from __future__ import annotations

Path = tuple[str, ...]

ABSENT = 0
COMPLEX = 1
FIRST = 2
"""The code of the first text."""

_TOP = (
    "eventVersion",
    "eventSource",
    "eventName",
    "eventType",
    "eventCategory",
    "awsRegion",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "readOnly",
    "managementEvent",
    "recipientAccountId",
    "vpcEndpointId",
)
_IDENTITY = (
    "type",
    "principalId",
    "arn",
    "accountId",
    "accessKeyId",
    "userName",
    "invokedBy",
    "sessionContext.sessionIssuer.arn",
    "sessionContext.sessionIssuer.userName",
    "sessionContext.sourceIdentity",
    "sessionContext.attributes.mfaAuthenticated",
    "sessionContext.attributes.creationDate",
)
TOP_PATHS: tuple[Path, ...] = tuple((name,) for name in _TOP)
IDENTITY_PATHS: tuple[Path, ...] = tuple(("userIdentity", *name.split(".")) for name in _IDENTITY)
SINGLE_PATHS = TOP_PATHS + IDENTITY_PATHS

USERNAME: Path = ("lookup", "Username")
"""What LookupEvents shows as user name: made from the identity."""

LIST_PATHS: tuple[Path, ...] = (("resources", "ARN"), ("resources", "type"))
"""Fields of any number of texts; code 1 stands for an entry that has no text."""

RESOURCE_NAME: Path = ("lookup", "ResourceName")
RESOURCE_TYPE: Path = ("lookup", "ResourceType")
LOOKUP_PATHS = (RESOURCE_NAME, RESOURCE_TYPE)
"""What LookupEvents shows as resources: made from the record."""

TEXTS_OF: dict[Path, Path] = {LIST_PATHS[0]: RESOURCE_NAME, LIST_PATHS[1]: RESOURCE_TYPE}
"""Fields whose texts are kept together with another's: all ARNs are names, too."""

HASHED_PATHS: tuple[Path, ...] = (("eventID",), ("requestID",), ("sharedEventID",))
"""Fields of nearly as many texts as events: only a hash is kept, 0 for absent."""
