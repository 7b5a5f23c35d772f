"""Version 4A, forms from browsers, and chunks with trailers: told and checked as what they are."""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from awscrt.auth import (  # type: ignore[import-untyped]
    AwsCredentialsProvider,
    AwsSignatureType,
    AwsSignedBodyHeaderType,
    AwsSigningAlgorithm,
    AwsSigningConfig,
    aws_sign_request,
)
from awscrt.http import HttpHeaders, HttpRequest  # type: ignore[import-untyped]
from botocore.config import Config
from wire import call_of, request_of

from opentrail.aws.decode import read_call
from opentrail.aws.observed import ObservedRequest
from opentrail.aws.routing import read_scope
from opentrail.aws.sigv4 import SignatureRefused, SigningSecret, verify
from opentrail.record import read_record
from opentrail.recording import RecordFacts, compose

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG"
KNOWN = SigningSecret(secret_access_key=SECRET)
FACTS = RecordFacts(event_id="e", account_id="123456789012")


def request(
    method: str, target: str, headers: list[tuple[str, str]], body: bytes = b""
) -> ObservedRequest:
    return ObservedRequest(
        method=method,
        target=target,
        headers=tuple(headers),
        body=body,
        body_length=len(body),
        peer_address="127.0.0.1",
        started=datetime.now(UTC),
    )


def signed_4a(region_set: str, secret: str = SECRET) -> ObservedRequest:
    """As the AWS common runtime signs it, which SDKs use for version 4A."""
    unsigned = HttpRequest("GET", "/bucket/k%20y?x=1", HttpHeaders([("host", "127.0.0.1:4600")]))
    config = AwsSigningConfig(
        algorithm=AwsSigningAlgorithm.V4_ASYMMETRIC,
        signature_type=AwsSignatureType.HTTP_REQUEST_HEADERS,
        credentials_provider=AwsCredentialsProvider.new_static(KEY, secret),
        region=region_set,
        service="s3",
        date=datetime.now(UTC),
        use_double_uri_encode=False,
        should_normalize_uri_path=False,
        signed_body_value="UNSIGNED-PAYLOAD",
        signed_body_header_type=AwsSignedBodyHeaderType.X_AMZ_CONTENT_SHA_256,
    )
    signed = aws_sign_request(unsigned, config).result()
    return request("GET", "/bucket/k%20y?x=1", list(signed.headers))


@pytest.mark.parametrize(
    ("region_set", "region"), [("eu-west-1,us-east-1", "eu-west-1"), ("*", "us-east-1")]
)
def test_version_4a_is_decoded_and_checked(region_set: str, region: str) -> None:
    sent = signed_4a(region_set)

    call = read_call(call_of(sent), "us-east-1")

    assert call.operation is not None
    assert (call.operation.name, call.region) == ("GetObject", region)
    assert call.scope is not None
    assert call.scope.access_key_id == KEY
    verify(sent, call.scope, KNOWN, datetime.now(UTC), service="", payload_sha256="")


def test_version_4a_of_another_secret_or_target_is_refused() -> None:
    wrong = signed_4a("*", "another-secret")
    with pytest.raises(SignatureRefused):
        verify(wrong, read_scope(wrong), KNOWN, datetime.now(UTC), service="", payload_sha256="")
    sent = signed_4a("*")
    moved = request("GET", "/bucket/other?x=1", list(sent.headers))
    with pytest.raises(SignatureRefused):
        verify(moved, read_scope(moved), KNOWN, datetime.now(UTC), service="", payload_sha256="")


def posted(signature_version: str) -> ObservedRequest:
    """What a browser sends for a form that boto3 made."""
    s3 = boto3.client(
        "s3", region_name="eu-west-1", aws_access_key_id=KEY, aws_secret_access_key=SECRET,
        config=Config(signature_version=signature_version),
    )  # fmt: skip
    form = s3.generate_presigned_post("bucket", "folder/${filename}", ExpiresIn=60)
    parts = [
        f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in form["fields"].items()
    ]
    parts.append(
        '--edge\r\nContent-Disposition: form-data; name="file"; filename="cat.png"\r\n'
        "Content-Type: image/png\r\n\r\nPICTURE\r\n--edge--\r\n"
    )
    headers = [
        ("Host", "127.0.0.1:4600"),
        ("Content-Type", "multipart/form-data; boundary=edge"),
    ]
    return request("POST", "/bucket", headers, "".join(parts).encode())


@pytest.mark.parametrize("signature_version", ["s3v4", "s3"])
def test_an_upload_from_a_form_is_recorded_with_who_signed_it(signature_version: str) -> None:
    call = read_call(call_of(posted(signature_version), status=204), "us-east-1")

    raw = compose(call, None, facts=FACTS)
    head = read_record(raw).head

    assert call.scope is not None
    assert call.scope.access_key_id == KEY
    assert (head.event_name, head.event_category) == ("PostObject", "Data")
    assert b'"bucketName":"bucket"' in raw
    assert b'"key":"folder/cat.png"' in raw
    assert b"PICTURE" not in raw
    assert b"policy" not in raw
    assert b'ignature"' not in raw


@pytest.mark.parametrize("body", [b"", b"--edge", b"\xff" * 100, b"--edge\r\n\r\n\r\n--edge--"])
def test_a_form_that_is_none_is_recorded_all_the_same(body: bytes) -> None:
    headers = [("Host", "h"), ("Content-Type", "multipart/form-data; boundary=edge")]
    call = read_call(call_of(request("POST", "/bucket", headers, body), status=400), "us-east-1")

    assert read_record(compose(call, None, facts=FACTS)).head.event_name == "PostObject"


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("s3", "PutObject", {"Bucket": "bucket", "Key": "a b/ü+?", "Body": b"content"}),
        ("s3", "ListObjectsV2", {"Bucket": "bucket", "Prefix": "a/b ü", "StartAfter": "="}),
        ("s3", "PutObject", {"Bucket": "bucket", "Key": "k", "Metadata": {"A": "b  c"}}),
        ("sqs", "SendMessage", {"QueueUrl": "http://127.0.0.1:1/1/q", "MessageBody": "ü"}),
        ("lambda", "GetFunction", {"FunctionName": "arn:aws:lambda:eu-west-1:1:function:f"}),
    ],
)
def test_signatures_of_boto3_pass_and_late_ones_do_not(
    service: str, operation: str, parameters: dict[str, Any]
) -> None:
    sent = request_of(service, operation, parameters)
    secret = SigningSecret(secret_access_key="secret")
    now = datetime.now(UTC)

    verify(sent, read_scope(sent), secret, now, service="")

    late = now + timedelta(minutes=16 if service == "s3" else 6)
    with pytest.raises(SignatureRefused, match="expired"):
        verify(sent, read_scope(sent), secret, late, service="")
