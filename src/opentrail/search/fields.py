"""The fields that a filter may name: CloudTrail's paths, short names for some, and two of ours.

Sources: AWS CloudTrail user guide, "CloudTrail record contents", "userIdentity element", "Insights
fields", "Aggregated events" and "Integration event schema"; `person` and `session` are ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from opentrail.search.invalid import InvalidFilter, shown


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    Attributes:
        meaning: One line.
        open: Any path below it is a field too: what is there differs from service to service.
    """

    path: tuple[str, ...]
    meaning: str
    open: bool = False


def _fields(table: str) -> Iterator[Field]:
    """The fields of `name: meaning` lines; deeper indentation is below, `*` after a name: open."""
    above: list[str] = []
    for line in table.strip("\n").splitlines():
        name, _, meaning = line.strip().partition(": ")
        level = (len(line) - len(line.lstrip())) // 2
        above[level:] = [name.rstrip("*")]
        yield Field(tuple(above), meaning, name.endswith("*"))


_RECORD = """
eventVersion: version of the record's format, such as 1.11
eventTime: when the call completed, UTC, such as 2026-07-01T09:00:00Z
eventSource: service that was called, such as s3.amazonaws.com
eventName: what was called, such as GetObject
awsRegion: region the call was made to
sourceIPAddress: address of the caller, or the name of an AWS service
userAgent: program of the caller
errorCode: why the call failed
errorMessage: the failure in words
requestParameters*: what the call was given
responseElements*: what the call changed or gave back
additionalEventData*: what fits nowhere else
requestID: id the service gave the caller
eventID: id of the record
eventType: AwsApiCall, AwsServiceEvent, AwsConsoleAction, AwsConsoleSignIn, AwsVpceEvent …
apiVersion: version of the service's API
managementEvent: true for a management event
readOnly: true where nothing was changed
resources: the resources touched, an array
  ARN: ARN of the resource
  ARNPrefix: start of the ARNs that a listing touched
  accountId: account that owns the resource
  type: such as AWS::S3::Object
recipientAccountId: account that received the record
serviceEventDetails*: what happened inside a service
sharedEventID: the same for the copies of one event in several accounts
vpcEndpointId: VPC endpoint that the call went through
vpcEndpointAccountId: account that owns the VPC endpoint
eventCategory: Management, Data, NetworkActivity, Insight, Aggregated, ActivityAuditLog …
annotation: a remark on the record
addendum: why the record came late or again
  reason: DELIVERY_DELAY, UPDATED_DATA or SERVICE_OUTAGE
  updatedFields: fields that the record corrects
  originalRequestID: requestID of the record corrected
  originalEventID: eventID of the record corrected
  originalUID: UID of the record corrected
sessionCredentialFromConsole: true where the credentials come from a console session
edgeDeviceDetails*: device of S3 on Outposts
tlsDetails: the connection's encryption
  tlsVersion: such as TLSv1.3
  cipherSuite: such as TLS_AES_128_GCM_SHA256
  clientProvidedHostHeader: host name the caller asked for
  keyExchange: such as x25519
eventContext*: condition keys and tags, where enrichment is on
userIdentity: who made the call
  type: IAMUser, AssumedRole, Root, AWSService, AWSAccount, FederatedUser …
  principalId: unique id of the caller
  arn: ARN of the caller
  accountId: account of the caller
  accessKeyId: access key that signed the call
  userName: name of the caller; absent for assumed roles
  invokedBy: AWS service that made the call
  identityProvider: who vouched for a federated caller
  credentialId: id of a bearer token
  invokedByDelegate: delegate that acted
    accountId: account of the delegate
  onBehalfOf: person of IAM Identity Center
    userId: id of the person
    identityStoreArn: ARN of the identity store
  inScopeOf: what the credentials were issued for
    sourceArn: ARN of the source
    sourceAccount: account of the source
    issuerType: such as AWS::Lambda::Function
    credentialsIssuedTo: ARN the credentials were issued to
  sessionContext: session of temporary credentials
    sourceIdentity: identity set when the first role was assumed
    ec2RoleDelivery: version of the instance metadata service, 1.0 or 2.0
    ec2IssuedInVpc: VPC of the instance
    assumedRoot: true for a session of AssumeRoot
    attributes: how the session came to be
      creationDate: when the credentials were issued
      mfaAuthenticated: true where a second factor was shown
    sessionIssuer: who the credentials were issued for
      type: Role, IAMUser or Root
      principalId: unique id of the issuer
      arn: ARN of the issuer
      accountId: account of the issuer
      userName: name of the role or user
    webIdFederationData: web identity that the role was assumed with
      federatedProvider: who vouched for the web identity
      attributes*: claims of the web identity
insightDetails: an unusual rate
  state: Start or End
  eventSource: service whose rate is unusual
  eventName: what was called unusually often or rarely
  errorCode: error whose rate is unusual
  insightType: ApiCallRateInsight or ApiErrorRateInsight
  insightContext: figures of the rate
    statistics: rates per minute
      baseline: usual rate
        average: calls or errors per minute
      insight: unusual rate
        average: calls or errors per minute
      insightDuration: minutes
      baselineDuration: minutes
    attributions: who and what stands out, an array
      attribute: userIdentityArn, userAgent or errorCode
      insight: values during the unusual rate
        value: a value
        average: its rate per minute
      baseline: values before
        value: a value
        average: its rate per minute
insightSource: ARN of the event data store, in Insights records of CloudTrail Lake
insightState: Start or End, in CloudTrail Lake
insightEventSource: service whose rate is unusual, in CloudTrail Lake
insightEventName: what was called, in CloudTrail Lake
insightErrorCode: error whose rate is unusual, in CloudTrail Lake
insightType: kind of Insight, in CloudTrail Lake
insightContext*: figures of the rate, in CloudTrail Lake
accountId: account of an aggregated event
eventId: id of an aggregated event
timeWindow: time that an aggregated event covers
  windowStart: inclusive
  windowEnd: exclusive
  windowSize: such as PT5M
summary: counts of an aggregated event
  primaryDimension: what was counted
    dimension: eventName, resourceARN or userIdentity
    aggregationType: Count
    statistics: counts
      name: value of the dimension
      value: how often
  details: further counts, an array
    dimension: such as sourceIpAddress
    aggregationType: Count
    statistics: counts
      name: value of the dimension
      value: how often
metadata: how an event from outside AWS came in
  ingestionTime: when it came in
  channelARN: ARN of the channel
eventData*: an event from outside AWS, as PutAuditEvents was given it
"""

_OURS = """
person: who is behind the call, through every chain of roles and keys
session: id of the session that the call belongs to
"""

FIELDS: tuple[Field, ...] = (*_fields(_RECORD), *_fields(_OURS))
"""Every field known, parents before their members."""

ALIASES: dict[str, tuple[str, ...]] = {
    "agent": ("userAgent",),
    "account": ("recipientAccountId",),
    "bucket": ("requestParameters", "bucketName"),
    "category": ("eventCategory",),
    "error": ("errorCode",),
    "ip": ("sourceIPAddress",),
    "identity": ("userIdentity", "arn"),
    "key": ("userIdentity", "accessKeyId"),
    "region": ("awsRegion",),
    "resource": ("resources", "ARN"),
    "role": ("userIdentity", "sessionContext", "sessionIssuer", "arn"),
    "service": ("eventSource",),
    "time": ("eventTime",),
    "user": ("userIdentity", "userName"),
}
"""Short names; each stands for exactly one path."""

_BY_PATH = {field.path: field for field in FIELDS}
_LEVELS = max(len(field.path) for field in FIELDS)
_SUGGESTIONS = 3
_LONGEST_COMPARED = 200
"""Longer names get no suggestions: comparing costs the square of the length."""


def is_known(path: tuple[str, ...]) -> bool:
    """Whether a record may have the field, an alias not counted."""
    if path in _BY_PATH:
        return True
    parents = (_BY_PATH.get(path[:length]) for length in range(1, min(len(path), _LEVELS + 1)))
    return any(parent is not None and parent.open for parent in parents)


def check_path(path: tuple[str, ...], offset: int = 0) -> None:
    """Nothing, for a known field.

    Args:
        offset: Where the field stands in the filter's text.

    Raises:
        InvalidFilter: no such field; the message names the nearest.
    """
    if is_known(path):
        return
    near = nearest(path)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise InvalidFilter(f"unknown field {shown('.'.join(path))}{hint}", offset=offset)


def nearest(path: tuple[str, ...]) -> tuple[str, ...]:
    """At most three fields or aliases that look like `path`, the likeliest first."""
    wanted = ".".join(path)
    if len(wanted) > _LONGEST_COMPARED:
        return ()
    folded: dict[str, list[str]] = {}
    for candidate in _candidates(path):
        folded.setdefault(candidate.casefold(), []).append(candidate)
    name = wanted.casefold()
    if name in folded:
        return tuple(dict.fromkeys(folded[name]))
    ends = [one for same in folded for one in folded[same] if same.endswith("." + name)]
    close = get_close_matches(name, folded, n=_SUGGESTIONS, cutoff=0.6)
    found = [*sorted(ends, key=len), *(one for same in close for one in folded[same])]
    return tuple(dict.fromkeys(found))[:_SUGGESTIONS]


def _candidates(path: tuple[str, ...]) -> Iterator[str]:
    """What could be meant: every field and alias but what `path` is below of already."""
    for field in FIELDS:
        if field.open and len(path) > len(field.path):
            yield ".".join((*field.path, *path[len(field.path) :]))
        if field.path != path[: len(field.path)]:
            yield ".".join(field.path)
    for alias, meant in ALIASES.items():
        yield alias
        yield ".".join(meant)
