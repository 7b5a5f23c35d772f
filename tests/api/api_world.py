"""OpenTrail's API in this process, called by real boto3 clients without a socket."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
import msgspec
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from wire import observed_request

from opentrail.access.policy import Policy
from opentrail.adapters.call_counts import MemoryCallCounts
from opentrail.adapters.destinations import MemoryDestinations
from opentrail.adapters.events.memory import MemoryEventStore
from opentrail.adapters.identities import IdentityEntry
from opentrail.adapters.ids import CountingIds
from opentrail.adapters.journal import MemoryJournal
from opentrail.adapters.objects import MemoryObjectStore
from opentrail.adapters.signers import FileSigner
from opentrail.adapters.state import MemoryStateStore
from opentrail.api.authorization import ByPolicies, anyone
from opentrail.api.cloudtrail import cloudtrail_services
from opentrail.api.http import Admission, OwnServices
from opentrail.api.organizations import organizations_service
from opentrail.api.outcome import Backends, Outcome
from opentrail.api.services import Service
from opentrail.api.throttle import Throttle
from opentrail.aws.observed import ObservedRequest
from opentrail.aws.regions import aws_regions
from opentrail.clock import SystemClock
from opentrail.ports.state import Change
from opentrail.record.principal import Credential, Principal
from opentrail.trail.quotas import Quotas

ALL_MAY = json.dumps(
    {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}
)
ACCOUNT, OTHER, THIRD = "123456789012", "999999999999", "333333333333"


class OneKeyEach:
    """An Identities with a key for each of three accounts."""

    def __init__(self) -> None:
        self._keys = {
            one.access_key_id: one.credential()
            for one in (
                IdentityEntry(account=account, user="alice", user_id="AIDA1",
                              access_key_id=f"AKIA{account}", secret_access_key="secret")
                for account in (ACCOUNT, OTHER, THIRD)
            )
        }  # fmt: skip
        self.attached: dict[str, list[Policy]] = {}

    def find(self, access_key_id: str) -> Credential | None:
        return self._keys.get(access_key_id)

    def learn(self, credentials: Any) -> None: ...
    def learn_principals(self, ids: Any) -> None: ...

    def all_credentials(self) -> tuple[Credential, ...]:
        return tuple(self._keys.values())

    def account_alias(self, account_id: str) -> str:
        return ""

    def principal_id(self, arn: str) -> str:
        return ""

    def policies(self, principal: Principal) -> tuple[Policy, ...]:
        return tuple(self.attached.get(principal.arn, ()))


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Any:
        yield self._body

    def read(self, *_: Any) -> bytes:
        return self._body


@cache
def _session() -> boto3.session.Session:
    """One for all clients, each of which has its own events."""
    return boto3.session.Session()


@dataclass
class ApiWorld:
    """The service and what it stands on."""

    keys: Any
    state: MemoryStateStore = field(default_factory=MemoryStateStore)
    store: MemoryObjectStore = field(default_factory=lambda: MemoryObjectStore("audit", "second"))
    events: MemoryEventStore = field(default_factory=lambda: MemoryEventStore(SystemClock()))
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    counts: MemoryCallCounts = field(default_factory=MemoryCallCounts)
    outside: MemoryDestinations = field(default_factory=MemoryDestinations)
    quotas: Quotas = field(default_factory=Quotas)
    by_policies: bool = False
    backends: Any = None
    others: tuple[Service, ...] = ()
    keeps: bool = True

    def __post_init__(self) -> None:
        self.identities = OneKeyEach()
        for bucket in self.store.buckets:
            self.store.policies[bucket] = ALL_MAY
        self.serve()

    def limit(self, **quotas: int) -> None:
        """Serve with these quotas."""
        self.quotas = Quotas(**quotas)

    def serve(self) -> None:
        """The service anew, over what there is now."""
        self.backends = self.backends or Backends(
            state=self.state,
            store=self.store,
            signer=FileSigner(self.keys, self.state),
            events=self.events,
            counts=self.counts,
            journal=self.journal,
            destinations=self.outside.all(),
            regions=("us-east-1", "eu-west-1"),
            quotas=self.quotas,
            token_secret=b"secret",
        )
        self.backends = replace(self.backends, quotas=self.quotas)
        admission = Admission(
            identities=self.identities,
            authorize=ByPolicies(self.identities.policies) if self.by_policies else anyone,
            throttle=Throttle(self.quotas),
            regions=aws_regions() | {"my-region"},
        )
        self.service = OwnServices(
            (
                *cloudtrail_services(self.backends),
                organizations_service(self.backends),
                *self.others,
            ),
            admission=admission,
            ids=CountingIds(),
            clock=SystemClock(),
        )

    def change(self, kind: str, key: str, of: Any, change: Any) -> None:
        """A state document as `change` makes it."""
        document = self.state.get(kind, key)
        assert document is not None
        changed = change(msgspec.json.decode(document.body, type=of))
        self.state.apply([Change(kind, key, msgspec.json.encode(changed))])

    def handle(self, request: ObservedRequest) -> Outcome:
        """The answer; its changes are kept as the door would, but where a crash is played."""
        outcome = self.service.handle(request)
        if self.keeps and outcome.changes:
            self.state.apply(outcome.changes)
        if self.keeps and outcome.behind is not None:
            outcome.behind()
        return outcome

    def client(self, region: str = "us-east-1", account: str = ACCOUNT, **options: Any) -> Any:
        """A boto3 client whose requests come here."""
        client = _session().client(
            options.pop("service", "cloudtrail"),
            region_name=region,
            endpoint_url="http://127.0.0.1:4600",
            aws_access_key_id=f"AKIA{account}",
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": 1}, **options),
        )

        def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
            outcome = self.handle(observed_request(request))
            return AWSResponse(
                request.url, outcome.status, dict(outcome.headers), _Raw(outcome.body)
            )

        client.meta.events.register("before-send", answer)
        return client


def record(number: int, when: datetime, **values: Any) -> dict[str, Any]:
    """A management record."""
    usual = {
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "userName": "alice", "accessKeyId": "AKIA1"},
        "eventTime": when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "iam.amazonaws.com",
        "eventName": f"Call{number}",
        "awsRegion": "us-east-1",
        "eventID": f"id-{number}",
        "readOnly": False,
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    }
    return usual | values
