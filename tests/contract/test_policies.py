"""Policies of the identities file decide; what was refused is recorded as AWS records it."""

import json
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from running import ACCOUNT, running

from opentrail.adapters.identities.directory import RELOAD_SECONDS

pytestmark = pytest.mark.contract


def test_a_refused_call_is_recorded_without_its_parameters(tmp_path: Path) -> None:
    with running(tmp_path / "data", OPENTRAIL_AUTHORIZATION="policies") as server:
        log = (server.data / "server.log").read_text()
        client = server.client("cloudtrail")
        with pytest.raises(ClientError, match="AccessDenied"):
            client.stop_logging(Name="main")
        with pytest.raises(ClientError, match="no identity-based policy allows"):
            client.lookup_events()
        document = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "cloudtrail:*", "Resource": "*"}]}  # fmt: skip
        entry = (
            f'\n[[policies]]\nname = "all"\nattached_to = ["arn:aws:iam::{ACCOUNT}:user/ad*"]\n'
            f"document = '''{json.dumps(document)}'''\n"
        )
        path = server.data / "identities.toml"
        path.write_text(path.read_text() + entry)

        time.sleep(RELOAD_SECONDS + 0.2)
        with pytest.raises(ClientError, match="Unknown trail: arn:aws"):
            client.stop_logging(Name="main")
        refused, unknown = server.records(name="StopLogging")

    assert "Authorization: by the policies" in log
    assert refused["errorCode"] == "AccessDenied"
    assert refused["requestParameters"] is None
    assert refused["errorMessage"] == (
        f"User: arn:aws:iam::{ACCOUNT}:user/admin is not authorized to perform: "
        f"cloudtrail:StopLogging on resource: arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/main "
        "because no identity-based policy allows the cloudtrail:StopLogging action"
    )
    assert unknown["errorCode"] == "TrailNotFoundException"
    arn = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/main"
    assert unknown["errorMessage"] == f"Unknown trail: {arn} for the user: {ACCOUNT}"
    assert unknown["requestParameters"] == {"name": "main"}
