"""Bodies of any size and framing go through to SeaweedFS, which checks the signatures itself."""

import hashlib
import hmac
import http.client
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from running import Running

pytestmark = [pytest.mark.contract, pytest.mark.alone]

GIBIBYTE = 1024**3
ROOM_BYTES = 64 * 1024**2
BUCKET = "streams"


@pytest.fixture(scope="module")
def store(server: Running) -> Running:
    server.client("s3").create_bucket(Bucket=BUCKET)
    return server


def peak_bytes(server: Running) -> int:
    """The most memory that the gateway's process ever held."""
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def forget_peak(server: Running) -> None:
    assert server.process is not None
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")


def test_a_gibibyte_goes_up_and_down_at_constant_memory(store: Running, tmp_path: Path) -> None:
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.write(b"first bytes")
        file.truncate(GIBIBYTE)
    s3 = store.client("s3")
    s3.head_bucket(Bucket=BUCKET)
    forget_peak(store)
    before = peak_bytes(store)

    with big.open("rb") as file:
        s3.put_object(Bucket=BUCKET, Key="big", Body=file)
    length, found = 0, hashlib.sha256()
    for part in s3.get_object(Bucket=BUCKET, Key="big")["Body"].iter_chunks(1024**2):
        length += len(part)
        found.update(part)

    assert length == GIBIBYTE
    with big.open("rb") as file:
        assert found.hexdigest() == hashlib.file_digest(file, "sha256").hexdigest()
    assert peak_bytes(store) - before < ROOM_BYTES
    put, got = store.records(name="PutObject")[-1], store.records(name="GetObject")[-1]
    assert put["additionalEventData"]["bytesTransferredIn"] == GIBIBYTE
    assert got["additionalEventData"]["bytesTransferredOut"] == GIBIBYTE
    s3.delete_object(Bucket=BUCKET, Key="big")


def test_a_range_and_a_head_answer_as_the_store_does(store: Running) -> None:
    s3 = store.client("s3")
    s3.put_object(Bucket=BUCKET, Key="text", Body=b"0123456789")

    part = s3.get_object(Bucket=BUCKET, Key="text", Range="bytes=2-4")
    head = s3.head_object(Bucket=BUCKET, Key="text")

    assert part["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert (part["Body"].read(), part["ContentRange"]) == (b"234", "bytes 2-4/10")
    assert head["ContentLength"] == 10
    assert [one["eventName"] for one in store.records()][-1] == "HeadObject"


def test_a_client_that_waits_for_100_continue_gets_it(store: Running) -> None:
    head, body = signed_put(store, "waited", b"waited for it")
    where = urlsplit(store.exports["AWS_ENDPOINT_URL"])
    with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
        connection.sendall(head.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
        interim = connection.recv(1024)
        connection.sendall(body)
        final = connection.recv(4096)

    assert interim.startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert final.startswith(b"HTTP/1.1 200 ")


def test_a_refused_body_is_not_waited_for(store: Running) -> None:
    head, _ = signed_put(store, "refused", b"x" * 100)
    where = urlsplit(store.exports["AWS_ENDPOINT_URL"])
    broken = head.replace(b"Signature=", b"Signature=0", 1)
    with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
        connection.sendall(broken.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
        answer = connection.recv(4096)

    assert b" 403 " in answer.partition(b"\r\n")[0] or b" 100 " in answer.partition(b"\r\n")[0]


def put_raw(store: Running, key: str, body: bytes, head: dict[str, str]) -> tuple[int, bytes]:
    where = urlsplit(store.exports["AWS_ENDPOINT_URL"])
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=20)
    with closing(connection):
        connection.request("PUT", f"/{BUCKET}/{key}", body, head)
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_signed_chunks_reach_the_store_as_they_were_sent(store: Running) -> None:
    """aws-chunked: SeaweedFS checks the signature of every chunk."""
    chunks = [b"a" * 65536, b"b" * 65536, b"c" * 100]
    head, seed, scope, key = chunked_head(store, "chunked", chunks)

    status, answer = put_raw(store, "chunked", b"".join(framed(chunks, seed, scope, key)), head)

    assert status == 200, answer
    got = store.client("s3").get_object(Bucket=BUCKET, Key="chunked")["Body"].read()
    assert got == b"".join(chunks)


def test_a_forged_chunk_is_refused_by_the_store_and_recorded_so(store: Running) -> None:
    chunks = [b"a" * 65536, b"b" * 100]
    head, seed, scope, key = chunked_head(store, "forged", chunks)
    body = b"".join(framed(chunks, seed, scope, key)).replace(b"b" * 100, b"B" * 100)

    status, _ = put_raw(store, "forged", body, head)

    assert status >= 400
    assert store.records(name="PutObject")[-1]["errorCode"]


def credentials(store: Running) -> Credentials:
    return Credentials(store.exports["AWS_ACCESS_KEY_ID"], store.exports["AWS_SECRET_ACCESS_KEY"])


def signed_put(store: Running, key: str, body: bytes) -> tuple[bytes, bytes]:
    """The head and body of a PUT, signed by botocore."""
    url = f"{store.exports['AWS_ENDPOINT_URL']}/{BUCKET}/{key}"
    request = AWSRequest("PUT", url, data=body)
    S3SigV4Auth(credentials(store), "s3", "us-east-1").add_auth(request)
    prepared = request.prepare()
    lines = [f"PUT /{BUCKET}/{key} HTTP/1.1", f"Host: {urlsplit(url).netloc}"]
    lines += [f"{name}: {text(value)}" for name, value in prepared.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode(), body


def chunked_head(
    store: Running, key: str, chunks: list[bytes]
) -> tuple[dict[str, str], str, str, bytes]:
    """Headers of a chunk-signed PUT, its seed signature, scope and signing key."""
    length = sum(len(chunk) for chunk in chunks)
    payload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    request = AWSRequest("PUT", f"{store.exports['AWS_ENDPOINT_URL']}/{BUCKET}/{key}", headers={
        "X-Amz-Content-SHA256": payload, "Content-Encoding": "aws-chunked",
        "X-Amz-Decoded-Content-Length": str(length)})  # fmt: skip
    signer = Fixed(credentials(store), "s3", "us-east-1")
    signer.add_auth(request)
    now = request.headers["X-Amz-Date"]
    scope = f"{now}\n{now[:8]}/us-east-1/s3/aws4_request"
    signing = f"AWS4{credentials(store).secret_key}".encode()
    for part in (now[:8], "us-east-1", "s3", "aws4_request"):
        signing = hmac.new(signing, part.encode(), hashlib.sha256).digest()
    seed = request.headers["Authorization"].rpartition("=")[2]
    return {name: text(value) for name, value in request.headers.items()}, seed, scope, signing


class Fixed(S3SigV4Auth):
    """Signs the payload marker that the header gives."""

    def payload(self, request: AWSRequest) -> str:
        return str(request.headers["X-Amz-Content-SHA256"])

    def _modify_request_before_signing(self, request: AWSRequest) -> None:
        marker = request.headers["X-Amz-Content-SHA256"]
        super()._modify_request_before_signing(request)
        del request.headers["X-Amz-Content-SHA256"]
        request.headers["X-Amz-Content-SHA256"] = marker


def framed(chunks: list[bytes], seed: str, scope: str, key: bytes) -> Iterator[bytes]:
    """Each chunk with its signature, as the S3 documentation defines it."""
    before = seed
    nothing = hashlib.sha256(b"").hexdigest()
    for chunk in [*chunks, b""]:
        digest = hashlib.sha256(chunk).hexdigest()
        message = f"AWS4-HMAC-SHA256-PAYLOAD\n{scope}\n{before}\n{nothing}\n{digest}"
        before = hmac.new(key, message.encode(), hashlib.sha256).hexdigest()
        yield f"{len(chunk):x};chunk-signature={before}\r\n".encode() + chunk + b"\r\n"


def text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def test_a_batch_of_deletions_has_a_record_for_each_object(store: Running) -> None:
    s3 = store.client("s3")
    for key in ("one", "two"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")

    s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "one"}, {"Key": "two"}]})

    batch = store.records(name="DeleteObjects")[-1]
    found = store.records(name="DeleteObject")
    each = [one for one in found if one["requestID"] == batch["requestID"]]
    assert [one["requestParameters"]["key"] for one in each] == ["one", "two"]
    assert {one["eventType"] for one in each} == {"AwsServiceEvent"}
