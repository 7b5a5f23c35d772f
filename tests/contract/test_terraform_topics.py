"""Terraform makes topics and subscriptions, changes them, and finds nothing to do in a second plan."""

import json
from pathlib import Path

import pytest
from running import running
from terraforming import Workspace, needs_terraform

pytestmark = [pytest.mark.contract, pytest.mark.timeout(300), needs_terraform]


def test_topics_are_made_changed_and_destroyed(tmp_path: Path) -> None:
    changed = ("-var", "name=Other", "-var", 'kinds=["root"]')

    with running(tmp_path / "data") as server:
        work = Workspace.of("terraform_topics", tmp_path, server)
        work.apply()
        work.apply(*changed)
        sns = server.client("sns")
        topics = sns.list_topics()["Topics"]
        (alerts,) = [one["TopicArn"] for one in topics if one["TopicArn"].endswith(":alerts")]
        attributes = sns.get_topic_attributes(TopicArn=alerts)["Attributes"]
        subscriptions = sns.list_subscriptions_by_topic(TopicArn=alerts)["Subscriptions"]
        (queue,) = [one for one in subscriptions if one["Protocol"] == "sqs"]
        kept = sns.get_subscription_attributes(SubscriptionArn=queue["SubscriptionArn"])[
            "Attributes"
        ]
        work.adopt("aws_sns_topic.alerts", alerts, *changed)
        work.destroy(*changed)
        left = sns.list_topics()["Topics"], sns.list_subscriptions()["Subscriptions"]

    assert len(topics) == 2
    assert attributes["DisplayName"] == "Other"
    assert json.loads(attributes["Policy"])["Statement"][0]["Sid"] == "Trail"
    assert json.loads(kept["FilterPolicy"])["kind"] == ["root"]
    assert left == ([], [])
