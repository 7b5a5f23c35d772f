"""How calls are signed, or not, as SeaweedFS lets them in and as records tell it."""

import json
import urllib.error
import urllib.request

import pytest
from running import Running

pytestmark = pytest.mark.contract

BUCKET = "callers"


@pytest.fixture(scope="module")
def store(server: Running) -> Running:
    s3 = server.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"content")
    return server


def last(server: Running, name: str) -> dict[str, object]:
    return server.records(name=name)[-1]


def test_a_presigned_url_is_recorded_without_its_signature(store: Running) -> None:
    url = store.client("s3").generate_presigned_url(
        "get_object", Params={"Bucket": BUCKET, "Key": "k"}, ExpiresIn=60
    )

    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"content"

    record = last(store, "GetObject")
    text = json.dumps(record)
    assert record["userIdentity"]["userName"] == "admin"  # type: ignore[index]
    assert '"AuthenticationMethod": "QueryString"' in text
    assert '"SignatureVersion": "SigV2"' in text  # what boto3 presigns with for other endpoints
    assert "Signature=" not in text


def test_a_presigned_upload_is_recorded(store: Running) -> None:
    signer = store.client("s3")
    # boto3 presigns for other endpoints with version 2 unless told otherwise.
    signer.meta.events.register("choose-signer.s3.PutObject", lambda **_: "s3v4-query")
    url = signer.generate_presigned_url(
        "put_object", Params={"Bucket": BUCKET, "Key": "up"}, ExpiresIn=60
    )

    with urllib.request.urlopen(urllib.request.Request(url, b"12345", method="PUT")):
        pass

    record = last(store, "PutObject")
    assert record["requestParameters"]["key"] == "up"  # type: ignore[index]
    more = record["additionalEventData"]
    assert more["bytesTransferredIn"] == 5  # type: ignore[index]
    assert more["SignatureVersion"] == "SigV4"  # type: ignore[index]


def test_an_anonymous_call_is_recorded_as_such(store: Running) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{store.exports['AWS_ENDPOINT_URL']}/{BUCKET}/k")
    refused.value.close()

    record = last(store, "GetObject")
    assert record["userIdentity"] == {
        "type": "AWSAccount", "principalId": "", "accountId": "anonymous"
    }  # fmt: skip
    assert record["errorCode"] == "AccessDenied"


def test_a_multipart_upload_is_recorded_step_by_step(store: Running) -> None:
    s3 = store.client("s3")
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="parts")["UploadId"]
    part = s3.upload_part(Bucket=BUCKET, Key="parts", UploadId=upload, PartNumber=1, Body=b"x" * 99)
    s3.complete_multipart_upload(
        Bucket=BUCKET, Key="parts", UploadId=upload,
        MultipartUpload={"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]},
    )  # fmt: skip
    s3.copy_object(Bucket=BUCKET, Key="copy", CopySource=f"{BUCKET}/parts")

    names = [one["eventName"] for one in store.records()][-4:]

    assert names == ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "CopyObject"]
    assert last(store, "UploadPart")["requestParameters"]["partNumber"] == "1"  # type: ignore[index]
