"""Each tampering of a bucket, through the unmodified AWS command and through `opentrail verify`.

The rows are those of the trust study: what the AWS command notices and what it does not. Ours
notices all of them with what is known outside the bucket; re-gzipped content is no tampering.
"""

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from backends import KEY, SECRET, adopt_key, backends
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from running import ACCOUNT, make
from vault import HOUR, Snapshot, Vault, make_bucket, ten_hours_ago

from opentrail.clock import ManualClock, iso_seconds, parse_iso_seconds
from opentrail.digest.document import Digest, compress, read_digest, write_digest
from opentrail.digest.name import DigestName, digest_key, read_digest_key
from opentrail.digest.signing import fingerprint, string_to_sign
from opentrail.ports.objects import ObjectContent

pytestmark = [pytest.mark.contract, pytest.mark.timeout(420)]

BUCKET = "vault"
HOURS = 6
Signing = Callable[[str, bytes], bytes]


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    """Six hours: two log files an hour, but none in the fifth; a new key after the third."""
    with backends() as behind:
        server = make(
            tmp_path_factory.mktemp("vault") / "data", *behind.arguments,
            OPENTRAIL_DELIVERY_INTERVAL_SECONDS="3600", **behind.settings,
        )  # fmt: skip
        make_bucket(behind, BUCKET)
        server.start()
        trails = server.client("cloudtrail")
        trails.create_trail(Name="main", S3BucketName=BUCKET, EnableLogFileValidation=True)
        trails.start_logging(Name="main")
        server.stop()
        made = Vault(server, behind, BUCKET, ManualClock(ten_hours_ago()))
        for hour in range(HOURS):
            if hour == 3:
                made.signer.rotate("us-east-1", made.clock.now())
            made.hour(calls=0 if hour == 4 else 2)
        made.kept = made.snapshot()
        server.run("opentrail", "signing-keys", "export", str(server.data / "trust.json"))
        made.end = made.clock.now()
        made.forget_chains()
        made.close()
        server.start()
        adopt_key(server)
        yield made
        server.stop()


# Rewriting


def digests_of(bucket: Snapshot) -> list[str]:
    return sorted(key for key in bucket if "CloudTrail-Digest" in key)


def logs_of(bucket: Snapshot) -> list[str]:
    return sorted(key for key in bucket if "/CloudTrail/" in key)


def logs_in(bucket: Snapshot, digest: str) -> list[str]:
    return [file.key for file in read_digest(bucket[digest].body)[0].log_files]


def without(bucket: Snapshot, keys: Sequence[str]) -> Snapshot:
    return {key: content for key, content in bucket.items() if key not in keys}


def forged(content: ObjectContent) -> ObjectContent:
    plain = gzip.decompress(content.body).replace(b"Call", b"Fake")
    return ObjectContent(gzip.compress(plain), content.metadata)


def resigned(
    bucket: Snapshot, sign: Signing, change: Callable[[int, Digest], Digest | None]
) -> Snapshot:
    """All digests written anew, in order, chained and signed; None leaves one out."""
    made = without(bucket, digests_of(bucket))
    previous: tuple[str, str, str] | None = None
    for number, key in enumerate(digests_of(bucket)):
        digest = change(number, read_digest(bucket[key].body)[0])
        if digest is None:
            continue
        name, previous = write(made, digest, previous, sign)
        assert name
    return made


def write(
    bucket: Snapshot, digest: Digest, previous: tuple[str, str, str] | None, sign: Signing
) -> tuple[str, tuple[str, str, str]]:
    """A digest put into `bucket` behind `previous` (key, hash, signature)."""
    name = read_digest_key(digest.key)
    assert name is not None
    key = digest_key(msgspec_replace(name, parse_iso_seconds(digest.end_time)))
    digest = msgspec.structs.replace(
        digest,
        key=key,
        previous_bucket=BUCKET if previous else None,
        previous_key=previous[0] if previous else None,
        previous_hash=previous[1] if previous else None,
        previous_hash_algorithm="SHA-256" if previous else None,
        previous_signature=previous[2] if previous else None,
    )
    plain = write_digest(digest)
    message = string_to_sign(
        end_time=digest.end_time, bucket=BUCKET, key=key, plain=plain,
        previous_signature=digest.previous_signature,
    )  # fmt: skip
    signature = sign(digest.fingerprint, message).hex()
    metadata = {"signature": signature, "signature-algorithm": "SHA256withRSA"}
    bucket[key] = ObjectContent(compress(plain), metadata)
    return key, (key, hash_of(plain), signature)


def msgspec_replace(name: DigestName, end: object) -> DigestName:
    values = {field: getattr(name, field) for field in DigestName.__dataclass_fields__}
    return DigestName(**(values | {"end": end}))


def hash_of(plain: bytes) -> str:
    return hashlib.sha256(plain).hexdigest()


# The rows of the table


@dataclass(frozen=True)
class Row:
    """A tampering, and whether the AWS command ends with 0."""

    name: str
    aws: int
    tamper: Callable[[Snapshot, Vault], Snapshot]


def foreign_key(bucket: Snapshot, _vault: Vault) -> Snapshot:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = fingerprint(key.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1))
    return resigned(
        bucket,
        lambda _name, message: key.sign(message, padding.PKCS1v15(), hashes.SHA256()),
        lambda _number, digest: msgspec.structs.replace(digest, fingerprint=name),
    )


def insider_rewrites(bucket: Snapshot, vault: Vault) -> Snapshot:
    """The whole history with other log files, signed with the real keys."""
    made = {
        key: forged(content) if "/CloudTrail/" in key else content
        for key, content in bucket.items()
    }

    def change(_number: int, digest: Digest) -> Digest:
        files = tuple(
            msgspec.structs.replace(file, hash_value=hash_of(gzip.decompress(made[file.key].body)))
            for file in digest.log_files
        )
        return msgspec.structs.replace(digest, log_files=files)

    return resigned(made, vault.signer.sign, change)


def insider_drops_an_hour(bucket: Snapshot, vault: Vault) -> Snapshot:
    gone = logs_in(bucket, digests_of(bucket)[2])

    def change(number: int, digest: Digest) -> Digest:
        return msgspec.structs.replace(digest, log_files=()) if number == 2 else digest

    return resigned(without(bucket, gone), vault.signer.sign, change)


def restarted(bucket: Snapshot, vault: Vault) -> Snapshot:
    """Two hours without digests, then a new chain."""
    digests = digests_of(bucket)
    made = without(
        bucket, [*digests[2:], *logs_in(bucket, digests[2]), *logs_in(bucket, digests[3])]
    )
    previous = None
    for key in digests[4:]:
        _key, previous = write(made, read_digest(bucket[key].body)[0], previous, vault.signer.sign)
    return made


def clock_set_back(bucket: Snapshot, vault: Vault) -> Snapshot:
    """The fourth digest begins half an hour before the third one ends."""

    def change(number: int, digest: Digest) -> Digest:
        if number != 3:
            return digest
        earlier = parse_iso_seconds(digest.start_time) - timedelta(minutes=30)
        return msgspec.structs.replace(digest, start_time=iso_seconds(earlier))

    return resigned(bucket, vault.signer.sign, change)


def fork(bucket: Snapshot, vault: Vault) -> Snapshot:
    """A second digest behind the fourth one, a minute after the fifth."""
    digests = digests_of(bucket)
    made = dict(bucket)
    parent = read_digest(bucket[digests[3]].body)
    twin = read_digest(bucket[digests[4]].body)[0]
    later = parse_iso_seconds(twin.end_time) + timedelta(minutes=1)
    write(
        made,
        msgspec.structs.replace(twin, end_time=iso_seconds(later)),
        (digests[3], hash_of(parent[1]), bucket[digests[3]].metadata["signature"]),
        vault.signer.sign,
    )
    return made


def second_member(bucket: Snapshot, _vault: Vault) -> Snapshot:
    key = logs_of(bucket)[3]
    more = gzip.compress(b'{"Records":[{"eventName":"Forged"}]}')
    return bucket | {key: ObjectContent(bucket[key].body + more)}


def extra_file(bucket: Snapshot, _vault: Vault) -> Snapshot:
    key = logs_of(bucket)[3]
    return bucket | {key.replace(key[-24:-8], "forgedforgedforg"): forged(bucket[key])}


def changed_digest(bucket: Snapshot, _vault: Vault) -> Snapshot:
    key = digests_of(bucket)[2]
    plain = gzip.decompress(bucket[key].body).replace(b'"logFiles":[{', b'"logFiles":[],"x":[{')
    return bucket | {key: ObjectContent(compress(plain), bucket[key].metadata)}


def head_deleted(bucket: Snapshot, _vault: Vault) -> Snapshot:
    first = digests_of(bucket)[:2]
    return without(bucket, [*first, *(log for key in first for log in logs_in(bucket, key))])


def tail_deleted(bucket: Snapshot, _vault: Vault) -> Snapshot:
    last = digests_of(bucket)[-2:]
    return without(bucket, [*last, *(log for key in last for log in logs_in(bucket, key))])


def copied_digest(bucket: Snapshot, _vault: Vault) -> Snapshot:
    digests = digests_of(bucket)
    end = parse_iso_seconds(read_digest(bucket[digests[-1]].body)[0].end_time)
    name = read_digest_key(digests[1])
    assert name is not None
    return bucket | {digest_key(msgspec_replace(name, end + HOUR)): bucket[digests[1]]}


ROWS = [
    Row("log file changed", 1, lambda b, _: b | {logs_of(b)[3]: forged(b[logs_of(b)[3]])}),
    Row("log file deleted", 1, lambda b, _: without(b, [logs_of(b)[3]])),
    Row("second gzip member in a log file", 1, second_member),
    Row("forged extra log file", 0, extra_file),
    Row("digest changed", 1, changed_digest),
    Row("one middle digest deleted", 1, lambda b, _: without(b, digests_of(b)[2:3])),
    Row("two whole hours deleted", 1, lambda b, _: without(
        b, [*digests_of(b)[2:4], *(x for k in digests_of(b)[2:4] for x in logs_in(b, k))])),
    Row("last two hours deleted", 0, tail_deleted),
    Row("first two hours deleted", 1, head_deleted),
    Row("everything deleted", 0, lambda _b, _: {}),
    Row("all digests deleted", 0, lambda b, _: without(b, digests_of(b))),
    Row("history rewritten with an unlisted key", 1, foreign_key),
    Row("history rewritten with the real key", 0, insider_rewrites),
    Row("an hour dropped, chain signed again", 0, insider_drops_an_hour),
    Row("chain restarted after two hours", 0, restarted),
    Row("old digest under a later name", 1, copied_digest),
    Row("signature metadata lost", 1, lambda b, _: b | {
        digests_of(b)[2]: ObjectContent(b[digests_of(b)[2]].body)}),
    Row("clock set back, digests overlap", 0, clock_set_back),
    Row("two digests with the same parent", 0, fork),
]  # fmt: skip


def aws_command(vault: Vault) -> int:
    """The exit code of the unmodified validate-logs."""
    environment = {"AWS_ENDPOINT_URL_S3": vault.behind.s3}
    done = vault.server.run(
        "aws", "cloudtrail", "validate-logs",
        "--trail-arn", f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/main",
        "--start-time", iso_seconds(ten_hours_ago() - HOUR),
        "--end-time", iso_seconds(vault.end + HOUR), check=False, **environment,
    )  # fmt: skip
    return done.returncode


def ours(vault: Vault) -> tuple[int, dict[str, object]]:
    """The exit code and report of `opentrail verify` with a trust file."""
    keys = {
        "AWS_ENDPOINT_URL": vault.behind.s3,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }
    done = vault.server.run(
        "opentrail", "verify", f"s3://{BUCKET}", "--keys", str(vault.server.data / "trust.json"),
        "--to", iso_seconds(vault.end), "--format", "json", check=False, **keys,
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout)


def test_an_untouched_bucket_with_a_rotation_and_an_empty_hour_is_valid(vault: Vault) -> None:
    assert aws_command(vault) == 0
    code, report = ours(vault)
    assert (code, report["verdict"]) == (0, "VALID"), report
    assert report["digests"] == HOURS
    assert report["log_files"] == 11  # the first holds the StartLogging call itself


def test_content_gzipped_again_is_no_tampering(vault: Vault) -> None:
    key = logs_of(vault.kept)[3]
    again = ObjectContent(gzip.compress(gzip.decompress(vault.kept[key].body), 9))
    vault.replace(vault.kept | {key: again})
    try:
        assert aws_command(vault) == 0
        assert ours(vault)[0] == 0
    finally:
        vault.replace(vault.kept)


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_a_tampering_is_noticed(vault: Vault, row: Row) -> None:
    vault.replace(row.tamper(vault.kept, vault))
    try:
        assert aws_command(vault) == row.aws
        code, report = ours(vault)
        assert code in (1, 3), report
        assert report["verdict"] != "VALID"
        assert report["findings"]
        assert code == 1
    finally:
        vault.replace(vault.kept)


def test_nothing_found_is_never_valid(vault: Vault, tmp_path: Path) -> None:
    done = vault.server.run("opentrail", "verify", str(tmp_path), "--keys",
                            str(vault.server.data / "trust.json"), check=False)  # fmt: skip
    assert done.returncode == 1
    empty = tmp_path / "empty.json"
    empty.write_text('{"format":1}')
    alone = vault.server.run("opentrail", "verify", str(tmp_path), "--keys", str(empty),
                             check=False)  # fmt: skip
    assert alone.returncode == 3
    assert alone.stdout.startswith("VERDICT  UNVERIFIABLE")
