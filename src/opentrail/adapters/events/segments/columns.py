"""Records to columns: the codes of every field that is searched, in the order of time.

What a column's codes mean: schema. Identities and resources repeat from record to record, so each
distinct one is taken apart once.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import xxhash

from opentrail.adapters.events.segments import heads
from opentrail.adapters.events.segments.arrays import Array
from opentrail.adapters.events.segments.heads import COMPLEX, PARTS, Head, Odd, Text
from opentrail.adapters.events.segments.members import Tokens, put_members
from opentrail.adapters.events.segments.postings import CATEGORY, DATA, MANAGEMENT, put_postings
from opentrail.adapters.events.segments.schema import (
    FIRST,
    HASHED_PATHS,
    IDENTITY_PATHS,
    LIST_PATHS,
    LOOKUP_PATHS,
    TEXTS_OF,
    TOP_PATHS,
    USERNAME,
    Path,
)
from opentrail.adapters.events.segments.texts import Texts, encode_text, joined
from opentrail.history.resource_names import names_in

_TRUTH: dict[bool | None, str | None] = {True: "true", False: "false", None: None}
NO_HASH, COMPLEX_HASH = 0, 1
"""Of a text that is absent, and of what no single text tells."""

_STAND_IN = Head(eventTime="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Events in columns, oldest first, of equal times the earlier arrived first.

    Attributes:
        arrays: What a segment's file holds (see segment).
        order: For each row its place in the batch.
        id_hashes: For each row, of its eventID, else of its bytes.
        content_hashes: For each row, of its bytes.
        parts: By name in PARTS, JSON in the order of the batch; b"null" for null.
        plain: By name, texts that Parquet holds and no column here does, in the batch's order.
        odd_rows: Rows whose record is not as usual.
        unreadable: How many rows hold no record.
    """

    arrays: dict[str, Array]
    order: npt.NDArray[np.intp]
    times: npt.NDArray[np.int64]
    id_hashes: npt.NDArray[np.uint64]
    content_hashes: npt.NDArray[np.uint64]
    parts: Mapping[str, list[bytes]]
    plain: Mapping[str, list[Text]]
    odd_rows: frozenset[int]
    unreadable: int


@dataclass(frozen=True, slots=True)
class _Batch:
    """Records read.

    Attributes:
        members: By name, of every record; of odd ones a stand-in's.
        odd: By number in the batch.
    """

    raws: Sequence[bytes]
    members: dict[str, tuple[Any, ...]]
    odd: dict[int, Odd]

    def of_head(self, name: str) -> list[Any]:
        return list(self.members[name])

    def part(self, name: str) -> list[bytes]:
        """A member's JSON."""
        return list(map(bytes, self.members[name]))


def _read(raws: Sequence[bytes]) -> _Batch:
    read = list(map(heads.read_head, raws))
    odd = {number: heads.read_odd(raws[number]) for number, one in enumerate(read) if one is None}
    tuples = map(msgspec.structs.astuple, (_STAND_IN if one is None else one for one in read))
    by_member = zip(*tuples, strict=True)
    return _Batch(raws, dict(zip(Head.__struct_fields__, by_member, strict=True)), odd)


def make_columns(
    raws: Sequence[bytes], *, arrived: int | npt.NDArray[np.int64], seed: int
) -> Columns:
    """The columns of a batch.

    Args:
        arrived: Epoch seconds, of all or of each; the time of records that tell none.
        seed: Of the hashes.
    """
    batch = _read(raws)
    odd = batch.odd
    parts = {name: batch.part(name) for name in PARTS}
    lists = _lists(batch, parts, seed)
    times = _times(batch, arrived)
    # Stable: of equal times the earlier arrived comes first.
    order = np.argsort(times, kind="stable")
    arrays: dict[str, Array] = {"time": _small(times[order])}
    identities = _identities(batch, parts["userIdentity"])
    for number, path in enumerate(TOP_PATHS):
        _put_single(arrays, path, _top(batch, number, path[0]), order)
    _put_identities(arrays, identities, order)
    _put_lists(arrays, lists, order)
    put_postings(arrays, _code_of(arrays, CATEGORY, MANAGEMENT), seed)
    contents = _content_hashes(raws, seed)[order]
    ids = {path[0]: _ids(batch, number) for number, path in enumerate(HASHED_PATHS)}
    for name, texts in ids.items():
        hashes = _hashes(texts, seed)[order]
        if name == "eventID":
            by_id = hashes
            # The hashes themselves stand in the order of ids: see segment.
            arrays["kind:eventID"] = np.minimum(hashes, COMPLEX_HASH + 1).astype(np.uint8)
        else:
            arrays[f"hash:{name}"] = short(hashes)
    arrays["content"] = contents
    return Columns(
        arrays=arrays,
        order=order,
        times=times[order],
        id_hashes=np.where(by_id <= COMPLEX_HASH, contents, by_id).astype(np.uint64),
        content_hashes=contents,
        parts=_with_odd(parts, odd),
        plain=_plain(batch, ids),
        odd_rows=frozenset(
            np.flatnonzero(np.isin(order, np.fromiter(odd, np.intp, len(odd)))).tolist()
        ),
        unreadable=sum(not one.readable for one in odd.values()),
    )


def _code_of(arrays: Mapping[str, Array], path: Path, text: str) -> int | None:
    name = ".".join(path)
    number = Texts(arrays[f"text:{name}"], arrays[f"ends:{name}"]).find(text)
    return None if number is None else number + FIRST


def _small(times: npt.NDArray[np.int64]) -> Array:
    """In half the space, until 2038."""
    limits = np.iinfo(np.int32)
    fits = len(times) and limits.min <= int(times[0]) and int(times[-1]) <= limits.max
    return times.astype(np.int32) if fits else times


def short(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint32]:
    """Half of each: enough where the record is asked in the end."""
    low = np.maximum(hashes & np.uint64(0xFFFFFFFF), np.uint64(COMPLEX_HASH + 1))
    return np.where(hashes <= COMPLEX_HASH, hashes, low).astype(np.uint32)


def _times(batch: _Batch, arrived: int | npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Times repeat, and are read once each."""
    stand_in = np.broadcast_to(np.asarray(arrived, np.int64), len(batch.raws))
    known: dict[str, int | None] = {}
    found: list[int] = []
    for number, text in enumerate(batch.members["eventTime"]):
        if number in batch.odd:
            when = batch.odd[number].event_time
        else:
            if text not in known:
                known[text] = heads.epoch_seconds(text)
            when = known[text]
        found.append(int(stand_in[number]) if when is None else when)
    return np.array(found, np.int64)


def _top(batch: _Batch, number: int, name: str) -> list[Text]:
    found: list[Any] = batch.of_head(name)
    if name in ("readOnly", "managementEvent"):
        found = list(map(_TRUTH.__getitem__, found))
    for row, one in batch.odd.items():
        found[row] = one.texts[number]
    return found


class _Codes(dict[Hashable, int]):
    """Gives each new key the next number."""

    def __missing__(self, key: Hashable) -> int:
        number = self[key] = len(self)
        return number

    def of(self, keys: Iterable[Hashable], count: int) -> npt.NDArray[np.uint32]:
        return np.fromiter(map(self.__getitem__, keys), np.uint32, count)


def _text_codes() -> _Codes:
    return _Codes({None: 0, COMPLEX: 1})


def _put_texts(arrays: dict[str, Array], path: Path, coded: _Codes) -> npt.NDArray[np.uint32]:
    """The texts in order; for each code so far the one that fits them."""
    texts = [encode_text(key) for key in list(coded)[FIRST:] if isinstance(key, str)]
    order = sorted(range(len(texts)), key=texts.__getitem__)
    places = np.empty(len(texts) + FIRST, np.uint32)
    places[:FIRST] = range(FIRST)
    places[np.array(order, np.intp) + FIRST] = np.arange(FIRST, len(places), dtype=np.uint32)
    content, ends = joined([texts[number] for number in order])
    arrays["text:" + ".".join(path)] = content
    arrays["ends:" + ".".join(path)] = ends
    return places


def _put_codes(arrays: dict[str, Array], path: Path, codes: npt.NDArray[np.uint32]) -> None:
    highest = int(codes.max()) if len(codes) else 0
    arrays["code:" + ".".join(path)] = codes.astype(np.min_scalar_type(highest))


def _put_single(
    arrays: dict[str, Array], path: Path, texts: Sequence[Text], order: npt.NDArray[np.intp]
) -> None:
    coded = _text_codes()
    codes = coded.of(texts, len(texts))
    _put_codes(arrays, path, _put_texts(arrays, path, coded)[codes][order])


@dataclass(frozen=True, slots=True)
class _Identities:
    """The distinct identities of a batch.

    Attributes:
        codes: For each event the number of its identity.
        texts: For each identity, of IDENTITY_PATHS, and its user name.
    """

    codes: npt.NDArray[np.uint32]
    texts: list[tuple[tuple[Text, ...], str]]


def _identities(batch: _Batch, parts: list[bytes]) -> _Identities:
    coded = _Codes()
    keys: list[Hashable] = list(parts)
    for row in batch.odd:
        keys[row] = (row,)
    codes = coded.of(keys, len(keys))
    texts: list[tuple[tuple[Text, ...], str]] = []
    for key in coded:
        if isinstance(key, tuple):
            odd = batch.odd[key[0]]
            texts.append((odd.identity, odd.username))
            continue
        assert isinstance(key, bytes)
        found = heads.read_identity(key)
        texts.append(heads.odd_identity(key) if found is None else found)
    return _Identities(codes, texts)


def _put_identities(
    arrays: dict[str, Array], identities: _Identities, order: npt.NDArray[np.intp]
) -> None:
    rows = identities.codes[order]
    columns: list[tuple[Path, list[Text]]] = [
        (path, [texts[number] for texts, _ in identities.texts])
        for number, path in enumerate(IDENTITY_PATHS)
    ]
    columns.append((USERNAME, [name or None for _, name in identities.texts]))
    for path, texts in columns:
        coded = _text_codes()
        codes = coded.of(texts, len(texts))
        _put_codes(arrays, path, _put_texts(arrays, path, coded)[codes][rows])


@dataclass(frozen=True, slots=True)
class _Lists:
    """What events have several of.

    Attributes:
        texts: For LIST_PATHS and LOOKUP_PATHS, of all events.
        counts: For each of them, how many each event has.
        tokens: For each event, of its request parameters (see members).
    """

    texts: tuple[list[Text], ...]
    counts: tuple[list[int], ...]
    tokens: list[list[int]]


def _lists(batch: _Batch, parts: Mapping[str, list[bytes]], seed: int) -> _Lists:
    """What can't be taken apart makes its record an odd one."""
    lists = _Lists(([], [], [], []), ([], [], [], []), [])
    tokens = Tokens(seed)
    known: dict[bytes, heads.Resources | None] = {}
    usual = zip(
        batch.members["eventSource"],
        batch.members["eventCategory"],
        parts["resources"],
        parts["requestParameters"],
        parts["responseElements"],
        strict=True,
    )
    for number, members in enumerate(usual):
        found = None if number in batch.odd else _usual_lists(members, known)
        if found is None:
            odd = batch.odd.setdefault(number, heads.read_odd(batch.raws[number]))
            found = odd.lists, odd.resources, odd.parameters
        own, (pairs, cut), parameters = found
        lists.tokens.append(tokens.of(parameters) if parameters else [])
        names: list[Text] = list({name: None for _, name in pairs})
        if cut:
            names.append(COMPLEX)
        kinds: list[Text] = list({kind: None for kind, _ in pairs})
        for of_column, number_of, of_event in zip(
            lists.texts, lists.counts, (*own, names, kinds), strict=True
        ):
            if of_event:
                of_column.extend(of_event)
            number_of.append(len(of_event))
    return lists


_NO_RESOURCES: tuple[heads.Pairs, bool] = ((), False)


def _usual_lists(
    members: tuple[str | None, str | None, bytes, bytes, bytes],
    known: dict[bytes, heads.Resources | None],
) -> tuple[tuple[heads.Texts, ...], tuple[heads.Pairs, bool], Any] | None:
    source, category, resources, request, response = members
    if resources not in known:
        known[resources] = heads.read_resources(resources)
    own = known[resources]
    if own is None:
        return None
    try:
        parameters = heads.read_part(request)
        if category == DATA:
            return own.lists, _NO_RESOURCES, parameters
        found = names_in(source or "", own.pairs, (parameters, heads.read_part(response)))
    except heads.REFUSED:
        return None
    return own.lists, found, parameters


def _put_lists(arrays: dict[str, Array], lists: _Lists, order: npt.NDArray[np.intp]) -> None:
    """Pairs of (row, code), by row."""
    row_of = np.empty(len(order), np.uint32)
    row_of[order] = np.arange(len(order), dtype=np.uint32)
    coded = {path: _text_codes() for path in LOOKUP_PATHS}
    paths = LIST_PATHS + LOOKUP_PATHS
    codes = [
        coded[TEXTS_OF.get(path, path)].of(texts, len(texts))
        for path, texts in zip(paths, lists.texts, strict=True)
    ]
    places = {path: _put_texts(arrays, path, coded[path]) for path in LOOKUP_PATHS}
    for path, of_path, count in zip(paths, codes, lists.counts, strict=True):
        rows = np.repeat(row_of, np.array(count, np.intp))
        by_row = np.argsort(rows, kind="stable")
        _put_codes(arrays, path, places[TEXTS_OF.get(path, path)][of_path][by_row])
        arrays["row:" + ".".join(path)] = rows[by_row]
    put_members(arrays, lists.tokens, order)


def _ids(batch: _Batch, number: int) -> list[Text]:
    found: list[Text] = batch.of_head(HASHED_PATHS[number][0])
    for row, one in batch.odd.items():
        found[row] = one.texts[len(TOP_PATHS) + number]
    return found


def _hashes(texts: Sequence[Text], seed: int) -> npt.NDArray[np.uint64]:
    return np.fromiter((_hash(text, seed) for text in texts), np.uint64, len(texts))


def _hash(text: Text, seed: int) -> int:
    if text is None:
        return NO_HASH
    return hash_of(text, seed) if isinstance(text, str) else COMPLEX_HASH


def hash_of(text: str, seed: int) -> int:
    """64 bits that nearly always tell texts apart; the record has the last word."""
    return max(xxhash.xxh3_64_intdigest(encode_text(text), seed), COMPLEX_HASH + 1)


def _content_hashes(raws: Sequence[bytes], seed: int) -> npt.NDArray[np.uint64]:
    """Keyed, and by a hash for which nobody can make two equal contents: what it says is final."""
    key = seed.to_bytes(8, "little")
    digests = b"".join(blake2b(raw, digest_size=8, key=key).digest() for raw in raws)
    return np.frombuffer(digests, "<u8").astype(np.uint64)


def _with_odd(parts: dict[str, list[bytes]], odd: Mapping[int, Odd]) -> Mapping[str, list[bytes]]:
    for row, one in odd.items():
        for name, part in zip(PARTS, one.parts, strict=True):
            parts[name][row] = part
    return parts


def _plain(batch: _Batch, ids: Mapping[str, list[Text]]) -> dict[str, list[Text]]:
    return {**ids, "errorMessage": batch.of_head("errorMessage")}
