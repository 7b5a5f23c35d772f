"""What this installation knows of its own digests: keys, chain heads, files not digested yet."""

from __future__ import annotations

from pathlib import Path

import msgspec

from opentrail.adapters.signers import FileSigner
from opentrail.adapters.state import SqliteStateStore
from opentrail.clock import Clock
from opentrail.digest.chain_state import HEAD_KIND, ChainHead
from opentrail.digest.trust import Trust, TrustedKey
from opentrail.logfile.delivered import DELIVERED_KIND, DeliveredLogFile
from opentrail.logfile.outgoing import OUTGOING_KIND, OutgoingLogFile
from opentrail.ports.state import StateStore


def has_state(data: Path) -> bool:
    """Whether `data` is an installation's directory."""
    return (data / "state.sqlite").exists()


def open_state(data: Path) -> StateStore:
    """The state of an installation."""
    return SqliteStateStore(data / "state.sqlite")


def local_trust(data: Path, state: StateStore, clock: Clock) -> Trust:
    """Everything a verifier can know from the installation itself."""
    keys = tuple(
        TrustedKey(
            region=key.region,
            fingerprint=key.fingerprint,
            value=key.value,
            valid_from=key.valid_from,
            valid_to=key.valid_to,
        )
        for key in FileSigner(data / "keys", state).all_keys()
    )
    heads = tuple(
        msgspec.json.decode(document.body, type=ChainHead) for document in state.list(HEAD_KIND)
    )
    return Trust(
        keys=keys, heads=heads, undigested=tuple(sorted(waiting(state))), taken=clock.now()
    )


def waiting(state: StateStore) -> frozenset[str]:
    """Keys of log files on their way, or delivered and not digested yet."""
    outgoing = {
        msgspec.json.decode(document.body, type=OutgoingLogFile).key
        for document in state.list(OUTGOING_KIND)
    }
    delivered = {
        msgspec.json.decode(document.body, type=DeliveredLogFile).key
        for document in state.list(DELIVERED_KIND)
    }
    return frozenset(outgoing | delivered)
