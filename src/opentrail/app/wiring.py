"""Ports meet adapters: what every process of an installation is made of."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from opentrail.adapters.call_counts import FILE_NAME as COUNTS_FILE
from opentrail.adapters.call_counts import SqliteCallCounts
from opentrail.adapters.destinations import AwsDestinations, AwsPlace
from opentrail.adapters.events import SegmentEventReader, SegmentEventStore
from opentrail.adapters.events.catalog import Catalog
from opentrail.adapters.findings import FILE_NAME as FINDINGS_FILE
from opentrail.adapters.findings import SqliteFindings
from opentrail.adapters.identities import (
    DirectoryIdentities,
    IdentityEntry,
    make_default,
    read_file,
)
from opentrail.adapters.ids import SystemIds
from opentrail.adapters.intents import FileIntents
from opentrail.adapters.journal import (
    SecondDiskJournal,
    SegmentJournalReader,
    SegmentJournalWriter,
)
from opentrail.adapters.objects import EnvelopeObjectStore, S3ObjectStore, S3Place
from opentrail.adapters.outbox import FILE_NAME as OUTBOX_FILE
from opentrail.adapters.outbox import SqliteOutbox
from opentrail.adapters.rule_files import RuleDirectory
from opentrail.adapters.sessions import FILE_NAME as SESSIONS_FILE
from opentrail.adapters.sessions import SqliteSessionIndex
from opentrail.adapters.signers import FileSigner
from opentrail.adapters.spool import LocalSpool
from opentrail.adapters.state import SqliteStateStore
from opentrail.api.authorization import Authorizer, ByPolicies, anyone
from opentrail.api.cloudtrail import cloudtrail_services
from opentrail.api.events import EventsBackends, events_service
from opentrail.api.http import Admission, OwnServices
from opentrail.api.organizations import organizations_service
from opentrail.api.outcome import Backends
from opentrail.api.services import Service
from opentrail.api.throttle import Throttle
from opentrail.app.responding.opening import Responding, open_responding
from opentrail.app.responding.secret import kept_secret
from opentrail.app.searching.asking import Searching
from opentrail.app.searching.people import PeopleFields
from opentrail.app.settings import Settings
from opentrail.app.watching import AlarmParts
from opentrail.app.watching.log_groups import LogGroupParts, open_log_groups
from opentrail.aws.regions import aws_regions
from opentrail.clock import Clock, SystemClock
from opentrail.errors import InvalidInput
from opentrail.history.retention import parse_retention
from opentrail.insights.baseline import SENSITIVITIES
from opentrail.ports.destinations import Destinations
from opentrail.ports.events import EventReader
from opentrail.ports.objects import ObjectStore
from opentrail.ports.state import StateStore
from opentrail.record.principal import Credential, Principal, PrincipalType
from opentrail.recorder.recorder import Recorder, RecorderOptions
from opentrail.recorder.signatures import Signatures, parse_signature_checks
from opentrail.recording import Redaction
from opentrail.trail.quotas import Quotas, parse_quotas
from opentrail.workers.chains import ChainKeeper
from opentrail.workers.delivery import FOLLOWER, DeliverySettings, DeliveryWorker
from opentrail.workers.digests import DigestSettings, DigestWorker
from opentrail.workers.events import EventsKeeper, EventsWorker
from opentrail.workers.insights import InsightsWorker
from opentrail.workers.notifications import NotificationWorker
from opentrail.workers.rules import FOLLOWER as RULES
from opentrail.workers.rules import Publisher, RulesWorker, ScheduleWorker
from opentrail.workers.sending import SendingWorker
from opentrail.workers.sessions import SessionsWorker
from opentrail.workers.sigma import SigmaWorker

_DELIVERY_KEY = "delivery"
_TOKEN_KEY = "page_token"  # noqa: S105 - a key of a document


@dataclass(frozen=True, slots=True)
class Outside:
    """Where trails deliver to.

    Attributes:
        client: Gives a boto3 client of an upstream: (service, region).
    """

    store: ObjectStore
    destinations: Destinations
    client: Callable[[str, str], Any]


@dataclass(frozen=True, slots=True)
class Parts:
    """What an installation's processes share, by way of its directory."""

    settings: Settings
    state: StateStore
    identities: DirectoryIdentities
    journal_reader: SegmentJournalReader
    clock: Clock
    ids: SystemIds

    def open_journal(self) -> SegmentJournalWriter:
        """The journal, for its one writer."""
        return SegmentJournalWriter(self.settings.data / "journal")

    def open_intents(self) -> FileIntents:
        """The gateway's intents, for their one writer."""
        return FileIntents(self.settings.data / "intents")

    def second_disk(self) -> SecondDiskJournal | None:
        """Where records wait in mode `spool`; None if the settings name no directory."""
        if not self.settings.spool:
            return None
        directory = Path(self.settings.spool) / "opentrail-spool"
        return SecondDiskJournal(directory, limit_bytes=self.settings.spool_bytes)

    def recorder(self) -> Recorder:
        """Makes records of observed calls."""
        return Recorder(
            self.identities,
            self.ids,
            default_account=default_account(self.settings.data),
            default_region=self.settings.region,
            options=RecorderOptions(
                signatures=self.signatures(),
                redaction=redaction(self.settings),
                keep_omitted=self._keep_omitted if self.settings.keep_omitted else None,
            ),
        )

    def signatures(self) -> Signatures | None:
        """The check of signatures; None if no service's are to be checked.

        Raises:
            InvalidInput: a setting does not fit.
        """
        named = parse_signature_checks(self.settings.signature_checks)
        return Signatures(named, self.identities, self.clock) if named else None

    def _keep_omitted(self, sha256: str, content: bytes) -> None:
        write_once(self.settings.data / "omitted" / f"{sha256}.json", content)

    def outside(self, endpoint: Callable[[str], str]) -> Outside:
        """What trails deliver to, at the upstreams that `endpoint` names by service."""
        settings = self.settings
        key, secret = settings.s3_access_key_id, settings.s3_secret_access_key
        if not key:
            delivery = delivery_credential(self.state)
            key, secret = delivery.access_key_id, delivery.secret_access_key
        store = S3ObjectStore(
            S3Place(
                endpoint=endpoint("s3"),
                region=settings.region,
                access_key_id=key,
                secret_access_key=secret,
            )
        )
        place = AwsPlace(
            endpoint=endpoint,
            region=settings.region,
            access_key_id=key,
            secret_access_key=secret,
        )
        services = AwsDestinations(place)
        own_topics = self.responding().destinations(services.all())
        destinations = self.log_groups().destinations(own_topics)
        # The embedded store knows no KMS.
        own = settings.encryption == "auto" and not settings.upstreams
        encrypts = own or settings.encryption == "envelope"
        return Outside(
            EnvelopeObjectStore(store, destinations.keys, encrypts=encrypts),
            destinations,
            services.client,
        )

    def responding(self) -> Responding:
        """What OpenTrail does on its own: topics, functions, targets."""
        return open_responding(
            self.settings, self.state, self.clock, self.ids, outbox=self.outbox()
        )

    def log_groups(self) -> LogGroupParts:
        """CloudWatch Logs' groups, and what becomes of their events."""
        return open_log_groups(
            self.settings, self.state, self.journal_reader, self.clock, self.outbox()
        )

    def signer(self) -> FileSigner:
        """The signing keys of digests."""
        return FileSigner(self.settings.data / "keys", self.state)

    def authorizer(self) -> Authorizer:
        """Decides who may do what."""
        by_policies = self.settings.authorization == "policies"
        return ByPolicies(self.identities.policies) if by_policies else anyone

    def own_services(self, outside: Outside, events: EventReader) -> OwnServices:
        """OpenTrail's own API."""
        backends = Backends(
            state=self.state,
            store=outside.store,
            signer=self.signer(),
            events=events,
            counts=self.call_counts(),
            journal=self.journal_reader,
            destinations=outside.destinations,
            regions=self.settings.regions,
            quotas=parse_quotas(self.settings.quotas),
            checks_bucket_policies=self.settings.bucket_policies == "check",
            token_secret=kept_secret(self.state, _TOKEN_KEY).encode(),
        )
        admission = Admission(
            identities=self.identities,
            authorize=self.authorizer(),
            throttle=Throttle(backends.quotas),
            regions=aws_regions() | {self.settings.region, *self.settings.regions},
        )
        services = (
            *cloudtrail_services(backends),
            organizations_service(backends),
            self._events_service(backends.quotas),
            self.responding().sns_service(),
            self.alarms().service(),
            self.log_groups().service(events),
        )
        return OwnServices(services, admission=admission, ids=self.ids, clock=self.clock)

    def _events_service(self, quotas: Quotas) -> Service:
        outbox = self.outbox()
        publisher = Publisher(state=self.state, outbox=outbox, clock=self.clock)
        return events_service(
            EventsBackends(
                state=self.state,
                journal=self.journal_reader,
                place=lambda: outbox.place(RULES),
                publish=publisher.publish,
                ids=self.ids,
                quotas=quotas,
            )
        )

    def outbox(self) -> SqliteOutbox:
        """What is on its way to targets."""
        return SqliteOutbox(self.settings.data / OUTBOX_FILE)

    def rules_worker(self) -> RulesWorker:
        """Brings records to the targets of event rules."""
        return RulesWorker(
            journal=self.journal_reader, state=self.state, outbox=self.outbox(), clock=self.clock
        )

    def schedule_worker(self) -> ScheduleWorker:
        """Fires scheduled rules."""
        return ScheduleWorker(state=self.state, outbox=self.outbox(), clock=self.clock)

    def alarms(self) -> AlarmParts:
        """Metrics, alarms and dashboards."""
        return AlarmParts(
            data=self.settings.data, state=self.state, outbox=self.outbox(), clock=self.clock
        )

    def findings(self) -> SqliteFindings:
        """What Sigma rules found."""
        return SqliteFindings(self.settings.data / FINDINGS_FILE)

    def sigma_worker(self) -> SigmaWorker:
        """Asks Sigma rules of records."""
        return SigmaWorker(
            journal=self.journal_reader,
            rules=RuleDirectory(self.settings.data / "rules"),
            findings=self.findings(),
            outbox=self.outbox(),
            state=self.state,
            clock=self.clock,
        )

    def delivery_worker(self) -> DeliveryWorker:
        """Closes log files."""
        interval = timedelta(seconds=self.settings.delivery_interval_seconds)
        return DeliveryWorker(
            journal=self.journal_reader,
            state=self.state,
            spool=LocalSpool(self.settings.data / "spool"),
            clock=self.clock,
            ids=self.ids,
            settings=DeliverySettings(
                interval=interval,
                log_views=self.log_groups().is_own,
                needed_from=self.log_groups().needed_from(self.events().place),
            ),
        )

    def sending_worker(self, outside: Outside) -> SendingWorker:
        """Brings log files to their buckets and log groups."""
        return SendingWorker(
            state=self.state,
            spool=LocalSpool(self.settings.data / "spool"),
            store=outside.store,
            log_groups=outside.destinations.log_groups,
            clock=self.clock,
            log_views=self.log_groups().views(),
        )

    def notification_worker(self, outside: Outside) -> NotificationWorker:
        """Tells topics of delivered log files."""
        topics = outside.destinations.topics
        return NotificationWorker(state=self.state, topics=topics, clock=self.clock)

    def chain_keeper(self) -> ChainKeeper:
        """Opens and closes digest chains."""
        return ChainKeeper(
            state=self.state,
            clock=self.clock,
            regions=self.settings.regions,
            follower=FOLLOWER,
            needed_from=self.log_groups().needed_from(self.events().place),
        )

    def digest_worker(self, store: ObjectStore) -> DigestWorker:
        """Writes digests."""
        interval = timedelta(seconds=int(self.settings.digest_interval_seconds))
        return DigestWorker(
            state=self.state,
            store=store,
            signer=self.signer(),
            clock=self.clock,
            settings=DigestSettings(interval=interval),
        )

    def events(self) -> SegmentEventReader:
        """Every event recorded or imported, to be searched."""
        return open_event_reader(self.settings)

    def events_worker(self, store: SegmentEventStore) -> EventsWorker:
        """Brings records into the store of events."""
        feeds = self.log_groups().feeds(store.sequence_end)
        return EventsWorker(self.journal_reader, store, self.clock, feeds)

    def sessions_worker(self) -> SessionsWorker:
        """Learns who is behind which key."""
        index = SqliteSessionIndex(self.settings.data / SESSIONS_FILE)
        return SessionsWorker(self.events(), index, self.clock)

    def call_counts(self) -> SqliteCallCounts:
        """How often each API was called, and what was unusual about it."""
        return SqliteCallCounts(self.settings.data / COUNTS_FILE)

    def insights_worker(self) -> InsightsWorker:
        """Finds unusual rates."""
        return InsightsWorker(
            events=self.events(),
            counts=self.call_counts(),
            state=self.state,
            clock=self.clock,
            sensitivity=SENSITIVITIES[self.settings.insight_sensitivity],
        )

    def events_keeper(self, store: SegmentEventStore) -> EventsKeeper:
        """Joins small segments and forgets what is too old."""
        return EventsKeeper(store, self.clock, parse_retention(self.settings.event_retention))

    def embedded_credentials(self) -> tuple[Credential, ...]:
        """Every key that the embedded S3 shall accept."""
        return (*self.identities.all_credentials(), delivery_credential(self.state))


def open_parts(settings: Settings) -> Parts:
    """The parts under `settings.data`; a new directory gets one account, user and key.

    Raises:
        InvalidInput: the identities file can't be understood.
    """
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = identities_path(settings.data)
    if not path.exists():
        make_default(path)
    state = SqliteStateStore(settings.data / "state.sqlite")
    return Parts(
        settings=settings,
        state=state,
        identities=DirectoryIdentities(path, state),
        journal_reader=SegmentJournalReader(settings.data / "journal"),
        clock=SystemClock(),
        ids=SystemIds(),
    )


def open_event_reader(settings: Settings) -> SegmentEventReader:
    """The store of events, for searching."""
    return SegmentEventReader(settings.data / "events")


def open_searching(settings: Settings, events: EventReader | None = None) -> Searching:
    """What every search of events goes through, whoever asks: command line and HTTP.

    Args:
        events: The store, if it is open already.
    """
    rewrite = PeopleFields(settings.data / SESSIONS_FILE)
    return Searching(events or open_event_reader(settings), rewrite)


def store_place(settings: Settings) -> tuple[int | None, int]:
    """How far the journal is in the store of events, and the end of the store's sequences then."""
    catalog = Catalog(settings.data / "events" / "catalog.sqlite")
    try:
        place = catalog.place()
        while True:
            end = catalog.sequence_end()
            later = catalog.place()
            if later == place:
                return place, end
            place = later
    finally:
        catalog.close()


def open_event_store(settings: Settings) -> SegmentEventStore:
    """The store of events, for writing; others may write, too."""
    return SegmentEventStore(settings.data / "events", SystemClock())


def redaction(settings: Settings) -> Redaction:
    """How secrets are hidden; the key of their digests is made when it is first needed."""
    key = b""
    if settings.secrets == "digest":
        path = settings.data / "keys" / "redaction"
        if not path.exists():
            write_once(path, secrets.token_bytes(32))
        key = path.read_bytes()
    return Redaction(digest_key=key, show_sensitive=settings.sensitive == "show")


def write_once(path: Path, content: bytes) -> None:
    """A file that only its owner reads, durable on return; one that is there stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists():
        return
    aside = path.with_suffix(".part")
    fd = os.open(aside, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    aside.rename(path)


def identities_path(data: Path) -> Path:
    """Where the identities file of a data directory is."""
    return data / "identities.toml"


def default_account(data: Path) -> str:
    """The account of the first key: unknown and anonymous callers are recorded there."""
    return first_key(data).account


def first_key(data: Path) -> IdentityEntry:
    """The first key of the identities file.

    Raises:
        InvalidInput: there is none.
    """
    entries = read_file(identities_path(data)).entries
    if not entries:
        raise InvalidInput(
            f"{identities_path(data)} holds no key; make one with: opentrail keys create"
        )
    return entries[0]


def delivery_credential(state: StateStore) -> Credential:
    """The key that log files are delivered with; made once, known to the embedded S3 alone."""
    return Credential(
        access_key_id="AKIAOPENTRAILDELIVER",
        secret_access_key=kept_secret(state, _DELIVERY_KEY),
        principal=Principal(type=PrincipalType.UNKNOWN, account_id=""),
    )
