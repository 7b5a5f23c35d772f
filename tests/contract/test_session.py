"""README's session, with the real AWS CLI at one end, SeaweedFS and moto at the other."""

import gzip
import json
import time
from pathlib import Path

import pytest
from running import ACCOUNT, Running, running, wait_for

pytestmark = pytest.mark.contract

SELECTORS = '[{"DataResources":[{"Type":"AWS::S3::Object","Values":["arn:aws:s3:::data/"]}]}]'
TRAIL = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/main"


def objects(server: Running, bucket: str, part: str) -> list[str]:
    pages = server.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [one["Key"] for page in pages for one in page.get("Contents", ()) if part in one["Key"]]


def delivered(server: Running, bucket: str) -> list[dict[str, object]]:
    s3 = server.client("s3")
    found: list[dict[str, object]] = []
    for key in objects(server, bucket, "/CloudTrail/"):
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        found += json.loads(gzip.decompress(body))["Records"]
    return found


@pytest.mark.alone
def test_the_session_of_the_readme(tmp_path: Path) -> None:
    with running(tmp_path / "data", OPENTRAIL_DIGEST_INTERVAL_SECONDS="4") as server:
        aws = lambda *words: server.run("aws", *words)  # noqa: E731 - reads as the session does
        file = tmp_path / "file"
        file.write_text("hello")
        policy = json.dumps({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": "s3:PutObject", "Resource": "arn:aws:s3:::audit/*"}]})  # fmt: skip
        aws("s3", "mb", "s3://audit")
        aws("s3", "mb", "s3://data")
        aws("s3api", "put-bucket-policy", "--bucket", "audit", "--policy", policy)
        aws("cloudtrail", "create-trail", "--name", "main", "--s3-bucket-name", "audit",
            "--enable-log-file-validation")  # fmt: skip
        aws("cloudtrail", "put-event-selectors", "--trail-name", "main", "--event-selectors",
            SELECTORS)  # fmt: skip
        aws("cloudtrail", "start-logging", "--name", "main")
        aws("iam", "create-user", "--user-name", "alice")
        aws("s3", "cp", str(file), "s3://data/")
        aws("ec2", "describe-instances")

        answered = time.monotonic()
        found = wait_for(
            lambda: json.loads(
                aws("cloudtrail", "lookup-events", "--lookup-attributes",
                    "AttributeKey=EventName,AttributeValue=CreateUser").stdout
            )["Events"],
            seconds=5,
        )  # fmt: skip
        assert time.monotonic() - answered < 5
        assert found[0]["Username"] == "admin"
        assert found[0]["Resources"] == [
            {"ResourceType": "AWS::IAM::User", "ResourceName": "alice"}
        ]

        wait_for(lambda: {"CreateUser", "PutObject", "DescribeInstances", "StartLogging"}
                 <= {one["eventName"] for one in delivered(server, "audit")})  # fmt: skip
        wait_for(lambda: len(objects(server, "audit", "/CloudTrail-Digest/")) >= 3)
        aws("cloudtrail", "stop-logging", "--name", "main")
        wait_for(lambda: "StopLogging" in [one["eventName"] for one in delivered(server, "audit")])
        digests = len(objects(server, "audit", "/CloudTrail-Digest/"))
        wait_for(lambda: len(objects(server, "audit", "/CloudTrail-Digest/")) >= digests)
        time.sleep(2)
        validated = aws("cloudtrail", "validate-logs", "--trail-arn", TRAIL, "--start-time",
                        "2020-01-01T00:00:00Z", "--verbose")  # fmt: skip
        assert "INVALID" not in validated.stdout + validated.stderr
        assert "log files valid" in validated.stdout
        verified = server.run("opentrail", "verify", "s3://audit", "--format", "json")
        assert json.loads(verified.stdout)["verdict"] == "VALID"

        aws("s3", "cp", "--recursive", "--quiet", "s3://audit", str(tmp_path / "copy"))
        server.run("opentrail", "signing-keys", "export", str(tmp_path / "trust.json"))
        offline = server.run(
            "opentrail", "verify", str(tmp_path / "copy"), "--keys", str(tmp_path / "trust.json")
        )
        assert offline.stdout.startswith("VERDICT  VALID")

        names = [one["eventName"] for one in delivered(server, "audit")]
        assert names.count("StopLogging") == 1
        assert "ListObjects" not in names  # bucket audit is not in the selectors
        ids = [one["eventID"] for one in delivered(server, "audit")]
        assert len(ids) == len(set(ids))


def test_calls_behind_stop_logging_are_not_delivered(server: Running) -> None:
    trails, iam = server.client("cloudtrail"), server.client("iam")
    server.client("s3").create_bucket(Bucket="stopped")
    iam.list_users(PathPrefix="/before/")
    trails.create_trail(Name="stopped", S3BucketName="stopped")
    trails.start_logging(Name="stopped")
    iam.list_users(PathPrefix="/during/")
    trails.stop_logging(Name="stopped")
    iam.list_users(PathPrefix="/behind/")
    trails.start_logging(Name="stopped")
    iam.list_users(PathPrefix="/again/")

    wait_for(lambda: any("/again/" in json.dumps(one) for one in delivered(server, "stopped")))

    text = [
        (one["eventName"], (one["requestParameters"] or {}).get("pathPrefix"))
        for one in delivered(server, "stopped")
    ]
    assert ("ListUsers", "/during/") in text
    assert ("ListUsers", "/before/") not in text
    assert ("ListUsers", "/behind/") not in text
    assert ("StopLogging", None) in text
    trails.delete_trail(Name="stopped")


def test_a_session_of_an_assumed_role_is_recorded_as_such(server: Running) -> None:
    iam, sts = server.client("iam"), server.client("sts")
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument="{}")
    got = sts.assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/reader", RoleSessionName="bob-session"
    )["Credentials"]
    session = {
        "aws_access_key_id": got["AccessKeyId"],
        "aws_secret_access_key": got["SecretAccessKey"],
        "aws_session_token": got["SessionToken"],
    }
    server.client("ec2", **session).describe_vpcs()
    server.client("cloudtrail", **session).describe_trails()

    for name in ("DescribeVpcs", "DescribeTrails"):
        who = [one["userIdentity"] for one in server.records(name=name)][-1]
        assert who["type"] == "AssumedRole"
        assert who["arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/bob-session"
        assert who["sessionContext"]["sessionIssuer"]["userName"] == "reader"
        assert who["principalId"].endswith(":bob-session")
    assumed = server.records(name="AssumeRole")[-1]
    assert got["SecretAccessKey"] not in json.dumps(assumed)
    assert got["SessionToken"] not in json.dumps(assumed)


def test_a_role_of_another_account_is_recorded_in_both(server: Running) -> None:
    other = "999999999999"
    server.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{other}:role/auditor", RoleSessionName="visit"
    )

    own, copy = server.records(name="AssumeRole")[-2:]

    assert own["sharedEventID"] == copy["sharedEventID"]
    assert own["eventID"] != copy["eventID"]
    assert (own["recipientAccountId"], copy["recipientAccountId"]) == (ACCOUNT, other)
    assert own["userIdentity"]["type"] == "IAMUser"
    assert copy["userIdentity"] == {
        "type": "AWSAccount", "principalId": own["userIdentity"]["principalId"],
        "accountId": ACCOUNT,
    }  # fmt: skip


def test_an_unknown_key_is_recorded_as_unknown(server: Running) -> None:
    foreign = {"aws_access_key_id": "AKIAUNKNOWNUNKNOWN00", "aws_secret_access_key": "x"}
    server.client("sqs", **foreign).list_queues()

    who = server.records(name="ListQueues")[-1]["userIdentity"]

    assert who["type"] == "Unknown"
    assert who["accessKeyId"] == "AKIAUNKNOWNUNKNOWN00"
    assert "arn" not in who


def test_a_second_server_on_the_same_directory_is_refused(server: Running) -> None:
    done = server.run("opentrail", "serve", "--port", "0", check=False)

    assert done.returncode == 2
    assert "is in use by process" in done.stderr


def test_a_port_that_is_taken_is_told(server: Running, tmp_path: Path) -> None:
    done = server.run(
        "opentrail", "serve", "--data", str(tmp_path / "other"), "--port", str(server.port),
        "--upstream", "*=http://127.0.0.1:1", check=False, OPENTRAIL_DATA=str(tmp_path / "other"),
    )  # fmt: skip

    assert done.returncode == 3
    assert "can't be listened on: Address already in use" in done.stderr


def test_secrets_are_in_no_file_of_the_directory(server: Running) -> None:
    canary = "CANARY-7f3a9c-SECRET"
    server.client("secretsmanager").create_secret(Name="s1", SecretString=canary)
    server.client("ssm").put_parameter(Name="/p", Value=canary, Type="SecureString")
    server.client("rds").create_db_instance(
        DBInstanceIdentifier="db1", DBInstanceClass="db.t3.micro", Engine="mysql",
        MasterUsername="root", MasterUserPassword=canary, AllocatedStorage=20,
    )  # fmt: skip
    server.client("iam").create_user(UserName="carol")
    server.client("iam").create_login_profile(UserName="carol", Password=canary)
    time.sleep(1.5)

    own = [
        path for path in server.data.rglob("*") if path.is_file() and "embedded" not in str(path)
    ]
    assert own
    for path in own:
        assert canary.encode() not in path.read_bytes(), path


def test_stopping_leaves_no_process_behind(tmp_path: Path) -> None:
    server = running(tmp_path / "data")
    with server as made:
        made.client("sts").get_caller_identity()
        assert made.process is not None
        marker = str(tmp_path)
    left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if marker.encode() in _read(path)]

    assert left == []
    assert made.process.returncode == 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
