"""SNS as boto3 sees it, and what subscribers get."""

import base64
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from api_world import ACCOUNT, OTHER, ApiWorld
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from opentrail.adapters.ids import CountingIds
from opentrail.adapters.outbox import MemoryOutbox
from opentrail.adapters.targets.signing import TopicSigner, new_signing_file
from opentrail.adapters.targets.topics import OwnTopics
from opentrail.api.errors import ApiError
from opentrail.api.sns.asking import MOST_ASKED, Asking
from opentrail.api.sns.backends import SnsBackends
from opentrail.api.sns.service import sns_service
from opentrail.clock import SystemClock
from opentrail.ports.targets.outbox import Delivery, DeliveryQuery
from opentrail.targets.notification import Seal

TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:alerts"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"
ADDRESS = "https://trail.example:4600"


class World(ApiWorld):
    """ApiWorld with SNS over memory."""

    def __init__(self, path: Path) -> None:
        self.outbox = MemoryOutbox()
        file = path / "sns.pem"
        if not file.exists():
            file.write_bytes(new_signing_file(SystemClock().now()))
        self.signer = TopicSigner(file)
        super().__init__(path)

    def __post_init__(self) -> None:
        super().__post_init__()
        topics = OwnTopics(
            self.state, self.outbox, seal=lambda: Seal(self.signer, ADDRESS), ids=CountingIds()
        )
        backends = SnsBackends(state=self.state, publisher=topics, ids=CountingIds())
        self.others = (sns_service(backends),)
        self.serve()

    def sns(self, **options: Any) -> Any:
        return self.client(service="sns", **options)

    def deliveries(self) -> list[Delivery]:
        return [one.delivery for one in reversed(self.outbox.list(DeliveryQuery(limit=1000)))]

    def last(self) -> Delivery:
        return self.deliveries()[-1]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
def world(keys: Path) -> World:
    return World(keys)


@pytest.fixture
def sns(world: World) -> Iterator[Any]:
    client = world.sns()
    client.create_topic(Name="alerts")
    yield client
    client.close()


def code(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Code"])


def test_topics_are_made_listed_and_deleted(world: World) -> None:
    sns = world.sns()
    assert sns.create_topic(Name="alerts")["TopicArn"] == TOPIC
    assert sns.create_topic(Name="alerts")["TopicArn"] == TOPIC
    world.sns(account=OTHER).create_topic(Name="theirs")
    world.sns(region="eu-west-1").create_topic(Name="elsewhere")

    assert sns.list_topics()["Topics"] == [{"TopicArn": TOPIC}]

    sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE)
    sns.delete_topic(TopicArn=TOPIC)
    sns.delete_topic(TopicArn=TOPIC)
    assert sns.list_topics()["Topics"] == []
    assert sns.list_subscriptions()["Subscriptions"] == []


def test_lists_have_pages(world: World) -> None:
    sns = world.sns()
    for number in range(101):
        sns.create_topic(Name=f"t{number:03}")

    first = sns.list_topics()
    second = sns.list_topics(NextToken=first["NextToken"])

    names = [one["TopicArn"].rpartition(":")[2] for one in first["Topics"] + second["Topics"]]
    assert names == [f"t{number:03}" for number in range(101)]
    assert "NextToken" not in second
    with pytest.raises(ClientError) as caught:
        sns.list_topics(NextToken="?")
    assert code(caught) == "InvalidParameter"


@pytest.mark.parametrize("name", ["", "a b", "x" * 257, "t.fifo", "é"])
def test_topics_have_plain_names(world: World, name: str) -> None:
    with pytest.raises(ClientError) as caught:
        world.sns().create_topic(Name=name)
    assert code(caught) == "InvalidParameter"


def test_attributes_of_a_topic(sns: Any) -> None:
    policy = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "cloudtrail.amazonaws.com"},
                    "Action": "SNS:Publish",
                    "Resource": TOPIC,
                }
            ],
        }
    )
    sns.set_topic_attributes(TopicArn=TOPIC, AttributeName="Policy", AttributeValue=policy)
    sns.set_topic_attributes(TopicArn=TOPIC, AttributeName="DisplayName", AttributeValue="Alerts")
    sns.set_topic_attributes(
        TopicArn=TOPIC, AttributeName="KmsMasterKeyId", AttributeValue="alias/aws/sns"
    )
    sns.set_topic_attributes(TopicArn=TOPIC, AttributeName="KmsMasterKeyId", AttributeValue="")
    sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE)
    sns.subscribe(TopicArn=TOPIC, Protocol="https", Endpoint="https://a.example/")

    found = sns.get_topic_attributes(TopicArn=TOPIC)["Attributes"]

    assert found["Policy"] == policy
    assert found["DisplayName"] == "Alerts"
    assert (found["SubscriptionsConfirmed"], found["SubscriptionsPending"]) == ("1", "1")
    assert found["Owner"] == ACCOUNT
    assert "KmsMasterKeyId" not in found


def test_a_new_topic_s_policy_lets_its_account_do_everything(sns: Any) -> None:
    policy = json.loads(sns.get_topic_attributes(TopicArn=TOPIC)["Attributes"]["Policy"])

    assert policy["Id"] == "__default_policy_ID"
    assert policy["Statement"][0]["Condition"] == {"StringEquals": {"AWS:SourceOwner": ACCOUNT}}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Policy", "{"), ("Policy", '{"Statement":[]}'), ("DeliveryPolicy", "[1"),
        ("DeliveryPolicy", '{"http":{"defaultHealthyRetryPolicy":{"numRetries":101}}}'),
        ("SignatureVersion", "3"), ("FifoTopic", "true"), ("Nonsense", "x"), ("DisplayName", "a\nb"),
    ],
)  # fmt: skip
def test_attributes_that_do_not_fit_are_refused(sns: Any, name: str, value: str) -> None:
    for call in (
        lambda: sns.set_topic_attributes(TopicArn=TOPIC, AttributeName=name, AttributeValue=value),
        lambda: sns.create_topic(Name="new", Attributes={name: value}),
    ):
        with pytest.raises(ClientError) as caught:
            call()
        assert code(caught) == "InvalidParameter"


def test_a_topic_that_exists_otherwise_is_not_made_again(sns: Any) -> None:
    for given in ({"Attributes": {"DisplayName": "other"}}, {"Tags": [{"Key": "a", "Value": "b"}]}):
        with pytest.raises(ClientError, match="already exists with different"):
            sns.create_topic(Name="alerts", **given)


def test_tags(sns: Any) -> None:
    sns.tag_resource(
        ResourceArn=TOPIC, Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "1"}]
    )
    sns.tag_resource(ResourceArn=TOPIC, Tags=[{"Key": "b", "Value": "3"}])
    assert sns.list_tags_for_resource(ResourceArn=TOPIC)["Tags"] == [
        {"Key": "a", "Value": "1"}, {"Key": "b", "Value": "3"},
    ]  # fmt: skip

    sns.untag_resource(ResourceArn=TOPIC, TagKeys=["a", "zz"])
    assert sns.list_tags_for_resource(ResourceArn=TOPIC)["Tags"] == [{"Key": "b", "Value": "3"}]
    with pytest.raises(ClientError) as caught:
        sns.list_tags_for_resource(ResourceArn=TOPIC + "x")
    assert code(caught) == "ResourceNotFound"
    with pytest.raises(ClientError) as caught:
        sns.tag_resource(ResourceArn=TOPIC, Tags=[{"Key": f"k{n}", "Value": ""} for n in range(51)])
    assert code(caught) == "TagLimitExceeded"


def test_a_queue_subscribes_at_once_and_gets_signed_notifications(world: World, sns: Any) -> None:
    arn = sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE)["SubscriptionArn"]

    answer = sns.publish(
        TopicArn=TOPIC,
        Message="Hällo",
        Subject="Greetings",
        MessageAttributes={"kind": {"DataType": "String", "StringValue": "test"}},
    )

    (delivery,) = world.deliveries()
    assert delivery.target == QUEUE
    assert delivery.cause == arn
    assert delivery.account_id == ACCOUNT
    body = json.loads(delivery.payload)
    assert body["Type"] == "Notification"
    assert body["MessageId"] == answer["MessageId"]
    assert (body["Message"], body["Subject"], body["TopicArn"]) == ("Hällo", "Greetings", TOPIC)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["Timestamp"])
    assert body["MessageAttributes"] == {"kind": {"Type": "String", "Value": "test"}}
    assert body["UnsubscribeURL"].startswith(
        f"{ADDRESS}/-/sns/?Action=Unsubscribe&SubscriptionArn=arn"
    )
    verify(world, body)


def verify(world: World, body: dict[str, Any]) -> None:
    """As SNS's guide tells how to verify: not a line of OpenTrail's own."""
    assert body["SigningCertURL"] == ADDRESS + world.signer.certificate_path
    names = (
        ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
        if body["Type"] == "Notification"
        else ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    )
    text = "".join(f"{name}\n{body[name]}\n" for name in names if name in body)
    key = x509.load_pem_x509_certificate(world.signer.certificate).public_key()
    algorithm = {"1": hashes.SHA1(), "2": hashes.SHA256()}[body["SignatureVersion"]]
    key.verify(base64.b64decode(body["Signature"]), text.encode(), padding.PKCS1v15(), algorithm)  # type: ignore[union-attr,call-arg,arg-type]


@pytest.mark.parametrize("version", ["1", "2"])
def test_an_http_subscriber_is_asked_first(world: World, sns: Any, version: str) -> None:
    sns.set_topic_attributes(
        TopicArn=TOPIC, AttributeName="SignatureVersion", AttributeValue=version
    )
    answer = sns.subscribe(TopicArn=TOPIC, Protocol="https", Endpoint="https://a.example/hook?k=v")
    assert answer["SubscriptionArn"] == "pending confirmation"
    (listed,) = sns.list_subscriptions()["Subscriptions"]
    assert listed["SubscriptionArn"] == "PendingConfirmation"
    sns.publish(TopicArn=TOPIC, Message="too early")

    (question,) = world.deliveries()
    assert question.target == "https://a.example/hook?k=v"
    assert question.attribute("header:x-amz-sns-message-type") == "SubscriptionConfirmation"
    assert question.attribute("header:Content-Type") == "text/plain; charset=UTF-8"
    body = json.loads(question.payload)
    verify(world, body)
    link = {name: one[0] for name, one in parse_qs(urlsplit(body["SubscribeURL"]).query).items()}
    assert link == {"Action": "ConfirmSubscription", "TopicArn": TOPIC, "Token": body["Token"]}

    for _ in range(2):
        arn = sns.confirm_subscription(TopicArn=TOPIC, Token=body["Token"])["SubscriptionArn"]
    sns.publish(TopicArn=TOPIC, Message="now", Subject="s")

    message = world.last()
    assert message.attribute("header:x-amz-sns-message-type") == "Notification"
    assert message.attribute("header:x-amz-sns-subscription-arn") == arn
    verify(world, json.loads(message.payload))
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert attributes["PendingConfirmation"] == "false"


def test_nobody_is_asked_before_the_subscription_is_kept(world: World, sns: Any) -> None:
    world.keeps = False  # as if it were killed
    sns.subscribe(TopicArn=TOPIC, Protocol="email", Endpoint="a@example.com")

    assert world.deliveries() == []
    assert sns.list_subscriptions()["Subscriptions"] == []


@pytest.mark.parametrize("again", ["the same", "another topic", "after an end"])
def test_an_endpoint_is_asked_a_few_times_an_hour(world: World, sns: Any, again: str) -> None:
    for number in range(MOST_ASKED):
        topic = TOPIC
        if again == "another topic":
            topic = sns.create_topic(Name=f"t{number}")["TopicArn"]
        spelled = "a@example.com" if number % 2 else "A@Example.com"
        arn = sns.subscribe(
            TopicArn=topic,
            Protocol=("email", "email-json")[number % 2],
            Endpoint=spelled,
            ReturnSubscriptionArn=True,
        )["SubscriptionArn"]
        if again == "after an end":
            sns.unsubscribe(SubscriptionArn=arn)
    asked = len(world.deliveries())
    subscribed = len(sns.list_subscriptions()["Subscriptions"])

    with pytest.raises(ClientError) as caught:
        sns.subscribe(TopicArn=TOPIC, Protocol="email", Endpoint="a@example.com")

    assert code(caught) == "ThrottlingException"
    assert asked == len(world.deliveries()) == MOST_ASKED
    assert len(sns.list_subscriptions()["Subscriptions"]) == subscribed
    sns.subscribe(TopicArn=TOPIC, Protocol="email", Endpoint="b@example.com")
    other = world.sns(account=OTHER)
    theirs = other.create_topic(Name="theirs")["TopicArn"]
    other.subscribe(TopicArn=theirs, Protocol="email", Endpoint="a@example.com")
    assert len(world.deliveries()) == MOST_ASKED + 2


def test_who_was_asked_much_is_asked_again_after_a_while() -> None:
    asking, now = Asking(), datetime(2026, 7, 1, tzinfo=UTC)
    for _ in range(MOST_ASKED):
        asking.take(ACCOUNT, "mailto:a@example.com", now)
    with pytest.raises(ApiError):
        asking.take(ACCOUNT, "mailto:a@example.com", now)

    later = now + timedelta(hours=1 / MOST_ASKED, seconds=1)
    asking.take(ACCOUNT, "mailto:a@example.com", later)
    with pytest.raises(ApiError):
        asking.take(ACCOUNT, "mailto:a@example.com", later)


def test_a_wrong_token_confirms_nothing(sns: Any) -> None:
    sns.subscribe(TopicArn=TOPIC, Protocol="email", Endpoint="a@example.com")
    for topic, token, expected in (
        (TOPIC, "nonsense", "InvalidParameter"), (TOPIC, "", "InvalidParameter"), (TOPIC + "x", "t", "NotFound"),
    ):  # fmt: skip
        with pytest.raises(ClientError) as caught:
            sns.confirm_subscription(TopicArn=topic, Token=token)
        assert code(caught) == expected


def test_e_mail_subscribers_get_text(world: World, sns: Any) -> None:
    sns.subscribe(TopicArn=TOPIC, Protocol="email", Endpoint="a@example.com")
    question = world.last()
    assert question.target == "mailto:a@example.com"
    token = re.search(rb"Token=([A-Za-z0-9]+)", question.payload)
    assert token is not None
    sns.confirm_subscription(TopicArn=TOPIC, Token=token[1].decode())

    sns.publish(TopicArn=TOPIC, Message="body", Subject="subject")

    assert world.last().payload.startswith(b"body\n")
    assert world.last().attribute("subject") == "subject"


def test_a_function_gets_lambda_s_event(world: World, sns: Any) -> None:
    endpoint = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:respond"
    arn = sns.subscribe(TopicArn=TOPIC, Protocol="lambda", Endpoint=endpoint)["SubscriptionArn"]

    sns.publish(TopicArn=TOPIC, Message="m")

    (record,) = json.loads(world.last().payload)["Records"]
    assert (record["EventSource"], record["EventSubscriptionArn"]) == ("aws:sns", arn)
    assert record["Sns"]["Message"] == "m"
    assert record["Sns"]["Subject"] is None
    assert {"SigningCertUrl", "UnsubscribeUrl", "MessageAttributes"} <= record["Sns"].keys()


def test_raw_delivery_is_the_message_alone(world: World, sns: Any) -> None:
    sns.subscribe(
        TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE, Attributes={"RawMessageDelivery": "true"}
    )

    sns.publish(
        TopicArn=TOPIC,
        Message="raw",
        MessageAttributes={"n": {"DataType": "Number", "StringValue": "7"}},
    )

    assert world.last().payload == b"raw"
    assert world.last().attribute("message-attribute:n") == "Number:7"


def test_each_protocol_may_have_a_message_of_its_own(world: World, sns: Any) -> None:
    sns.subscribe(
        TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE, Attributes={"RawMessageDelivery": "true"}
    )
    sns.subscribe(
        TopicArn=TOPIC, Protocol="lambda", Endpoint=f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
    )

    message = json.dumps({"default": "d", "sqs": "for queues"})
    sns.publish(TopicArn=TOPIC, Message=message, MessageStructure="json")

    found = {one.target.split(":")[2]: one.payload for one in world.deliveries()}
    assert found["sqs"] == b"for queues"
    assert json.loads(found["lambda"])["Records"][0]["Sns"]["Message"] == "d"


@pytest.mark.parametrize(
    ("policy", "scope", "arrives"),
    [
        ({"kind": ["a", "b"]}, "", True),
        ({"kind": ["b"]}, "", False),
        ({"kind": [{"prefix": "a"}], "size": [{"numeric": [">", 5]}]}, "", True),
        ({"size": [{"numeric": ["<", 5]}]}, "", False),
        ({"list": ["y"]}, "", True),
        ({"list": [{"anything-but": ["x", "y"]}]}, "", False),
        ({"other": [{"exists": False}]}, "", True),
        ({"other": [{"exists": True}]}, "", False),
        ({"detail": {"eventName": ["CreateUser"]}}, "MessageBody", True),
        ({"detail": {"eventName": ["DeleteUser"]}}, "MessageBody", False),
        ({"$or": [{"kind": ["z"]}, {"size": [7]}]}, "", True),
        ({}, "", True),
    ],
)
def test_filter_policies(world: World, sns: Any, policy: Any, scope: str, arrives: bool) -> None:
    attributes = {"FilterPolicy": json.dumps(policy)} | (
        {"FilterPolicyScope": scope} if scope else {}
    )
    arn = sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE, Attributes=attributes)[
        "SubscriptionArn"
    ]

    sns.publish(
        TopicArn=TOPIC,
        Message=json.dumps({"detail": {"eventName": "CreateUser"}}),
        MessageAttributes={
            "kind": {"DataType": "String", "StringValue": "a"},
            "size": {"DataType": "Number", "StringValue": "7"},
            "list": {"DataType": "String.Array", "StringValue": '["x", "y"]'},
        },
    )

    assert len(world.deliveries()) == int(arrives)
    found = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert json.loads(found["FilterPolicy"]) == policy
    assert found["FilterPolicyScope"] == (scope or "MessageAttributes")


@pytest.mark.parametrize(
    ("protocol", "endpoint"),
    [
        ("sms", "+1555"), ("application", "x"), ("firehose", "x"), ("http", "https://a.example"),
        ("https", "http://a.example"), ("https", "https://"), ("https", "https://a.example/\r\nX: y"),
        ("email", "a@b, c@d"), ("email", "a@b\nBcc: c@d"), ("email", "nobody"),
        ("sqs", "https://sqs/q"), ("sqs", f"arn:aws:sqs:us-east-1:{OTHER}:q"),
        ("lambda", "arn:aws:iam::1:role/x"),
    ],
)  # fmt: skip
def test_endpoints_fit_their_protocols(sns: Any, protocol: str, endpoint: str) -> None:
    with pytest.raises(ClientError) as caught:
        sns.subscribe(TopicArn=TOPIC, Protocol=protocol, Endpoint=endpoint)
    assert code(caught) == "InvalidParameter"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RawMessageDelivery", "maybe"), ("FilterPolicy", "{"), ("FilterPolicy", '{"a": 1}'),
        ("FilterPolicyScope", "x"), ("RedrivePolicy", "{"), ("DeliveryPolicy", "{}"), ("Nonsense", "1"),
        ("RedrivePolicy", json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:us-east-1:{OTHER}:q"})),
    ],
)  # fmt: skip
def test_attributes_of_subscriptions_are_checked(sns: Any, name: str, value: str) -> None:
    arn = sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE)["SubscriptionArn"]
    with pytest.raises(ClientError) as caught:
        sns.set_subscription_attributes(
            SubscriptionArn=arn, AttributeName=name, AttributeValue=value
        )
    assert code(caught) == "InvalidParameter"


def test_what_can_t_be_delivered_goes_to_the_queue_of_its_redrive_policy(
    world: World, sns: Any
) -> None:
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead"
    arn = sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE)["SubscriptionArn"]
    sns.set_subscription_attributes(
        SubscriptionArn=arn,
        AttributeName="RedrivePolicy",
        AttributeValue=json.dumps({"deadLetterTargetArn": queue}),
    )

    sns.publish(TopicArn=TOPIC, Message="m")

    assert world.last().dead_letter == queue


def test_subscribing_twice_is_once(world: World, sns: Any) -> None:
    first = sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE)
    again = sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE)
    assert first["SubscriptionArn"] == again["SubscriptionArn"]
    with pytest.raises(ClientError, match="different attributes"):
        sns.subscribe(
            TopicArn=TOPIC,
            Protocol="sqs",
            Endpoint=QUEUE,
            Attributes={"RawMessageDelivery": "true"},
        )

    pending = sns.subscribe(
        TopicArn=TOPIC, Protocol="email", Endpoint="a@example.com", ReturnSubscriptionArn=True
    )
    assert pending["SubscriptionArn"].startswith(TOPIC)
    sns.subscribe(TopicArn=TOPIC, Protocol="email", Endpoint="a@example.com")
    assert [one.target for one in world.deliveries()] == ["mailto:a@example.com"] * 2


def test_unsubscribing_ends_it(world: World, sns: Any) -> None:
    arn = sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE)["SubscriptionArn"]
    assert len(sns.list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]) == 1

    sns.unsubscribe(SubscriptionArn=arn)
    sns.unsubscribe(SubscriptionArn=arn)
    sns.publish(TopicArn=TOPIC, Message="m")

    assert world.deliveries() == []
    with pytest.raises(ClientError) as caught:
        sns.get_subscription_attributes(SubscriptionArn=arn)
    assert code(caught) == "NotFound"


@pytest.mark.parametrize(
    "values",
    [
        {"Message": ""}, {"Message": "x" * (256 * 1024 + 1)}, {"Message": "m", "Subject": "a\nb"},
        {"Message": "m", "Subject": ""}, {"Message": "m", "Subject": "x" * 101}, {"Message": "m", "MessageStructure": "xml"},
        {"Message": "no json", "MessageStructure": "json"}, {"Message": '{"sqs": "x"}', "MessageStructure": "json"},
    ],
)  # fmt: skip
def test_messages_that_do_not_fit_are_refused(
    world: World, sns: Any, values: dict[str, Any]
) -> None:
    sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE)
    with pytest.raises(ClientError) as caught:
        sns.publish(TopicArn=TOPIC, **values)
    assert code(caught) == "InvalidParameter"
    assert world.deliveries() == []


@pytest.mark.parametrize(
    "attribute",
    [
        {"DataType": "Text", "StringValue": "x"},
        {"DataType": "Number", "StringValue": "x"},
        {"DataType": "String", "StringValue": ""},
    ],
)
def test_message_attributes_are_checked(sns: Any, attribute: dict[str, str]) -> None:
    with pytest.raises(ClientError) as caught:
        sns.publish(TopicArn=TOPIC, Message="m", MessageAttributes={"a": attribute})
    assert code(caught) == "ParameterValueInvalid"


def test_a_batch_has_an_outcome_for_each(world: World, sns: Any) -> None:
    sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE)

    answer = sns.publish_batch(
        TopicArn=TOPIC,
        PublishBatchRequestEntries=[
            {"Id": "a", "Message": "one"},
            {"Id": "b", "Message": ""},
            {"Id": "c", "Message": "three"},
        ],
    )

    assert [one["Id"] for one in answer["Successful"]] == ["a", "c"]
    assert [(one["Id"], one["Code"]) for one in answer["Failed"]] == [("b", "InvalidParameter")]
    assert [json.loads(one.payload)["Message"] for one in world.deliveries()] == ["one", "three"]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([], "EmptyBatchRequest"), ([("a", "m")] * 2, "BatchEntryIdsNotDistinct"), ([("!", "m")], "InvalidBatchEntryId"),
        ([(str(n), "m") for n in range(11)], "TooManyEntriesInBatchRequest"),
        ([("a", "x" * 200_000), ("b", "x" * 200_000)], "BatchRequestTooLong"),
    ],
)  # fmt: skip
def test_batches_that_do_not_fit_are_refused(
    sns: Any, entries: list[tuple[str, str]], expected: str
) -> None:
    with pytest.raises(ClientError) as caught:
        sns.publish_batch(
            TopicArn=TOPIC,
            PublishBatchRequestEntries=[{"Id": one, "Message": text} for one, text in entries],
        )
    assert code(caught) == expected


def test_other_accounts_may_what_the_policy_allows(world: World, sns: Any) -> None:
    theirs = world.sns(account=OTHER)
    for call in (
        lambda: theirs.publish(TopicArn=TOPIC, Message="m"),
        lambda: theirs.publish(TopicArn=TOPIC + "-unknown", Message="m"),
        lambda: theirs.delete_topic(TopicArn=TOPIC),
        lambda: theirs.get_topic_attributes(TopicArn=TOPIC),
        lambda: theirs.tag_resource(ResourceArn=TOPIC, Tags=[]),
        lambda: theirs.list_subscriptions_by_topic(TopicArn=TOPIC),
    ):
        with pytest.raises(ClientError) as caught:
            call()
        assert code(caught) == "AuthorizationError"

    sns.add_permission(
        TopicArn=TOPIC, Label="them", AWSAccountId=[OTHER], ActionName=["Publish", "Subscribe"]
    )
    theirs.publish(TopicArn=TOPIC, Message="m")
    theirs.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{OTHER}:q")
    assert sns.list_subscriptions()["Subscriptions"][0]["Owner"] == OTHER
    sns.publish(TopicArn=TOPIC, Message="m")
    assert world.last().account_id == OTHER
    with pytest.raises(ClientError) as caught:
        theirs.delete_topic(TopicArn=TOPIC)
    assert code(caught) == "AuthorizationError"

    sns.remove_permission(TopicArn=TOPIC, Label="them")
    with pytest.raises(ClientError) as caught:
        theirs.publish(TopicArn=TOPIC, Message="m")
    assert code(caught) == "AuthorizationError"


@pytest.mark.parametrize(
    ("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_accounts_are_named_in_the_partition_of_the_topic(
    world: World, region: str, partition: str
) -> None:
    topic = f"arn:{partition}:sns:{region}:{ACCOUNT}:alerts"
    sns, theirs = world.sns(region=region), world.sns(region=region, account=OTHER)
    assert sns.create_topic(Name="alerts")["TopicArn"] == topic

    sns.add_permission(TopicArn=topic, Label="them", AWSAccountId=[OTHER], ActionName=["Publish"])

    root = f"arn:{partition}:iam::{OTHER}:root"
    policy = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
    assert policy["Statement"][-1]["Principal"] == {"AWS": root}
    theirs.publish(TopicArn=topic, Message="m")


def test_permissions_are_checked(sns: Any) -> None:
    usual = {"TopicArn": TOPIC, "Label": "l", "AWSAccountId": [OTHER], "ActionName": ["Publish"]}
    sns.add_permission(**usual)
    for wrong in (
        {},
        {"Label": "a b"},
        {"Label": "m", "AWSAccountId": ["x"]},
        {"Label": "m", "ActionName": ["Nope"]},
    ):
        with pytest.raises(ClientError) as caught:
            sns.add_permission(**(usual | wrong))
        assert code(caught) == "InvalidParameter"
    with pytest.raises(ClientError) as caught:
        sns.remove_permission(TopicArn=TOPIC, Label="absent")
    assert code(caught) == "NotFound"


def test_a_policy_that_denies_goes_before(sns: Any) -> None:
    policy = json.dumps(
        {
            "Statement": [
                {"Effect": "Deny", "Principal": "*", "Action": "SNS:Publish", "Resource": TOPIC}
            ]
        }
    )
    sns.set_topic_attributes(TopicArn=TOPIC, AttributeName="Policy", AttributeValue=policy)
    with pytest.raises(ClientError) as caught:
        sns.publish(TopicArn=TOPIC, Message="m")
    assert code(caught) == "AuthorizationError"


def test_what_is_not_served_says_so(sns: Any) -> None:
    with pytest.raises(ClientError) as caught:
        sns.list_platform_applications()
    assert code(caught) == "UnsupportedOperationException"
    with pytest.raises(ClientError) as caught:
        sns.publish(PhoneNumber="+15555550100", Message="m")
    assert code(caught) == "InvalidParameter"
