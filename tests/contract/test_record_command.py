"""`opentrail record -- COMMAND` around the AWS CLI and boto3."""

import json
import sys
from pathlib import Path

import pytest
from running import ACCOUNT, BIN, Running

pytestmark = pytest.mark.contract

PROGRAM = """
import boto3
iam, sts = boto3.client("iam"), boto3.client("sts")
iam.create_role(RoleName="worker", AssumeRolePolicyDocument="{}")
got = sts.assume_role(RoleArn="arn:aws:iam::123456789012:role/worker", RoleSessionName="one")
key = got["Credentials"]
session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"])
session.client("sqs").list_queues()
session.client("dynamodb").list_tables()
try:
    iam.get_user(UserName="nobody")
except iam.exceptions.NoSuchEntityException:
    pass
"""


def test_a_program_is_told_with_its_sessions(server: Running, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    server.client("ec2").describe_regions()  # somebody else's, before

    done = server.run("opentrail", "record", "--", sys.executable, str(program))

    names = [line.split()[1] for line in done.stdout.splitlines()[:-1]]
    assert names == ["CreateRole", "AssumeRole", "ListQueues", "ListTables", "GetUser"]
    assert done.stdout.splitlines()[-1] == "5 calls, 1 failed, 5 kinds"


def test_the_least_privilege_of_a_command(server: Running, tmp_path: Path) -> None:
    server.client("s3").create_bucket(Bucket="needed")
    file = tmp_path / "file"
    file.write_text("x")

    server.run(
        "opentrail", "record", "--format", "policy", "--report", str(tmp_path / "policy.json"),
        "--", str(BIN / "aws"), "s3", "cp", str(file), "s3://needed/a/file",
    )  # fmt: skip

    assert json.loads((tmp_path / "policy.json").read_text())["Statement"] == [
        {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": ["arn:aws:s3:::needed/a/file"]}
    ]


def test_the_exit_code_is_the_commands(server: Running) -> None:
    done = server.run(
        "opentrail", "record", "--format", "json", "--", "sh", "-c", "exit 7", check=False
    )

    assert done.returncode == 7
    assert json.loads(done.stdout) == []


def test_a_command_that_is_not_there_is_told(server: Running) -> None:
    done = server.run("opentrail", "record", "--", "no-such-program", check=False)

    assert done.returncode == 2
    assert "no-such-program can't be run" in done.stderr


def test_without_a_server_there_is_nothing_to_record(server: Running, tmp_path: Path) -> None:
    done = server.run("opentrail", "record", "--", "true", check=False,
                      OPENTRAIL_DATA=str(tmp_path))  # fmt: skip

    assert done.returncode == 3
    assert ACCOUNT not in done.stdout
