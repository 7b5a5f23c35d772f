"""Secrets of calls are nowhere: not in the data directory, the logs, the metrics or an error."""

import json
import socket
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from running import running

pytestmark = pytest.mark.contract

CANARY = "CANARY-8d1f-nowhere"
KEPT_BY_OTHERS = ("embedded",)
"""The services' own data: SeaweedFS keeps what it is given."""


def files_with(text: bytes, directory: Path) -> list[str]:
    return [
        str(path.relative_to(directory))
        for path in sorted(directory.rglob("*"))
        if path.is_file()
        and path.relative_to(directory).parts[0] not in KEPT_BY_OTHERS
        and text in path.read_bytes()
    ]


def test_a_secret_is_nowhere_after_calls_of_all_kinds(tmp_path: Path) -> None:
    with running(tmp_path / "data", OPENTRAIL_LOG_LEVEL="debug") as server:
        told: list[str] = []
        calls = {
            "secretsmanager": lambda c: c.create_secret(Name="n", SecretString=CANARY),
            "ssm": lambda c: c.put_parameter(Name="/n", Value=CANARY, Type="SecureString"),
            "sqs": lambda c: c.send_message(QueueUrl="http://x/1/none", MessageBody=CANARY),
            "kms": lambda c: c.encrypt(KeyId="none", Plaintext=CANARY.encode()),
            "rds": lambda c: c.create_db_instance(
                DBInstanceIdentifier="d", DBInstanceClass="db.t3.micro", Engine="nonsense",
                MasterUsername="u", MasterUserPassword=CANARY),
            "iam": lambda c: c.create_login_profile(UserName="nobody", Password=CANARY),
            "sts": lambda c: c.assume_role_with_web_identity(
                RoleArn="arn:aws:iam::123456789012:role/r", RoleSessionName="se",
                WebIdentityToken=CANARY),
        }  # fmt: skip
        for service, call in calls.items():
            try:
                call(server.client(service))
            except ClientError as refused:
                told.append(json.dumps(refused.response, default=str))
        for target in ("AWSSecretsManager.CreateSecret", "nonsense.Nothing"):
            with socket.create_connection(("127.0.0.1", server.port)) as raw:
                body = f'{{"SecretString":"{CANARY}"'.encode()  # no JSON
                raw.sendall(
                    f"POST /?X-Amz-Signature={CANARY} HTTP/1.1\r\nHost: h\r\nX-Amz-Target: "
                    f"{target}\r\nX-Amz-Security-Token: {CANARY}\r\nCookie: {CANARY}\r\n"
                    "Content-Type: application/x-amz-json-1.1\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n".encode()
                    + body
                )
                raw.recv(1 << 16)
        with suppress(OSError):
            urllib.request.urlopen(
                f"http://127.0.0.1:{server.port}/b/k?X-Amz-Security-Token={CANARY}"
                f"&X-Amz-Signature={CANARY}&AWSAccessKeyId=a&Signature={CANARY}&Expires=1"
            )
        metrics = urllib.request.urlopen(f"http://127.0.0.1:{server.port}/-/metrics").read()
        status = server.run("opentrail", "status", "--format", "json", check=False).stdout

        assert len(server.records()) >= len(calls) + 3
        assert CANARY.encode() not in metrics
        assert CANARY not in status + "".join(told)
        server.kill()
        server.start()
        assert files_with(CANARY.encode(), server.data) == []
