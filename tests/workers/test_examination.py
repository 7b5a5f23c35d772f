"""The doctor's findings."""

import json
from pathlib import Path
from typing import Any

import pytest
from workers_world import ACCOUNT, Walk

from opentrail.ports.destinations import KmsKey, Role
from opentrail.trail.trail import Trail
from opentrail.workers.examination import Finding, examine

SERVICE = {"Service": "cloudtrail.amazonaws.com"}
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/to-logs"
GROUP = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:trails:*"


@pytest.fixture
def walk(tmp_path: Path) -> Walk:
    return Walk(tmp_path)


def statement(effect: str = "Allow", **values: Any) -> dict[str, Any]:
    usual = {"Effect": effect, "Principal": SERVICE, "Action": "*", "Resource": "*"}
    return {name: value for name, value in (usual | values).items() if value is not None}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def bad(walk: Walk, trail: Trail) -> list[Finding]:
    found = examine(trail, walk.state, walk.store, walk.outside.all(), checks_bucket_policies=True)
    return [one for one in found if not one.good]


def test_a_statement_that_denies_is_named_and_nothing_is_pasted_against_it(walk: Walk) -> None:
    walk.store.policies["audit"] = policy(
        statement(), statement("Deny", Sid="TlsOnly", Action="s3:PutObject")
    )

    (finding,) = bad(walk, walk.trail())

    assert finding.about == "bucket"
    assert "statement TlsOnly denies s3:PutObject" in finding.text
    assert finding.statements == ()


def test_denied_and_missing_are_told_apart(walk: Walk) -> None:
    walk.store.policies["audit"] = policy(statement("Deny", Sid="TlsOnly", Action="s3:PutObject"))

    denied, missing = bad(walk, walk.trail())

    assert "TlsOnly" in denied.text
    assert [one["Action"] for one in missing.statements] == ["s3:GetBucketAcl", "s3:PutObject"]


def test_a_policy_that_can_not_be_read_is_told_so(walk: Walk) -> None:
    walk.store.policies["audit"] = policy(statement(Condition={"Guess": {"a": "b"}}))

    (finding,) = bad(walk, walk.trail())

    assert "condition operator 'Guess' is not known" in finding.text


def test_everything_that_is_gone_or_off_is_told(walk: Walk) -> None:
    trail = walk.trail(
        s3_bucket_name="gone", sns_topic_arn=f"arn:aws:sns:us-east-1:{ACCOUNT}:gone",
        kms_key_id=KEY, cloud_watch_logs_log_group_arn=GROUP, cloud_watch_logs_role_arn=ROLE,
        is_logging=False,
    )  # fmt: skip

    assert [one.about for one in bad(walk, trail)] == [
        "logging", "bucket", "topic", "key", "log group", "role",
    ]  # fmt: skip


def test_a_disabled_key_and_a_role_that_trusts_nobody_are_told(walk: Walk) -> None:
    walk.store.policies["audit"] = policy(statement())
    walk.outside.known_keys[KEY] = KmsKey(
        arn=KEY, enabled=False, symmetric=True, policy=policy(statement())
    )
    walk.outside.groups[GROUP] = {}
    may = policy({"Effect": "Allow", "Action": "logs:*", "Resource": "*"})
    walk.outside.known_roles[ROLE] = Role(trust_policy=policy(statement()), policies=(may,))

    key, role = bad(
        walk,
        walk.trail(
            kms_key_id=KEY, cloud_watch_logs_log_group_arn=GROUP, cloud_watch_logs_role_arn=ROLE
        ),
    )

    assert "enable-key" in key.text
    assert "assume" in role.text
    walk.outside.known_roles[ROLE] = Role(trust_policy=policy(*role.statements), policies=(may,))
    walk.outside.known_keys[KEY] = KmsKey(
        arn=KEY, enabled=True, symmetric=True, policy=policy(statement())
    )
    assert bad(walk, walk.trail(cloud_watch_logs_log_group_arn=GROUP, kms_key_id=KEY,
                                cloud_watch_logs_role_arn=ROLE)) == []  # fmt: skip
