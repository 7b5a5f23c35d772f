"""Who gives a role to a rule must have the right to pass it."""

import json
from pathlib import Path

import pytest
from api_world import ACCOUNT
from botocore.exceptions import ClientError
from events_api_world import EventsWorld

from opentrail.access.policy import parse_policy

ROLE = f"arn:aws:iam::{ACCOUNT}:role"
CALL = "arn:aws:scheduler:::aws-sdk:iam:deleteUser"


def test_a_role_is_passed_only_by_who_may(tmp_path: Path) -> None:
    made = EventsWorld(tmp_path)
    made.world.by_policies = True
    made.world.serve()
    events = made.client()
    arn = next(iter(made.world.identities.all_credentials())).principal.arn
    made.world.identities.attached[arn] = [
        parse_policy(json.dumps({"Statement": [
            {"Effect": "Allow", "Action": "events:*", "Resource": "*"},
            {"Effect": "Allow", "Action": "iam:PassRole", "Resource": f"{ROLE}/mine"},
        ]}))
    ]  # fmt: skip
    pattern = '{"source": ["aws.iam"]}'
    events.put_rule(Name="r", EventPattern=pattern, RoleArn=f"{ROLE}/mine")
    targets = [{"Id": "1", "Arn": CALL, "RoleArn": f"{ROLE}/mine"}]
    assert events.put_targets(Rule="r", Targets=targets)["FailedEntryCount"] == 0

    for call in (
        lambda: events.put_rule(Name="r", EventPattern=pattern, RoleArn=f"{ROLE}/admin"),
        lambda: events.put_targets(
            Rule="r", Targets=[*targets, {"Id": "2", "Arn": CALL, "RoleArn": f"{ROLE}/admin"}]
        ),
    ):
        with pytest.raises(ClientError) as caught:
            call()
        error = caught.value.response["Error"]
        assert error["Code"] == "AccessDeniedException"
        assert f"iam:PassRole on resource: {ROLE}/admin" in error["Message"]
