"""Terraform saves queries, changes them, and finds nothing to do in a second plan."""

import shutil
from pathlib import Path

from running import ACCOUNT, running
from test_terraform import PLUGINS, pytestmark, terraform

__all__ = ["pytestmark"]


def test_saved_queries_are_made_changed_and_destroyed(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    shutil.copytree(Path(__file__).parent / "terraform_queries", folder)
    changed = ("-var", "most=5")

    with running(tmp_path / "data") as server:
        terraform(folder, server, "log", "init", f"-plugin-dir={PLUGINS}")
        for options in ((), changed):
            terraform(folder, server, "log", "apply", "-auto-approve", *options)
            terraform(folder, server, "log", "plan", "-detailed-exitcode", *options)
        logs = server.client("logs")
        everywhere, denied = logs.describe_query_definitions()["queryDefinitions"]
        address = "aws_cloudwatch_query_definition.denied"
        arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:query-definition:{denied['queryDefinitionId']}"
        terraform(folder, server, "log", "state", "rm", address)
        terraform(folder, server, "log", "import", *changed, address, arn)
        terraform(folder, server, "log", "plan", "-detailed-exitcode", *changed)
        terraform(folder, server, "log", "destroy", "-auto-approve", *changed)
        left = logs.describe_query_definitions()["queryDefinitions"]

    assert everywhere["queryString"].endswith("limit 5")
    assert denied["logGroupNames"] == ["trails"]
    assert left == []
