"""What a trail delivers to beside its bucket: topics, log groups, keys; and the AWS CLI's commands
that set them up."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running import ACCOUNT, Running, running, wait_for

pytestmark = pytest.mark.contract

SERVICE = {"Service": "cloudtrail.amazonaws.com"}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("d") / "data", OPENTRAIL_BUCKET_POLICIES="check") as made:
        yield made


def allow(bucket: str) -> str:
    statement = {
        "Effect": "Allow", "Principal": SERVICE, "Action": ["s3:GetBucketAcl", "s3:PutObject"],
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
    }  # fmt: skip
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def bucket(here: Running, name: str) -> str:
    s3 = here.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_policy(Bucket=name, Policy=allow(name))
    return name


def keys(here: Running, name: str, folder: str = "/CloudTrail/") -> list[str]:
    listed = here.client("s3").list_objects_v2(Bucket=name).get("Contents", [])
    return [one["Key"] for one in listed if folder in one["Key"]]


def messages(here: Running, url: str) -> list[dict[str, Any]]:
    sqs = here.client("sqs")
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for one in found:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
    return [json.loads(json.loads(one["Body"])["Message"]) for one in found]


def test_the_cli_subscribes_and_updates_a_subscription(here: Running) -> None:
    made = here.run(
        "aws", "cloudtrail", "create-subscription", "--name", "subscribed",
        "--s3-new-bucket", "subscribed-logs", "--s3-prefix", "kept",
        "--sns-new-topic", "subscribed-topic",
    )  # fmt: skip
    arn = f"arn:aws:sns:us-east-1:{ACCOUNT}:subscribed-topic"
    url = here.client("sqs").create_queue(QueueName="subscribed")["QueueUrl"]
    here.client("sns").subscribe(
        TopicArn=arn, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{ACCOUNT}:subscribed"
    )
    here.client("iam").create_user(UserName="told")
    found = wait_for(lambda: messages(here, url))
    updated = here.run(
        "aws", "cloudtrail", "update-subscription", "--name", "subscribed",
        "--s3-new-bucket", "subscribed-again", "--s3-prefix", "kept",
    )  # fmt: skip

    assert "Logs will be delivered to subscribed-logs:kept" in made.stdout
    assert "subscribed-again" in updated.stdout
    status = here.client("cloudtrail").get_trail_status(Name="subscribed")
    assert status["IsLogging"]
    assert status["LatestNotificationTime"]
    delivered = keys(here, "subscribed-logs")
    assert [one["s3Bucket"] for one in found] == ["subscribed-logs"] * len(found)
    assert {key for one in found for key in one["s3ObjectKey"]} <= set(delivered)
    policies = [one for one in here.records(name="GetObject") if "awscloudtrail" in str(one)]
    assert len(policies) == 3
    here.client("cloudtrail").delete_trail(Name="subscribed")


def test_records_reach_the_log_group(here: Running) -> None:
    logs, iam = here.client("logs"), here.client("iam")
    logs.create_log_group(logGroupName="trails")
    group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:trails:*"
    trust = {"Statement": {"Effect": "Allow", "Principal": SERVICE, "Action": "sts:AssumeRole"}}
    role = iam.create_role(RoleName="to-logs", AssumeRolePolicyDocument=json.dumps(trust))
    may = {
        "Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"{group.removesuffix('*')}log-stream:*",
    }  # fmt: skip
    policy = iam.create_policy(
        PolicyName="to-logs",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [may]}),
    )
    iam.attach_role_policy(RoleName="to-logs", PolicyArn=policy["Policy"]["Arn"])
    trails = here.client("cloudtrail")
    trails.create_trail(
        Name="to-logs", S3BucketName=bucket(here, "to-logs"), CloudWatchLogsLogGroupArn=group,
        CloudWatchLogsRoleArn=role["Role"]["Arn"],
    )  # fmt: skip
    trails.start_logging(Name="to-logs")

    iam.create_user(UserName="in-the-log")

    def events() -> list[dict[str, Any]]:
        found = logs.filter_log_events(logGroupName="trails")["events"]
        assert {one["logStreamName"] for one in found} <= {f"{ACCOUNT}_CloudTrail_us-east-1"}
        return [json.loads(one["message"]) for one in found]

    wait_for(lambda: "CreateUser" in [one["eventName"] for one in events()])
    trails.stop_logging(Name="to-logs")

    def filed() -> list[dict[str, Any]]:
        return [
            one
            for key in keys(here, "to-logs")
            for one in json.loads(gzip.decompress(object_of(here, "to-logs", key)))["Records"]
        ]

    # The group shows records before their log file is closed.
    for found in (events, filed):
        wait_for(lambda found=found: "StopLogging" in [one["eventName"] for one in found()])
    assert sorted(one["eventID"] for one in events()) == sorted(one["eventID"] for one in filed())
    wait_for(lambda: "LatestCloudWatchLogsDeliveryTime" in trails.get_trail_status(Name="to-logs"))
    streams = logs.describe_log_streams(logGroupName="trails")["logStreams"]
    assert [one["logStreamName"] for one in streams] == [f"{ACCOUNT}_CloudTrail_us-east-1"]
    trails.delete_trail(Name="to-logs")


def object_of(here: Running, name: str, key: str) -> bytes:
    return here.client("s3").get_object(Bucket=name, Key=key)["Body"].read()


def test_log_files_are_encrypted_with_the_trails_key(here: Running) -> None:
    kms, trails = here.client("kms"), here.client("cloudtrail")
    own = {
        "Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*",
    }  # fmt: skip
    ours = {
        "Effect": "Allow", "Principal": SERVICE, "Action": "kms:GenerateDataKey*", "Resource": "*",
    }  # fmt: skip
    key = kms.create_key(Policy=json.dumps({"Statement": [own, ours]}))["KeyMetadata"]
    kms.create_alias(AliasName="alias/logs", TargetKeyId=key["KeyId"])
    made = trails.create_trail(
        Name="secret", S3BucketName=bucket(here, "secret-logs"), KmsKeyId="alias/logs",
        EnableLogFileValidation=True,
    )  # fmt: skip
    trails.start_logging(Name="secret")
    here.client("iam").create_user(UserName="hidden-in-the-bucket")
    (file, *_) = wait_for(lambda: keys(here, "secret-logs"))
    trails.stop_logging(Name="secret")
    wait_for(lambda: keys(here, "secret-logs", "/CloudTrail-Digest/"))

    stored = here.client("s3").get_object(Bucket="secret-logs", Key=file)
    body = stored["Body"].read()
    verified = here.run("opentrail", "verify", "s3://secret-logs", "--format", "json")

    assert made["KmsKeyId"] == key["Arn"]
    assert body[:2] != b"\x1f\x8b"
    assert stored["Metadata"]["x-amz-wrap-alg"] == "kms+context"
    assert json.loads(stored["Metadata"]["x-amz-matdesc"])["aws:cloudtrail:arn"] == made["TrailARN"]
    assert json.loads(verified.stdout)["verdict"] == "VALID"
    trails.delete_trail(Name="secret")


def test_the_doctor_says_what_is_missing_and_the_statement_cures_it(here: Running) -> None:
    s3, trails = here.client("s3"), here.client("cloudtrail")
    trails.create_trail(Name="sick", S3BucketName=bucket(here, "sick-logs"))
    trails.start_logging(Name="sick")
    s3.delete_bucket_policy(Bucket="sick-logs")

    sick = here.run("opentrail", "trails", "doctor", "sick", "--format", "json", check=False)
    told = json.loads(sick.stdout)
    missing = [one for finding in told["findings"] for one in finding["statements"]]
    s3.put_bucket_policy(
        Bucket="sick-logs", Policy=json.dumps({"Version": "2012-10-17", "Statement": missing})
    )
    well = here.run("opentrail", "trails", "doctor", "sick")

    assert sick.returncode == 1
    assert not told["good"]
    assert [one["Action"] for one in missing] == ["s3:GetBucketAcl", "s3:PutObject"]
    assert "FAIL" not in well.stdout
    trails.update_trail(Name="sick", EnableLogFileValidation=True)
    trails.delete_trail(Name="sick")


def test_selectors_are_explained(here: Running, tmp_path: Path) -> None:
    here.client("iam").list_users()
    record = here.records(name="ListUsers")[-1]
    selector = {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]},
                                   {"Field": "readOnly", "Equals": ["false"]}]}  # fmt: skip
    (tmp_path / "selectors.json").write_text(json.dumps([selector]))
    words = ("opentrail", "selectors", "explain", record["eventID"], "--file")

    done = wait_for(
        lambda: (
            (told := here.run(*words, str(tmp_path / "selectors.json"), check=False))
            and told.returncode != 3  # it is in the store of events a moment later
            and told
        )
    )

    assert done.returncode == 1
    assert "readOnly Equals false: the record has true" in done.stdout
