"""An object's bytes become records, byte for byte, and what is no record is told.

(1) Decompress, never more than allowed. (2) A log file as CloudTrail writes it is split at once;
its records are looked at one by one only when the whole looks suspicious. (3) Other JSON documents
are opened by what they hold. (4) Lines. (5) What is no document is scanned for whole records.
Objects larger than a piece are read piece by piece.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace

import msgspec
from msgspec import Raw

from opentrail.imports.elements import (
    NOT_A_RECORD,
    are_notifications,
    looks_like_record,
    take_message,
    take_record,
    take_value,
)
from opentrail.imports.found import LIMITS, MAX_QUARANTINED, Form, Limits, ReadObject, Sieve
from opentrail.imports.inflating import Piece, plain_pieces
from opentrail.imports.judging import is_suspicious, refusal, too_large
from opentrail.imports.keys import KeyKind, read_key
from opentrail.imports.pieces import PieceCutter
from opentrail.imports.scanning import START, Scan

_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SLACK_BYTES = 64
"""A log file has no more around its records than this; else another list may hide in it."""

_EXPORT_LINE = re.compile(rb"\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:?\d\d)?(?:[ \t]+[^\s{]+)?[ \t]+")
_FAILURES = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)


class _LogFile(msgspec.Struct):
    records: list[Raw] = msgspec.field(name="Records")


_log_file = msgspec.json.Decoder(_LogFile)
_array = msgspec.json.Decoder(list[Raw])
_value = msgspec.json.Decoder(Raw)
_lines = msgspec.json.Decoder(Raw).decode_lines
_SPACE = b" \t\r\n"


def read_pieces(
    key: str, content: bytes, limits: Limits = LIMITS, *, hash_plain: bool = False
) -> Iterator[ReadObject]:
    """Everything in an object, in pieces of bounded size, at least one; nothing in it raises."""
    expected = read_key(key).kind is KeyKind.LOG_FILE
    digest = hashlib.sha256() if hash_plain else None
    cutter: PieceCutter | None = None
    first: Form | None = None
    for piece in plain_pieces(content, limits):
        if digest is not None:
            digest.update(piece.content)
        if piece.member and first is Form.RECORDS:
            read = _trailing_member(piece)
        elif cutter is None and piece.last:
            read = read_document(piece.content, limits, expected=expected)
        else:
            cutter = cutter or PieceCutter(limits)
            document, shift = cutter.feed(piece.content, last=piece.last)
            read = _shifted(read_document(document, limits, expected=expected), shift)
            cutter = None if piece.last else cutter
        first = first or read.form
        yield _finished(read, piece, digest.hexdigest() if digest and piece.last else "")


def _trailing_member(piece: Piece) -> ReadObject:
    sieve = Sieve()
    if piece.content:
        sieve.refuse(-1, piece.content, "a second gzip member behind a log file")
    return sieve.result(Form.RECORDS, len(piece.content))


def _shifted(read: ReadObject, shift: int) -> ReadObject:
    moved = tuple(
        one if one.offset < 0 else replace(one, offset=one.offset + shift)
        for one in read.quarantined
    )
    return replace(read, quarantined=moved)


def _finished(read: ReadObject, piece: Piece, plain_sha256: str) -> ReadObject:
    """With the hash, and with what is wrong about the compression."""
    if plain_sha256:
        read = replace(read, plain_sha256=plain_sha256)
    if not piece.problem or (read.quarantined and not piece.rest):
        return read
    sieve = Sieve(quarantined=list(read.quarantined))
    sieve.refuse(-1, piece.rest, piece.problem)
    form = Form.DAMAGED if read.skipped else read.form
    return replace(read, form=form, quarantined=tuple(sieve.quarantined), skipped="")


def read_document(plain: bytes, limits: Limits = LIMITS, *, expected: bool = False) -> ReadObject:
    """What one document, after decompression, holds.

    Args:
        expected: Its key says that it is a log file: without records it is a finding.
    """
    sieve = Sieve()
    if _take_log_file(plain, sieve, limits):
        return sieve.result(Form.RECORDS, len(plain))
    text = _from_utf16(plain) if plain.startswith(_UTF16) else plain
    offset = len(_BOM) if text.startswith(_BOM) else 0
    if offset:
        text = text[offset:]
        if _take_log_file(text, sieve, limits):
            return sieve.result(Form.RECORDS, len(plain))
    form = _take_other(text, sieve, limits)
    if not expected and not sieve.raws and _is_foreign(form, sieve):
        return Sieve().result(Form.UNKNOWN, len(plain))
    return _shifted(sieve.result(form, len(plain)), offset)


def _is_foreign(form: Form, sieve: Sieve) -> bool:
    """Whether a document without records never was of CloudTrail."""
    if form is Form.DAMAGED:
        return not any(START.search(one.content) for one in sieve.quarantined)
    return all(one.reason == NOT_A_RECORD for one in sieve.quarantined) and form in {
        Form.RECORD,
        Form.UNKNOWN,
        Form.ARRAY,
        Form.LINES,
        Form.LOG_EXPORT,
        Form.LOG_EVENTS,
    }


def _from_utf16(plain: bytes) -> bytes:
    return plain.decode("utf-16", "replace").encode("utf-8", "replace")


def _take_log_file(plain: bytes, sieve: Sieve, limits: Limits) -> bool:
    """(2) The document that CloudTrail writes; False if it is another."""
    try:
        records = _log_file.decode(plain).records
    except _FAILURES:
        return False
    raws = [bytes(raw) for raw in records]
    slack = len(plain) - sum(map(len, raws)) - len(raws)
    if slack > _SLACK_BYTES and _has_two_lists(plain):
        return False
    if are_notifications(raws):
        return False
    take_split(plain, raws, sieve, limits)
    return True


def _has_two_lists(text: bytes) -> bool:
    """Whether a JSON object has `Records` twice: readers would differ in which they take."""
    if text.count(b'"Records"') < 2:
        return False
    keys = json.loads(text, object_pairs_hook=lambda pairs: [key for key, _ in pairs])
    return isinstance(keys, list) and keys.count("Records") > 1


def take_split(plain: bytes, raws: list[bytes], sieve: Sieve, limits: Limits) -> None:
    """Put records into `sieve` that msgspec could split and `plain` holds."""
    odd = any(raw[0] != 0x7B for raw in raws)
    if not odd and not too_large(raws, limits) and not is_suspicious(plain, len(raws), limits):
        sieve.raws += raws
        return
    place = 0
    for raw in raws:
        place = plain.find(raw, place)
        if raw[0] != 0x7B or too_large((raw,), limits) or is_suspicious(raw, 1, limits):
            take_record(raw, sieve, limits, offset=place)
        else:
            sieve.raws.append(raw)
        place += len(raw)


def _take_other(text: bytes, sieve: Sieve, limits: Limits) -> Form:
    """(3) to (5)."""
    start = text.lstrip(_SPACE)[:1]
    if not start:
        return Form.EMPTY
    if start == b"{":
        return _take_object(text, sieve, limits)
    if start == b"[":
        return _take_array(text, sieve, limits)
    if _EXPORT_LINE.match(text.lstrip(_SPACE)):
        return _take_export(text, sieve, limits)
    if START.search(text):
        return _scan(text, sieve, limits)
    sieve.refuse(0, text, "no JSON")
    return Form.DAMAGED


def _take_object(text: bytes, sieve: Sieve, limits: Limits) -> Form:
    try:
        _value.decode(text)
    except _FAILURES:
        return _take_lines(text, sieve, limits)
    if _has_two_lists(text):
        head = text.index(b'"Records"')
        return _scan(b" " * head + text[head:], sieve, limits)
    return take_value(text.strip(_SPACE), sieve, limits, offset=0)


def _take_array(text: bytes, sieve: Sieve, limits: Limits) -> Form:
    try:
        raws = [bytes(raw) for raw in _array.decode(text)]
    except _FAILURES:
        return _scan(text, sieve, limits)
    return _take_all(text, raws, sieve, limits, Form.ARRAY)


def _take_lines(text: bytes, sieve: Sieve, limits: Limits) -> Form:
    """(4) One JSON value a line; else (5)."""
    try:
        raws = [bytes(raw) for raw in _lines(text)]
    except _FAILURES:
        return _scan(text, sieve, limits)
    return _take_all(text, raws, sieve, limits, Form.LINES)


def _take_all(text: bytes, raws: list[bytes], sieve: Sieve, limits: Limits, form: Form) -> Form:
    """Records that stand beside each other, or whatever carries them."""
    if all(raw[0] == 0x7B and looks_like_record(raw) for raw in raws):
        take_split(text, raws, sieve, limits)
        return form if raws else Form.EMPTY
    forms: set[Form] = set()
    place = 0
    for raw in raws:
        place = text.find(raw, place)
        forms.add(take_value(raw, sieve, limits, offset=place))
        place += len(raw)
    return forms.pop() if len(forms) == 1 and Form.RECORD not in forms else form


def _take_export(text: bytes, sieve: Sieve, limits: Limits) -> Form:
    """Lines of a CloudWatch Logs export task: a time, a blank, the message."""
    place = 0
    for line in text.split(b"\n"):
        stamp = _EXPORT_LINE.match(line)
        begin = stamp.end() if stamp else 0
        message = line[begin:].strip(_SPACE)
        if message:
            take_message(message, sieve, limits, offset=place + begin)
        place += len(line) + 1
    return Form.LOG_EXPORT


def _scan(text: bytes, sieve: Sieve, limits: Limits) -> Form:
    """(5) Whole records in what is no document."""
    scan = Scan(
        text, lambda raw, sure: _problem(raw, limits, sure=sure), longest=limits.record_bytes
    )
    for span in scan.spans():
        raw = text[span.start : span.end]
        if sieve.more > MAX_QUARANTINED:
            break  # all of it counts as damaged: it holds no log
        if span.problem:
            sieve.refuse(span.start, raw, span.problem)
        else:
            take_value(raw, sieve, limits, offset=span.start)
    if not sieve.raws and not sieve.quarantined:
        sieve.refuse(0, text, "damaged")
    return Form.DAMAGED


def _problem(raw: bytes, limits: Limits, *, sure: bool) -> str:
    problem = refusal(raw, limits)
    return problem or ("" if sure or looks_like_record(raw) else "damaged")
