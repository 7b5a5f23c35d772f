"""An organization made by `opentrail org`, seen by the AWS CLI: trails, joins, leaves, proofs."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from running import ACCOUNT, Running, organization, running, wait_for

pytestmark = pytest.mark.contract

MEMBER, LATE = "222222222222", "333333333333"
TRAIL = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/everybody"


def key_of(server: Running, account: str) -> dict[str, str]:
    done = server.run("opentrail", "keys", "create", "--user", "worker", "--account", account)
    return dict(line.split("=", 1) for line in done.stdout.split())


def client(server: Running, service: str, key: dict[str, str]) -> Any:
    return server.client(service, **{name.lower(): value for name, value in key.items()})


def delivered(server: Running, account: str) -> list[str]:
    s3 = server.client("s3")
    found: list[str] = []
    for one in s3.list_objects_v2(Bucket="everybody").get("Contents", []):
        if f"/{account}/CloudTrail/" in one["Key"]:
            body = s3.get_object(Bucket="everybody", Key=one["Key"])["Body"].read()
            found += [each["eventName"] for each in json.loads(gzip.decompress(body))["Records"]]
    return found


def test_an_organizations_trail_from_first_to_last(tmp_path: Path) -> None:
    with running(
        tmp_path / "data", OPENTRAIL_BUCKET_POLICIES="check", OPENTRAIL_DIGEST_INTERVAL_SECONDS="3"
    ) as server:
        aws = lambda *words: server.run("aws", *words)  # noqa: E731 - reads as a session does
        member, late = key_of(server, MEMBER), key_of(server, LATE)
        made = server.run("opentrail", "org", "create").stdout.split()
        server.run("opentrail", "org", "add-account", MEMBER, "--name", "worker")
        wait_for(lambda: organization(server))
        described = json.loads(aws("organizations", "describe-organization").stdout)["Organization"]
        places = [
            "arn:aws:s3:::everybody",
            f"arn:aws:s3:::everybody/AWSLogs/{ACCOUNT}/*",
            f"arn:aws:s3:::everybody/AWSLogs/{described['Id']}/*",
        ]
        statement = {
            "Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": ["s3:GetBucketAcl", "s3:PutObject"], "Resource": places,
        }  # fmt: skip
        aws("s3", "mb", "s3://everybody")
        aws("s3api", "put-bucket-policy", "--bucket", "everybody", "--policy",
            json.dumps({"Version": "2012-10-17", "Statement": [statement]}))  # fmt: skip
        aws("cloudtrail", "create-trail", "--name", "everybody", "--s3-bucket-name", "everybody",
            "--is-organization-trail", "--enable-log-file-validation")  # fmt: skip
        aws("cloudtrail", "start-logging", "--name", "everybody")

        client(server, "iam", member).list_users()
        client(server, "iam", late).list_users()
        wait_for(lambda: "ListUsers" in delivered(server, MEMBER))
        server.run("opentrail", "org", "add-account", LATE)
        wait_for(lambda: client(server, "cloudtrail", late).list_trails()["Trails"])
        client(server, "iam", late).list_roles()
        wait_for(lambda: "ListRoles" in delivered(server, LATE))
        server.run("opentrail", "org", "remove-account", LATE)
        wait_for(lambda: not client(server, "cloudtrail", late).list_trails()["Trails"])
        client(server, "iam", late).list_groups()
        client(server, "iam", member).list_groups()
        aws("cloudtrail", "stop-logging", "--name", "everybody")
        wait_for(lambda: "ListGroups" in delivered(server, MEMBER))
        wait_for(lambda: "StopLogging" in delivered(server, ACCOUNT))
        digests = lambda: aws("s3", "ls", "--recursive", "s3://everybody/").stdout.count(  # noqa: E731
            "_CloudTrail-Digest_"
        )
        wait_for(lambda: digests() >= 3)
        assert wait_for(lambda: settled(server))
        validated = {
            account: aws(
                "cloudtrail", "validate-logs", "--trail-arn", TRAIL, "--account-id", account,
                "--start-time", "2020-01-01T00:00:00Z", "--verbose",
            )
            for account in (ACCOUNT, MEMBER, LATE)
        }  # fmt: skip
        verified = server.run("opentrail", "verify", "s3://everybody", "--format", "json")
        records = server.records()
        names = [one for one in delivered(server, LATE) if one != "ListTrails"]

    assert described["Id"] == made[2].rstrip(",")
    assert names == ["ListRoles"]
    for account, done in validated.items():
        assert "INVALID" not in done.stdout + done.stderr
        assert f"/{described['Id']}/{account}/CloudTrail/" in done.stdout
    assert json.loads(verified.stdout)["verdict"] == "VALID"
    changes = [one for one in records if one["eventSource"] == "organizations.amazonaws.com"]
    told = [one["eventName"] for one in changes if one["eventType"] == "AwsServiceEvent"]
    assert told == ["AccountJoinedOrganization", "AccountDepartedOrganization"]
    asked = [one for one in changes if one["eventName"] == "DescribeOrganization"]
    assert asked
    assert asked[0]["userIdentity"]["accountId"] == ACCOUNT


def settled(server: Running) -> bool:
    """Whether a digest lists every file."""
    done = server.run("opentrail", "verify", "s3://everybody", "--format", "json", check=False)
    return json.loads(done.stdout)["verdict"] == "VALID"
