"""Secrets of an installation, made when they are first needed."""

from __future__ import annotations

import secrets
from contextlib import suppress

from opentrail.errors import StateConflict
from opentrail.ports.state import Change, StateStore

SECRET_KIND = "secret"  # noqa: S105 - a kind of document


def kept_secret(state: StateStore, key: str) -> str:
    """The secret of that name; of two processes that make it, the first one's stays."""
    document = state.get(SECRET_KIND, key)
    if document is None:
        made = Change(SECRET_KIND, key, secrets.token_hex(20).encode(), expected=0)
        with suppress(StateConflict):
            state.apply([made])
        document = state.get(SECRET_KIND, key)
        assert document is not None
    return document.body.decode()
