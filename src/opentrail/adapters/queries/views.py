"""Which rows of a segment a log group shows, by what its trails take.

A trail decides by a few fields, and those few repeat: each combination that occurs is asked once.
Where the records' own resources decide, and where records are of an unusual shape, each is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from opentrail.adapters.events.finding import Blocks
from opentrail.adapters.events.segments.columns import COMPLEX_HASH
from opentrail.adapters.events.segments.schema import ABSENT, COMPLEX, FIRST, IDENTITY_PATHS
from opentrail.adapters.events.segments.schema import Path as FieldPath
from opentrail.adapters.events.segments.segment import Segment
from opentrail.record import RecordHead
from opentrail.record.contents import UserIdentity
from opentrail.trail.feeds import MOST_RECORD_BYTES, FeedSpan, FeedView
from opentrail.trail.trail import Trail

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]

_ACCOUNT, _REGION, _CATEGORY = ("recipientAccountId",), ("awsRegion",), ("eventCategory",)
_ALWAYS: tuple[FieldPath, ...] = (_ACCOUNT, _REGION, _CATEGORY, ("eventSource",), ("readOnly",))
_BY_FIELD: dict[str, FieldPath] = {
    "eventName": ("eventName",),
    "eventType": ("eventType",),
    "errorCode": ("errorCode",),
    "vpcEndpointId": ("vpcEndpointId",),
    "userIdentity.arn": ("userIdentity", "arn"),
}
_DECIDING = frozenset({"eventCategory", "eventSource", "readOnly", *_BY_FIELD})
"""Fields of selectors that columns tell."""
_BY_COLUMNS = frozenset({"Management", "Data", "NetworkActivity"})
"""Categories that trails take by such fields and by nothing else."""
_TRUTH = {"true": True, "false": False}


def shown_rows(segment: Segment, rows: Rows, odd: Rows, spans: Sequence[FeedSpan]) -> Mask:
    """Of those rows, which any of the spans shows.

    Args:
        odd: Rows of the segment whose records are of an unusual shape.
    """
    found = np.zeros(len(rows), np.bool_)
    sequences = segment.sequences(rows)
    for span in spans:
        within = (sequences >= span.sequence_from) & ~found
        if span.sequence_before is not None:
            within &= sequences < span.sequence_before
        places = np.flatnonzero(within)
        if len(places):
            found[places] = _taken(segment, rows[places], odd, span)
    return found & (segment.arrays["lengths"][rows] <= MOST_RECORD_BYTES)


def odd_rows(segment: Segment, *, has_file: bool) -> Rows:
    """Rows whose record the open file holds whole.

    Raises:
        FileNotFoundError: the segment was joined with others.
    """
    if not has_file:
        return np.arange(segment.entry.rows)
    column = pq.read_table(segment.parquet, columns=["record"]).column("record")
    found: Rows = np.flatnonzero(column.is_valid().to_numpy())
    return found


def _taken(segment: Segment, rows: Rows, odd: Rows, span: FeedSpan) -> Mask:
    trail = span.trail
    paths = [*_ALWAYS, *_fields_of(trail)]
    combined, places = _combinations(segment, rows, paths)
    taker = trail.taker()
    decided = categories_decided(trail)
    answers = np.zeros(len(places), np.bool_)
    unsure = np.zeros(len(places), np.bool_)
    for number, row in enumerate(rows[places].tolist()):
        codes = {path: int(segment.codes(path)[row]) for path in paths}
        texts = {path: _text(segment, path, code) for path, code in codes.items()}
        if COMPLEX in codes.values() or texts[_CATEGORY] not in decided:
            unsure[number] = True
        else:
            answers[number] = texts[_REGION] is not None and taker(_head(texts))
    found = answers[combined] & _has_usual_ids(segment, rows)
    shows = span_shows(segment, span)
    asked_rows = unsure[combined] | np.isin(rows, odd) | _has_unusual_identity(segment, rows)
    for place in np.flatnonzero(asked_rows).tolist():
        found[place] = shows(int(rows[place]))
    return found


def _fields_of(trail: Trail) -> list[FieldPath]:
    used = {
        field.field
        for selector in trail.advanced_event_selectors
        for field in selector.field_selectors
    }
    return [path for name, path in _BY_FIELD.items() if name in used]


def categories_decided(trail: Trail) -> frozenset[str]:
    """Categories whose records the columns here decide; all others are asked themselves."""
    asked = {"Data"} if any(one.data_resources for one in trail.event_selectors) else set()
    for selector in trail.advanced_event_selectors:
        fields = {one.field: one for one in selector.field_selectors}
        if not fields.keys() <= _DECIDING:
            asked |= set(fields["eventCategory"].equals)
    return _BY_COLUMNS - asked


def _combinations(segment: Segment, rows: Rows, paths: Iterable[FieldPath]) -> tuple[Rows, Rows]:
    """For each row the number of its combination of texts; for each of those a place in `rows`."""
    numbers = np.zeros(len(rows), np.int64)
    many = 1
    for path in paths:
        codes = segment.codes(path)[rows].astype(np.int64)
        count = len(segment.texts(path)) + FIRST
        if many * count > 2**62:
            _, numbers = np.unique(numbers, return_inverse=True)
            many = len(rows)
        numbers = numbers * count + codes
        many *= count
    _, places, combined = np.unique(numbers, return_index=True, return_inverse=True)
    return combined, places


def _text(segment: Segment, path: FieldPath, code: int) -> str | None:
    return segment.texts(path)[code - FIRST] if code >= FIRST else None


def _head(texts: dict[FieldPath, str | None]) -> RecordHead:
    """A record of which only what decides is known."""
    arn = texts.get(_BY_FIELD["userIdentity.arn"])
    return RecordHead(
        event_id="",
        event_time="",
        event_version="",
        aws_region=texts[_REGION] or "",
        event_type=texts.get(("eventType",)),
        event_category=texts[_CATEGORY],
        event_source=texts[("eventSource",)],
        event_name=texts.get(("eventName",)),
        user_identity=UserIdentity(arn=arn),
        read_only=_TRUTH.get(texts[("readOnly",)] or ""),
        recipient_account_id=texts[_ACCOUNT],
        error_code=texts.get(("errorCode",)),
        vpc_endpoint_id=texts.get(("vpcEndpointId",)),
    )


def _has_usual_ids(segment: Segment, rows: Rows) -> Mask:
    """Records without an id or a version are none that a trail takes."""
    versions = segment.codes(("eventVersion",))[rows] >= FIRST
    kinds = segment.arrays["kind:eventID"][rows] > COMPLEX_HASH
    found: Mask = versions & kinds
    return found


def _has_unusual_identity(segment: Segment, rows: Rows) -> Mask:
    """Whether it is, or holds, what no identity does: a trail takes no such record.

    Of an identity that is no object no text is known, as of one that is not there.
    """
    has_complex, has_none = np.zeros(len(rows), np.bool_), np.ones(len(rows), np.bool_)
    for path in IDENTITY_PATHS:
        codes = segment.codes(path)[rows]
        has_complex |= codes == COMPLEX
        has_none &= codes == ABSENT
    return has_complex | has_none


def span_shows(segment: Segment, span: FeedSpan) -> Callable[[int], bool]:
    """Whether a span shows a row, by its record."""
    view, blocks = FeedView([span]), Blocks(segment)

    def shows(row: int) -> bool:
        sequence = int(segment.sequences(np.array([row]))[0])
        return view.stream(sequence, blocks.at(row)) is not None

    return shows
