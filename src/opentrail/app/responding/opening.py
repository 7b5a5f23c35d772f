"""The outbox, the topics and the targets of an installation."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from opentrail.adapters.identities import read_file
from opentrail.adapters.outbox import SqliteOutbox
from opentrail.adapters.targets.api_call import ApiCallTarget
from opentrail.adapters.targets.calls import ServerCalls, ServerPlace
from opentrail.adapters.targets.email import EmailTarget, parse_mail_server
from opentrail.adapters.targets.function import FunctionTarget
from opentrail.adapters.targets.kinds import TargetKinds
from opentrail.adapters.targets.own_topic import OwnTopicTarget
from opentrail.adapters.targets.posting import Poster
from opentrail.adapters.targets.signing import TopicSigner, new_signing_file
from opentrail.adapters.targets.topics import OwnTopics, TrailTopics
from opentrail.adapters.targets.upstream import (
    LambdaTarget,
    LogGroupTarget,
    QueueTarget,
    UpstreamTopicTarget,
)
from opentrail.adapters.targets.webhook import WebhookTarget
from opentrail.api.services import Service
from opentrail.api.sns.backends import SnsBackends
from opentrail.api.sns.service import sns_service
from opentrail.app.responding.secret import kept_secret
from opentrail.app.responding.threads import DaemonThreads
from opentrail.app.settings import Settings
from opentrail.app.telemetry.status import is_running, read_status
from opentrail.clock import Clock
from opentrail.errors import InvalidInput
from opentrail.ports.destinations import Destinations, LogGroups
from opentrail.ports.ids import Ids
from opentrail.ports.state import StateStore
from opentrail.record.principal import Credential, Principal, PrincipalType
from opentrail.recording.responses import EVENT_SOURCE
from opentrail.targets.address import parse_networks
from opentrail.targets.notification import Seal
from opentrail.targets.webhook import parse_url, webhook_secret
from opentrail.workers.targets.keeping import OutboxKeeper
from opentrail.workers.targets.lanes import AT_ONCE
from opentrail.workers.targets.worker import TargetsWorker

IDENTITIES_FILE = "identities.toml"


Client = Callable[[str, str], Any]
"""Gives a boto3 client of an upstream: (service, region)."""

_WEBHOOK_KEY = "webhooks"
_RESPONDER_KEY = "responder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Responding:
    """Makes the parts; any process of the installation may.

    Attributes:
        master: What webhooks' secrets are worked out from.
    """

    settings: Settings
    state: StateStore
    clock: Clock
    ids: Ids
    outbox: SqliteOutbox
    signer: TopicSigner
    master: bytes = field(repr=False)

    def check(self) -> None:
        """Nothing, if the settings of targets fit.

        Raises:
            InvalidInput: one does not.
        """
        settings = self.settings
        parse_networks(settings.target_networks)
        parse_mail_server(settings.smtp_url, settings.smtp_sender)
        if settings.public_url and parse_url(settings.public_url).path != "/":
            raise InvalidInput(f"public URL {settings.public_url}: expected one without a path")

    def topics(self) -> OwnTopics:
        """OpenTrail's own topics."""
        return OwnTopics(self.state, self.outbox, seal=self._seal, ids=self.ids)

    def trail_topics(self) -> TrailTopics:
        """The same, as trails' destinations."""
        return TrailTopics(self.topics(), self.ids, self.clock)

    def secret_of(self, account_id: str, target: str) -> str:
        """The secret shared with the owner of a webhook."""
        return webhook_secret(self.master, account_id, target)

    def destinations(self, others: Destinations) -> Destinations:
        """Where trails deliver to: OpenTrail's own topics, unless an upstream is named for SNS."""
        return replace(others, topics=self.trail_topics()) if self.has_topics else others

    def sns_service(self) -> Service:
        """SNS as a service answered here."""
        return sns_service(SnsBackends(state=self.state, publisher=self.topics(), ids=self.ids))

    @property
    def has_topics(self) -> bool:
        """Whether OpenTrail answers for SNS itself."""
        return not any(one.partition("=")[0] == "sns" for one in self.settings.upstreams)

    def functions(self) -> FunctionTarget:
        """Functions that run here."""
        return FunctionTarget(self.state, self._calls())

    def responder(self) -> Credential:
        """The key that roles of functions and calls are asked for with."""
        settings = self.settings
        if settings.s3_access_key_id:  # named upstreams know no other
            key, secret = settings.s3_access_key_id, settings.s3_secret_access_key
        else:
            key, secret = "AKIAOPENTRAILRESPOND", kept_secret(self.state, _RESPONDER_KEY)
        principal = Principal(
            type=PrincipalType.AWS_SERVICE, account_id="", invoked_by=EVENT_SOURCE
        )
        return Credential(access_key_id=key, secret_access_key=secret, principal=principal)

    def worker(self, client: Client, log_groups: LogGroups) -> TargetsWorker:
        """Tries what is due."""
        threads = DaemonThreads("target", AT_ONCE)
        targets = self._targets(client, log_groups)
        return TargetsWorker(self.outbox, targets, self.clock, threads.start)

    def keeper(self) -> OutboxKeeper:
        """Forgets what is long done."""
        return OutboxKeeper(self.outbox, self.clock)

    def _targets(self, client: Client, log_groups: LogGroups) -> TargetKinds:
        settings = self.settings
        tls = ssl.create_default_context()
        calls = self._calls()
        poster = Poster(allowed=parse_networks(settings.target_networks), tls=tls)
        own_topics = OwnTopicTarget(self.topics())
        return TargetKinds(
            webhooks=WebhookTarget(poster, self.secret_of),
            emails=EmailTarget(parse_mail_server(settings.smtp_url, settings.smtp_sender), tls),
            functions=FunctionTarget(self.state, calls),
            lambdas=LambdaTarget(client),
            queues=QueueTarget(client),
            topics=own_topics if self.has_topics else UpstreamTopicTarget(client),
            log_groups=LogGroupTarget(log_groups),
            calls=ApiCallTarget(calls),
        )

    def _calls(self) -> ServerCalls:
        key = self.responder()
        place = ServerPlace(
            endpoint=lambda: server_endpoint(self.settings),
            access_key_id=key.access_key_id,
            secret_access_key=key.secret_access_key,
            known_role=self._knows_role,
            noted=self.outbox.acts_with,
            ca_bundle=self.settings.tls_certificate,
        )
        return ServerCalls(place)

    def _knows_role(self, arn: str) -> bool:
        file = read_file(self.settings.data / IDENTITIES_FILE)
        return any(role.arn == arn for role in file.roles)

    def _seal(self) -> Seal:
        return Seal(
            self.signer, self.settings.public_url.rstrip("/") or server_endpoint(self.settings)
        )


def open_responding(
    settings: Settings,
    state: StateStore,
    clock: Clock,
    ids: Ids,
    *,
    outbox: SqliteOutbox,
) -> Responding:
    """The parts under `settings.data`; the key that signs topics' messages is made once."""
    path = settings.data / "keys" / "sns.pem"
    if not path.exists():
        _write_once(path, new_signing_file(clock.now()))
    return Responding(
        settings=settings,
        state=state,
        clock=clock,
        ids=ids,
        outbox=outbox,
        signer=TopicSigner(path),
        master=kept_secret(state, _WEBHOOK_KEY).encode(),
    )


def _write_once(path: Path, content: bytes) -> None:
    """A file that only its owner reads; of two processes that make it, the first one's stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd, aside = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        os.link(aside, path)
    Path(aside).unlink()


def server_endpoint(settings: Settings) -> str:
    """Where the server listens: as it says itself, or as the settings say while it starts."""
    status = read_status(settings.data)
    if status is not None and is_running(status):
        return status.endpoint
    scheme = "https" if settings.tls_certificate else "http"
    return f"{scheme}://{settings.host}:{settings.port}"
