"""Terraform makes topics and subscriptions, changes them, and finds nothing to do in a second plan."""

import json
import shutil
from pathlib import Path

from running import running
from test_terraform import PLUGINS, pytestmark, terraform

__all__ = ["pytestmark"]


def test_topics_are_made_changed_and_destroyed(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    shutil.copytree(Path(__file__).parent / "terraform_topics", folder)
    changed = ("-var", "name=Other", "-var", 'kinds=["root"]')

    with running(tmp_path / "data") as server:
        terraform(folder, server, "log", "init", f"-plugin-dir={PLUGINS}")
        for options in ((), changed):
            terraform(folder, server, "log", "apply", "-auto-approve", *options)
            terraform(folder, server, "log", "plan", "-detailed-exitcode", *options)
        sns = server.client("sns")
        topics = sns.list_topics()["Topics"]
        (alerts,) = [one["TopicArn"] for one in topics if one["TopicArn"].endswith(":alerts")]
        attributes = sns.get_topic_attributes(TopicArn=alerts)["Attributes"]
        subscriptions = sns.list_subscriptions_by_topic(TopicArn=alerts)["Subscriptions"]
        (queue,) = [one for one in subscriptions if one["Protocol"] == "sqs"]
        kept = sns.get_subscription_attributes(SubscriptionArn=queue["SubscriptionArn"])[
            "Attributes"
        ]
        terraform(folder, server, "log", "state", "rm", "aws_sns_topic.alerts")
        terraform(folder, server, "log", "import", *changed, "aws_sns_topic.alerts", alerts)
        terraform(folder, server, "log", "plan", "-detailed-exitcode", *changed)
        terraform(folder, server, "log", "destroy", "-auto-approve", *changed)
        left = sns.list_topics()["Topics"], sns.list_subscriptions()["Subscriptions"]

    assert len(topics) == 2
    assert attributes["DisplayName"] == "Other"
    assert json.loads(attributes["Policy"])["Statement"][0]["Sid"] == "Trail"
    assert json.loads(kept["FilterPolicy"])["kind"] == ["root"]
    assert left == ([], [])
