"""TLS, services, signatures, unknown keys, digests of secrets and in-process records, for real."""

import json
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from backends import Backends, backends
from botocore.config import Config
from botocore.exceptions import ClientError
from running import ACCOUNT, BIN, Running, running, wait_for

from opentrail.recorder import BotocoreRecorder, ServerSink
from opentrail.recording import Redaction

pytestmark = pytest.mark.contract
POLICY = json.dumps({
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/ü*"}],
})  # fmt: skip
SERVICE_KEY = "AKIASERVICESERVICE00"


@pytest.fixture(scope="module")
def behind() -> Any:
    with backends() as made:
        yield made


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory, behind: Backends) -> Any:
    """A server that checks signatures, speaks TLS and keeps digests of secrets."""
    directory = tmp_path_factory.mktemp("strict")
    certificate, key = directory / "cert.pem", directory / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key),
         "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    data = directory / "data"
    with running(
        data,
        *behind.arguments,
        OPENTRAIL_TLS_CERTIFICATE=str(certificate),
        OPENTRAIL_TLS_KEY=str(key),
        OPENTRAIL_SIGNATURE_CHECKS="sqs=note,*=refuse",
        OPENTRAIL_SECRETS="digest",
        OPENTRAIL_KEEP_OMITTED="true",
        OPENTRAIL_LOOK_UP_KEYS="true",
        **behind.settings,
    ) as server:
        path = data / "identities.toml"
        path.write_text(
            path.read_text() + f'\n[[services]]\naccount = "{ACCOUNT}"\nservice = '
            f'"backup.example.com"\naccess_key_id = "{SERVICE_KEY}"\n'
            'secret_access_key = "service-secret"\n'
        )
        time.sleep(1.3)
        server.settings["AWS_CA_BUNDLE"] = str(certificate)
        yield server


def secure_client(server: Running, service: str, **options: Any) -> Any:
    keys = {
        "aws_access_key_id": server.exports["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": server.exports["AWS_SECRET_ACCESS_KEY"],
    }
    return boto3.session.Session().client(
        service,
        region_name="us-east-1",
        endpoint_url=f"https://127.0.0.1:{server.port}",
        verify=server.settings["AWS_CA_BUNDLE"],
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        **(keys | options),
    )


def test_tls_details_are_recorded(strict: Running) -> None:
    secure_client(strict, "sts").get_caller_identity()

    details = strict.records(name="GetCallerIdentity")[-1]["tlsDetails"]
    assert details["tlsVersion"] == "TLSv1.3"
    assert details["cipherSuite"].startswith("TLS_AES_")
    assert details["clientProvidedHostHeader"] == f"127.0.0.1:{strict.port}"


def test_old_tls_is_refused(strict: Running) -> None:
    done = subprocess.run(
        ["openssl", "s_client", "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0", "-connect",
         f"127.0.0.1:{strict.port}"],
        input=b"", capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert b"Cipher is (NONE)" in done.stdout


def test_a_wrong_signature_is_refused_before_it_is_forwarded_and_recorded(strict: Running) -> None:
    iam = secure_client(strict, "iam", aws_secret_access_key="wrong")

    with pytest.raises(ClientError) as refused:
        iam.create_user(UserName="mallory")

    assert refused.value.response["Error"]["Code"] == "InvalidSignatureException"
    record = strict.records(name="CreateUser")[-1]
    assert record["errorCode"] == "InvalidSignatureException"
    assert record["requestParameters"] == {"userName": "mallory"}
    assert record["additionalEventData"]["opentrail"]["signatureVerified"] is False
    with pytest.raises(ClientError, match="NoSuchEntity"):
        secure_client(strict, "iam").get_user(UserName="mallory")


def test_right_signatures_of_all_forms_pass(strict: Running) -> None:
    s3 = secure_client(strict, "s3", aws_access_key_id="AKIABACKENDSBACKENDS",
                       aws_secret_access_key="backend-secret")  # fmt: skip
    iam = secure_client(strict, "iam")
    iam.create_user(UserName="alice")
    iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=POLICY)

    assert iam.get_user(UserName="alice")["User"]["UserName"] == "alice"
    record = strict.records(name="GetUser")[-1]
    assert "additionalEventData" not in record
    with pytest.raises(ClientError) as refused:  # a key that this server does not know
        s3.list_buckets()
    assert refused.value.response["Error"]["Code"] == "InvalidAccessKeyId"


def test_a_wrong_signature_can_be_only_noted(strict: Running) -> None:
    secure_client(strict, "sqs", aws_secret_access_key="wrong").list_queues()
    assert strict.records(name="ListQueues")[-1]["additionalEventData"] == {
        "opentrail": {"signatureVerified": False}
    }
    secure_client(strict, "sqs").list_queues()
    assert "additionalEventData" not in strict.records(name="ListQueues")[-1]


def test_a_service_is_told_as_a_service(strict: Running) -> None:
    keys = {"aws_access_key_id": SERVICE_KEY, "aws_secret_access_key": "service-secret"}
    sts = secure_client(strict, "sts", **keys)
    role = secure_client(strict, "iam").create_role(
        RoleName="for-backups", AssumeRolePolicyDocument="{}"
    )["Role"]
    session = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="nightly")["Credentials"]
    secure_client(
        strict,
        "iam",
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    ).list_roles()

    assumed = strict.records(name="AssumeRole")[-1]
    assert assumed["userIdentity"] == {"type": "AWSService", "invokedBy": "backup.example.com"}
    assert assumed["sourceIPAddress"] == assumed["userAgent"] == "backup.example.com"
    assert "tlsDetails" not in assumed
    listed = strict.records(name="ListRoles")[-1]
    assert listed["userIdentity"]["type"] == "AssumedRole"
    assert listed["userIdentity"]["invokedBy"] == "backup.example.com"


def test_digests_find_a_secret_and_do_not_tell_it(strict: Running) -> None:
    secrets = secure_client(strict, "secretsmanager")
    secrets.create_secret(Name="digested", SecretString="open sesame")

    record = strict.records(name="CreateSecret")[-1]
    kept = record["requestParameters"]["secretString"]
    assert kept.startswith("HIDDEN_DUE_TO_SECURITY_REASONS:hmac-sha256:")
    assert "sesame" not in json.dumps(record)
    told = subprocess.run(
        [str(BIN / "opentrail"), "secret-digest"], input="open sesame\n", text=True,
        capture_output=True, env=strict.environment(), check=False,
    )  # fmt: skip
    assert told.stdout.strip() == kept, told.stderr
    key = (strict.data / "keys" / "redaction").read_bytes()
    assert Redaction(digest_key=key).hide("open sesame") == kept


def test_parameters_too_large_are_kept_aside(strict: Running) -> None:
    document = "{" + " " * 150_000 + "}"
    with pytest.raises(ClientError):
        secure_client(strict, "iam").create_policy(PolicyName="large", PolicyDocument=document)

    omitted = strict.records(name="CreatePolicy")[-1]["additionalEventData"]["opentrail"]["omitted"]
    told = omitted["requestParameters"]
    kept = (strict.data / "omitted" / f"{told['sha256']}.json").read_bytes()
    assert len(kept) == told["length"]
    assert json.loads(kept)["policyDocument"] == document


def test_an_unknown_key_is_looked_up(tmp_path: Path, behind: Backends) -> None:
    moto = boto3.session.Session().client(
        "iam", region_name="us-east-1", endpoint_url=behind.moto,
        aws_access_key_id="a", aws_secret_access_key="b",
    )  # fmt: skip
    moto.create_user(UserName="elsewhere")
    made = moto.create_access_key(UserName="elsewhere")["AccessKey"]
    with running(tmp_path / "data", *behind.arguments, OPENTRAIL_LOOK_UP_KEYS="true",
                 **behind.settings) as server:  # fmt: skip
        for key in (made["AccessKeyId"], "AKIAOFNOBODYATALL000"):
            server.client("sqs", aws_access_key_id=key, aws_secret_access_key="x").list_queues()

        found, unknown = (one["userIdentity"] for one in server.records(name="ListQueues"))

    assert found["userName"] == "elsewhere"
    assert found["type"] == "IAMUser"
    assert unknown["type"] == "Unknown"


def test_records_of_a_program_reach_the_server(tmp_path: Path, behind: Backends) -> None:
    with running(tmp_path / "data", *behind.arguments, **behind.settings) as server:
        key, secret = (server.exports[f"AWS_{name}"] for name in
                       ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))  # fmt: skip
        sink = ServerSink(
            f"http://127.0.0.1:{server.port}", access_key_id=key, secret_access_key=secret
        )
        session = botocore.session.Session()
        BotocoreRecorder(sink, principal=sink.principal()).attach(session)
        direct = session.create_client(
            "sns", region_name="us-east-1", endpoint_url=behind.moto,
            aws_access_key_id=key, aws_secret_access_key=secret,
        )  # fmt: skip
        direct.create_topic(Name="in-process")
        sink.close()

        (record,) = wait_for(lambda: server.records(name="CreateTopic"))
        assert record["userIdentity"]["userName"] == "admin"
        assert record["requestParameters"] == {"name": "in-process"}
        found = server.client("cloudtrail")
        wait_for(lambda: found.lookup_events(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateTopic"}]
        )["Events"])  # fmt: skip


def test_numbers_that_never_came_are_told(tmp_path: Path, behind: Backends) -> None:
    with running(tmp_path / "data", *behind.arguments, **behind.settings) as server:
        key, secret = (server.exports[f"AWS_{name}"] for name in
                       ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))  # fmt: skip
        sink = ServerSink(
            f"http://127.0.0.1:{server.port}", access_key_id=key, secret_access_key=secret
        )
        server.client("sqs").list_queues()
        like = json.dumps(server.records(name="ListQueues")[0]).encode()
        sink(like)
        time.sleep(0.5)
        sink._number += 3  # as if three had found no room
        sink(like)
        sink.close()

        (gap,) = wait_for(lambda: server.records(name="RecordingGap"))
        assert gap["serviceEventDetails"]["missingRecords"] == 3
        status = wait_for(
            lambda: (
                (done := server.run("opentrail", "status", "--format", "json", check=False))
                and done.returncode == 1
                and done
            )
        )
        assert json.loads(status.stdout)["lost"] == 3
        metrics = urllib.request.urlopen(f"http://127.0.0.1:{server.port}/-/metrics").read()
        assert b"opentrail_calls_lost_total 3.0" in metrics
        assert b"opentrail_calls_forwarded_total 1.0" in metrics
