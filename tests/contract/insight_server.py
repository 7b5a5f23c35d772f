"""What tests of Insights ask of a running server: a trail, a topic, and where an Insight shows."""

import gzip
import json
from typing import Any

from running import ACCOUNT, Running
from webhooks import Receiver

BUCKET = "insights"


def trail(server: Running) -> Any:
    """A client of CloudTrail, and a trail `all` that asks for Insights."""
    server.client("s3").create_bucket(Bucket=BUCKET)
    client = server.client("cloudtrail")
    client.create_trail(Name="all", S3BucketName=BUCKET, EnableLogFileValidation=True)
    client.start_logging(Name="all")
    client.put_insight_selectors(
        TrailName="all",
        InsightSelectors=[
            {"InsightType": "ApiCallRateInsight"}, {"InsightType": "ApiErrorRateInsight"},
        ],
    )  # fmt: skip
    return client


def looked_up(client: Any) -> list[dict[str, Any]]:
    """All Insights that LookupEvents tells of."""
    found = client.lookup_events(EventCategory="insight")["Events"]
    return [json.loads(one["CloudTrailEvent"]) for one in found]


def delivered(server: Running) -> list[dict[str, Any]]:
    """All records below CloudTrail-Insight/."""
    s3 = server.client("s3")
    return [
        record
        for key in keys(server, f"AWSLogs/{ACCOUNT}/CloudTrail-Insight/")
        for record in json.loads(
            gzip.decompress(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        )["Records"]
    ]


def keys(server: Running, prefix: str) -> list[str]:
    """Of the bucket's first thousand objects with this prefix."""
    found = server.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return [one["Key"] for one in found.get("Contents", [])]


def told(server: Running, hook: Receiver) -> None:
    """Have Insights posted to the hook, by a rule and a topic."""
    events = server.client("events")
    pattern = {"detail-type": ["AWS Insight via CloudTrail"]}
    events.put_rule(Name="insights", EventPattern=json.dumps(pattern))
    topic = _confirmed_topic(server, hook)
    events.put_targets(Rule="insights", Targets=[{"Id": "1", "Arn": topic}])


def _confirmed_topic(server: Running, hook: Receiver) -> str:
    """A topic that posts to the hook, once its question was answered."""
    sns = server.client("sns")
    topic: str = sns.create_topic(Name="told")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=hook.url())
    (question,) = hook.wait(1)
    assert question.json["Type"] == "SubscriptionConfirmation"
    sns.confirm_subscription(TopicArn=topic, Token=question.json["Token"])
    return topic


def told_of(hook: Receiver, event_id: str) -> list[dict[str, Any]]:
    """The events that were posted with this record."""
    found = [
        json.loads(one.json["Message"]) for one in hook.got if one.json["Type"] == "Notification"
    ]
    return [one for one in found if one["detail"]["eventID"] == event_id]
