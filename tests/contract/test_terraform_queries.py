"""Terraform saves queries, changes them, and finds nothing to do in a second plan."""

from pathlib import Path

import pytest
from running import ACCOUNT, running
from terraforming import Workspace, needs_terraform

pytestmark = [pytest.mark.contract, pytest.mark.timeout(300), needs_terraform]


def test_saved_queries_are_made_changed_and_destroyed(tmp_path: Path) -> None:
    changed = ("-var", "most=5")

    with running(tmp_path / "data") as server:
        work = Workspace.of("terraform_queries", tmp_path, server)
        work.apply()
        work.apply(*changed)
        logs = server.client("logs")
        everywhere, denied = logs.describe_query_definitions()["queryDefinitions"]
        arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:query-definition:{denied['queryDefinitionId']}"
        work.adopt("aws_cloudwatch_query_definition.denied", arn, *changed)
        work.destroy(*changed)
        left = logs.describe_query_definitions()["queryDefinitions"]

    assert everywhere["queryString"].endswith("limit 5")
    assert denied["logGroupNames"] == ["trails"]
    assert left == []
