"""SNS as a service answered here."""

from __future__ import annotations

from collections.abc import Iterable

from opentrail.api.outcome import Caller
from opentrail.api.services import Service, bound
from opentrail.api.sns import permissions, publishing, subscriptions, tags, topics
from opentrail.api.sns.backends import Handler, Parameters, SnsBackends
from opentrail.api.validate import Problem
from opentrail.targets.topic import Topic

HANDLERS: dict[str, Handler] = {
    "AddPermission": permissions.add_permission,
    "ConfirmSubscription": subscriptions.confirm_subscription,
    "CreateTopic": topics.create_topic,
    "DeleteTopic": topics.delete_topic,
    "GetSubscriptionAttributes": subscriptions.get_subscription_attributes,
    "GetTopicAttributes": topics.get_topic_attributes,
    "ListSubscriptions": subscriptions.list_subscriptions,
    "ListSubscriptionsByTopic": subscriptions.list_subscriptions_by_topic,
    "ListTagsForResource": tags.list_tags,
    "ListTopics": topics.list_topics,
    "Publish": publishing.publish,
    "PublishBatch": publishing.publish_batch,
    "RemovePermission": permissions.remove_permission,
    "SetSubscriptionAttributes": subscriptions.set_subscription_attributes,
    "SetTopicAttributes": topics.set_topic_attributes,
    "Subscribe": subscriptions.subscribe,
    "TagResource": tags.tag_resource,
    "Unsubscribe": subscriptions.unsubscribe,
    "UntagResource": tags.untag_resource,
}

_ARN_MEMBERS = ("TopicArn", "TargetArn", "ResourceArn")


def sns_service(backends: SnsBackends) -> Service:
    """SNS."""
    return Service(
        name="sns",
        model="sns",
        answers=bound(HANDLERS, backends),
        code_of=_code_of,
        resources=_resources,
    )


def _code_of(operation: str, problem: Problem) -> str:  # noqa: ARG001 - as Service.code_of
    return "InvalidParameterException"


def _resources(operation: str, parameters: Parameters, caller: Caller) -> Iterable[str]:
    if operation == "CreateTopic":
        name = str(parameters.get("Name", ""))
        return (Topic(account_id=caller.account_id, region=caller.region, name=name).arn,)
    for member in _ARN_MEMBERS:
        arn = parameters.get(member)
        if isinstance(arn, str) and arn:
            return (arn,)
    arn = parameters.get("SubscriptionArn")
    # Rights are those for its topic.
    return (arn.rpartition(":")[0],) if isinstance(arn, str) and ":" in arn else ("*",)
