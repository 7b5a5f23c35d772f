"""A digest by itself: its name, its document, its signature."""

import gzip
import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from opentrail.digest.chain import ReadDigest, check_one
from opentrail.digest.document import (
    Digest,
    DigestUnreadable,
    ListedLogFile,
    compress,
    read_digest,
    write_digest,
)
from opentrail.digest.findings import Kind
from opentrail.digest.name import DigestName, digest_key, read_digest_key
from opentrail.digest.signing import fingerprint, signature_is_valid, string_to_sign
from opentrail.digest.trust import Trust, TrustedKey

ACCOUNT = "123456789012"
END = datetime(2026, 11, 24, 9, 1, 31, tzinfo=UTC)
NAME = DigestName(
    prefix="", organization="", account_id=ACCOUNT, region="us-east-1", trail="main",
    home_region="eu-west-1", end=END, backfill=False,
)  # fmt: skip
KEY = (
    f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/us-east-1/2026/11/24/"
    f"{ACCOUNT}_CloudTrail-Digest_us-east-1_main_eu-west-1_20261124T090131Z.json.gz"
)

# Names


def renamed(**values: Any) -> str:
    fields = {name: getattr(NAME, name) for name in DigestName.__slots__}
    return digest_key(DigestName(**(fields | values)))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, KEY),
        ({"backfill": True}, KEY.replace("Z.json", "Z_backfill.json")),
        ({"prefix": "a/b"}, f"a/b/{KEY}"),
        ({"organization": "o-0123456789"}, KEY.replace("AWSLogs/", "AWSLogs/o-0123456789/")),
        ({"end": END.astimezone(timezone(timedelta(hours=9)))}, KEY),
    ],
)
def test_a_digests_key_follows_the_format(values: dict[str, Any], expected: str) -> None:
    assert renamed(**values) == expected


@pytest.mark.parametrize("trail", ["main_us-east-1_x", "a.b", "main_backfill", "a" * 128])
def test_a_trails_name_is_read_whole_from_its_digests(trail: str) -> None:
    found = read_digest_key(renamed(trail=trail))

    assert found is not None
    assert (found.trail, found.home_region, found.backfill) == (trail, "eu-west-1", False)


@pytest.mark.parametrize(
    "other",
    [
        "",
        KEY + "x",
        KEY.replace("main", "ma"),
        KEY.replace("main", "ma in"),
        KEY.replace("090131Z", "0901Z"),
        KEY.replace("090131Z", "250131Z"),
        KEY.replace("090131Z", "090131Z_backfill_backfill"),
        KEY.replace("090131Z", "090131Z_Backfill"),
        KEY.replace("2026/11/24", "2026/11/25"),
        KEY.replace("_us-east-1_", "_us-east-2_"),
        KEY.replace(f"/{ACCOUNT}_", "/999999999999_"),
        KEY.replace("CloudTrail-Digest", "CloudTrail"),
        KEY.replace("_main_eu-west-1_", "_main_"),
    ],
)
def test_another_key_is_no_digests(other: str) -> None:
    assert read_digest_key(other) is None


# Documents


@cache
def key(number: int = 0) -> rsa.RSAPrivateKey:
    assert number in {0, 1}
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public(private: rsa.RSAPrivateKey) -> bytes:
    return private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.PKCS1
    )


def sign(message: bytes, private: rsa.RSAPrivateKey) -> str:
    return private.sign(message, padding.PKCS1v15(), hashes.SHA256()).hex()


def document(**values: Any) -> Digest:
    usual: dict[str, Any] = {
        "account_id": ACCOUNT, "start_time": "2026-11-24T08:01:31Z",
        "end_time": "2026-11-24T09:01:31Z", "bucket": "b", "key": KEY,
        "fingerprint": fingerprint(public(key())), "signature_algorithm": "SHA256withRSA",
        "newest_event_time": None, "oldest_event_time": None, "previous_bucket": None,
        "previous_key": None, "previous_hash": None, "previous_hash_algorithm": None,
        "previous_signature": None, "log_files": (),
    }  # fmt: skip
    return Digest(**(usual | values))


def listed(oldest: str | None = "2026-11-24T09:00:00Z", **values: Any) -> ListedLogFile:
    usual: dict[str, Any] = {
        "bucket": "b", "key": "k", "hash_value": "0" * 64, "newest_event_time": oldest,
        "oldest_event_time": oldest,
    }  # fmt: skip
    return ListedLogFile(**(usual | values))


OPTIONAL = st.none() | st.text(max_size=20)
FILES = st.lists(st.builds(listed, OPTIONAL, key=st.text(max_size=20)), max_size=4).map(tuple)


@settings(max_examples=60, deadline=None)
@given(FILES, st.text(max_size=20), OPTIONAL)
def test_a_document_of_any_content_is_read_as_it_was_written(
    files: tuple[ListedLogFile, ...], bucket: str, previous: str | None
) -> None:
    digest = document(log_files=files, bucket=bucket, previous_signature=previous)

    plain = write_digest(digest)

    assert read_digest(compress(plain)) == (digest, plain)
    assert gzip.decompress(compress(plain)) == plain


def test_an_empty_starting_digest_has_nulls_and_an_empty_list() -> None:
    found = json.loads(write_digest(document()))

    assert found["logFiles"] == []
    assert {name for name, value in found.items() if value is None} == {
        "newestEventTime", "oldestEventTime", "previousDigestS3Bucket", "previousDigestS3Object",
        "previousDigestHashValue", "previousDigestHashAlgorithm", "previousDigestSignature",
    }  # fmt: skip


def test_a_listed_files_members_stand_in_the_order_of_awss_samples() -> None:
    (found,) = json.loads(write_digest(document(log_files=(listed(),))))["logFiles"]

    assert list(found) == [
        "s3Bucket", "s3Object", "hashValue", "hashAlgorithm", "newestEventTime", "oldestEventTime"
    ]  # fmt: skip


@pytest.mark.parametrize("member", sorted(json.loads(write_digest(document()))))
def test_a_document_without_one_of_its_members_is_refused(member: str) -> None:
    whole = json.loads(write_digest(document()))
    del whole[member]

    with pytest.raises(DigestUnreadable):
        read_digest(compress(json.dumps(whole).encode()))


def test_members_and_spelling_of_others_are_kept_in_the_bytes() -> None:
    whole = json.loads(write_digest(document()))
    plain = json.dumps(whole | {"extra": 1}, indent=2).encode()

    assert read_digest(compress(plain)) == (document(), plain)


# Signatures


def test_the_string_to_sign_names_the_signature_before_or_null() -> None:
    plain = b"document"
    hashed = hashlib.sha256(plain).hexdigest()

    for previous, last in ((None, "null"), ("", "null"), ("0aff", "0aff")):
        message = string_to_sign(
            end_time="E", bucket="b", key="a/k", plain=plain, previous_signature=previous
        )
        assert message == f"E\nb/a/k\n{hashed}\n{last}".encode()


def test_a_fingerprint_is_the_md5_of_the_public_key() -> None:
    value = public(key())

    assert len(value) == 270
    assert fingerprint(value) == hashlib.md5(value, usedforsecurity=False).hexdigest()


OTHER = ec.generate_private_key(ec.SECP256R1()).public_key()
CURVE = OTHER.public_bytes(
    serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
)


def test_a_signature_holds_for_its_key_and_message_only() -> None:
    good = sign(b"m", key())

    assert signature_is_valid(public(key()), good, b"m")
    assert signature_is_valid(public(key()), good.upper(), b"m")
    for value, signature, message in (
        (public(key(1)), good, b"m"),
        (public(key()), good, b"n"),
        (public(key()), sign(b"m", key(1)), b"m"),
        (public(key()), "", b"m"),
        (public(key()), good[:-1], b"m"),
        (public(key()), good[:-2], b"m"),
        (public(key()), good + "00", b"m"),
        (public(key()), "zz" + good[2:], b"m"),
        (public(key()), "ä", b"m"),
        (public(key())[:-1], good, b"m"),
        (b"", good, b"m"),
        (CURVE, good, b"m"),
    ):
        assert not signature_is_valid(value, signature, message)


def test_a_signature_with_another_hash_is_wrong() -> None:
    sha1 = key().sign(b"m", padding.PKCS1v15(), hashes.SHA384()).hex()

    assert not signature_is_valid(public(key()), sha1, b"m")


# A digest by itself


def trusted(private: rsa.RSAPrivateKey, valid_from: datetime = END - timedelta(days=1)) -> Trust:
    value = public(private)
    known = TrustedKey(
        region="us-east-1", fingerprint=fingerprint(value), value=value, valid_from=valid_from,
        valid_to=valid_from + timedelta(days=30),
    )  # fmt: skip
    return Trust(keys=(known,))


def read(digest: Digest, signature: str | None = None, **values: Any) -> ReadDigest:
    plain = write_digest(digest)
    message = string_to_sign(
        end_time=digest.end_time, bucket=digest.bucket, key=digest.key, plain=plain,
        previous_signature=digest.previous_signature,
    )  # fmt: skip
    usual: dict[str, Any] = {
        "name": NAME, "bucket": "b", "key": KEY, "digest": digest, "plain": plain,
        "signature": sign(message, key()) if signature is None else signature, "generated": None,
    }  # fmt: skip
    return ReadDigest(**(usual | values))


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"previous_signature": "0aff", "previous_key": "p"},
        {"log_files": (listed(),), "oldest_event_time": "2026-11-24T09:00:00Z"},
        {"log_files": (listed("b"), listed("a")), "oldest_event_time": "a"},
        {"log_files": (listed("b"), listed(None)), "oldest_event_time": "b"},
    ],
)
def test_nothing_is_found_in_a_good_digest(values: dict[str, Any]) -> None:
    assert list(check_one(read(document(**values)), trusted(key()))) == []


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"bucket": "c"}, Kind.DIGEST_MOVED),
        ({"key": KEY.replace("main", "other")}, Kind.DIGEST_MOVED),
        ({"end_time": "2026-11-24T09:01:32Z"}, Kind.DIGEST_MOVED),
        ({"start_time": "2026-11-24T09:01:31Z"}, Kind.DIGEST_MOVED),
        ({"start_time": "2026-11-24T10:01:31Z"}, Kind.DIGEST_MOVED),
        ({"start_time": "yesterday"}, Kind.DIGEST_UNREADABLE),
        ({"end_time": ""}, Kind.DIGEST_UNREADABLE),
        ({"signature_algorithm": "SHA1withRSA"}, Kind.SIGNATURE_WRONG),
        ({"account_id": "999999999999"}, Kind.TIME_WRONG),
        ({"oldest_event_time": "2026-11-24T09:00:00Z"}, Kind.TIME_WRONG),
        ({"log_files": (listed(),)}, Kind.TIME_WRONG),
        ({"log_files": (listed("b"), listed("a")), "oldest_event_time": "b"}, Kind.TIME_WRONG),
        ({"log_files": (listed(None, hash_algorithm="SHA-1"),)}, Kind.SIGNATURE_WRONG),
        ({"fingerprint": "0" * 32}, Kind.KEY_FOREIGN),
    ],
)
def test_a_well_signed_digest_that_contradicts_itself_is_told(
    values: dict[str, Any], kind: Kind
) -> None:
    (found,) = check_one(read(document(**values)), trusted(key()))

    assert (found.kind, found.subject) == (kind, KEY)
    assert found.detail


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"signature": ""}, Kind.SIGNATURE_ABSENT),
        ({"signature": "00"}, Kind.SIGNATURE_WRONG),
        ({"signature": "not hex"}, Kind.SIGNATURE_WRONG),
        ({"plain": write_digest(document()) + b" "}, Kind.SIGNATURE_WRONG),
        ({"bucket": "copy"}, Kind.DIGEST_MOVED),
        ({"key": f"copy/{KEY}"}, Kind.DIGEST_MOVED),
        ({"generated": END - timedelta(days=2)}, Kind.KEY_NOT_VALID),
    ],
)
def test_a_digest_handled_after_signing_is_told(values: dict[str, Any], kind: Kind) -> None:
    found = [one.kind for one in check_one(read(document(), **values), trusted(key()))]

    assert found == [kind]


@pytest.mark.parametrize(
    ("trust", "expected"),
    [
        (Trust(), [Kind.KEY_UNKNOWN]),
        (trusted(key(1)), [Kind.KEY_FOREIGN]),
        (trusted(key(), END), []),
        (trusted(key(), END + timedelta(seconds=1)), [Kind.KEY_NOT_VALID]),
    ],
)
def test_the_key_must_be_known_and_valid_by_then(trust: Trust, expected: list[Kind]) -> None:
    assert [one.kind for one in check_one(read(document()), trust)] == expected


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 511), st.sampled_from("0123456789abcdef"))
def test_every_digit_of_a_signature_counts(place: int, digit: str) -> None:
    good = read(document()).signature
    changed = good[:place] + digit + good[place + 1 :]

    found = [one.kind for one in check_one(read(document(), changed), trusted(key()))]

    assert found == ([] if changed == good else [Kind.SIGNATURE_WRONG])
