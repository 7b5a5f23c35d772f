"""Who is behind a key: sessions, the chains of roles that lead to them, and their people."""

from opentrail.sessions.caller import Anchor, AnchorKind, Caller, anchor_of, caller_of
from opentrail.sessions.chain import Chain, follow
from opentrail.sessions.gather import Gatherer, decode_record, seen_of
from opentrail.sessions.issued import Issued, issued_by
from opentrail.sessions.person import Person, PersonKind, person_of
from opentrail.sessions.session import Seen, Session, SessionFacts, Span, session_of

__all__ = [
    "Anchor",
    "AnchorKind",
    "Caller",
    "Chain",
    "Gatherer",
    "Issued",
    "Person",
    "PersonKind",
    "Seen",
    "Session",
    "SessionFacts",
    "Span",
    "anchor_of",
    "caller_of",
    "decode_record",
    "follow",
    "issued_by",
    "person_of",
    "seen_of",
    "session_of",
]
