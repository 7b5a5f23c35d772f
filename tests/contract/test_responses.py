"""What OpenTrail does on its own, seen from outside: webhooks, functions, queues, e-mail, calls."""

import json
import re
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mail import mail_server
from running import ACCOUNT, Running, make, wait_for
from webhooks import Receiver, raw_server, receiver

from opentrail.adapters.journal import SegmentJournalReader
from opentrail.adapters.outbox import FILE_NAME, SqliteOutbox
from opentrail.ports.targets.outbox import DeliveryQuery, DeliveryState, Kept

pytestmark = [pytest.mark.contract, pytest.mark.timeout(180)]

ROLE = f"arn:aws:iam::{ACCOUNT}:role/responder"
LAMBDA = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with mail_server() as mails:
        made = make(
            tmp_path_factory.mktemp("responses") / "data",
            OPENTRAIL_TARGET_NETWORKS="127.0.0.0/8",
            OPENTRAIL_SMTP_URL=f"smtp://127.0.0.1:{mails.port}",
        )
        made.start()
        made.mails = mails  # type: ignore[attr-defined]
        with (made.data / "identities.toml").open("a") as file:
            file.write(
                f'\n[[roles]]\naccount = "{ACCOUNT}"\nrole = "responder"\nrole_id = "AROARESPONDER00000001"\n'
            )
        try:
            yield made
        finally:
            made.stop()


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def rule(
    server: Running,
    name: str,
    target: str,
    prefix: str,
    tags: dict[str, str] | None = None,
    **values: Any,
) -> str:
    """A rule that sends IAM's calls for users with a prefix to a target; its ARN."""
    events = server.client("events")
    pattern = {
        "source": ["aws.iam"],
        "detail": {"requestParameters": {"userName": [{"prefix": prefix}]}},
    }
    arn = events.put_rule(
        Name=name,
        EventPattern=json.dumps(pattern),
        Tags=[{"Key": key, "Value": one} for key, one in (tags or {}).items()],
    )["RuleArn"]
    answer = events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": target, **values}])
    assert answer["FailedEntryCount"] == 0, answer
    return str(arn)


def records(server: Running, name: str = "") -> list[dict[str, Any]]:
    """What the journal holds, in order."""
    journal, offset, found = SegmentJournalReader(server.data / "journal"), 0, []
    while entries := journal.read(offset, 10_000_000):
        found += [json.loads(one.raw) for one in entries]
        offset = entries[-1].next_offset
    return [one for one in found if name in {"", one["eventName"]}]


def responses(server: Running, name: str, cause: str) -> list[dict[str, Any]]:
    return [
        one
        for one in records(server, name)
        if one["eventSource"] == "opentrail.amazonaws.com"
        and one["additionalEventData"]["cause"] == cause
    ]


def deliveries(server: Running, text: str = "", state: str = "") -> list[Kept]:
    outbox = SqliteOutbox(server.data / FILE_NAME)
    try:
        states = (DeliveryState(state),) if state else ()
        return list(outbox.list(DeliveryQuery(text=text, states=states, limit=1000)))
    finally:
        outbox.close()


def test_an_event_reaches_a_webhook_signed_and_is_recorded(server: Running, hook: Receiver) -> None:
    arn = rule(server, "to-webhook", hook.url(), "webhook-")
    server.client("iam").create_user(UserName="first")  # moto reads its models
    began = time.monotonic()
    server.client("iam").create_user(UserName="webhook-1")

    (got,) = hook.wait(1)

    assert time.monotonic() - began < 10
    assert got.json["detail"]["eventName"] == "CreateUser"
    secret = server.run("opentrail", "webhooks", "secret", hook.url()).stdout.strip()
    assert secret.startswith("whsec_")
    (record,) = wait_for(lambda: responses(server, "WebhookSent", arn))
    assert record["additionalEventData"]["causeEventIDs"] == [got.json["detail"]["eventID"]]
    assert record["additionalEventData"]["deliveryId"] == got.headers["webhook-id"]
    assert record["serviceEventDetails"]["target"] == hook.url("")


def test_what_fails_is_tried_again_with_one_idempotency_key(
    server: Running, hook: Receiver
) -> None:
    hook.answers = [500, 503]
    rule(server, "failing", hook.url(), "failing-")
    server.client("iam").create_user(UserName="failing-1")

    got = hook.wait(3)

    assert len({one.headers["idempotency-key"] for one in got}) == 1
    assert len({one.body for one in got}) == 1
    key = got[0].headers["webhook-id"]
    (kept,) = wait_for(lambda: deliveries(server, "rule/failing", "delivered"))
    assert (kept.delivery.id, kept.attempts) == (key, 3)
    shown = json.loads(
        server.run("opentrail", "deliveries", "show", key, "--format", "json").stdout
    )
    assert [one["status"] for one in shown["tried"]] == ["500", "503", "200"]
    assert shown["tried"][0]["answer"] == "ok"


def test_targets_that_hang_or_lead_elsewhere_delay_no_other(
    server: Running, hook: Receiver
) -> None:
    def hang(connection: Any) -> None:
        connection.recv(65536)
        time.sleep(60)

    def redirect(connection: Any) -> None:
        connection.recv(65536)
        connection.sendall(
            b"HTTP/1.1 307 X\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
        )

    def gigabytes(connection: Any) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(10_000):
            connection.sendall(b"g" * 1_000_000)

    with (
        raw_server(hang) as hanging,
        raw_server(redirect) as redirecting,
        raw_server(gigabytes) as endless,
    ):
        for number in range(5):
            rule(server, f"hanging-{number}", f"http://127.0.0.1:{hanging}/{number}", "hostile-")
        rule(server, "redirecting", f"http://127.0.0.1:{redirecting}/", "hostile-")
        rule(server, "endless", f"http://127.0.0.1:{endless}/", "hostile-")
        rule(server, "metadata", "http://169.254.169.254/latest/", "hostile-")
        rule(server, "good", hook.url("/good"), "hostile-")
        iam = server.client("iam")
        for number in range(10):
            iam.create_user(UserName=f"hostile-{number}")
        began = time.monotonic()
        iam.create_user(UserName="hostile-last")
        got = wait_for(lambda: [one for one in hook.got if b"hostile-last" in one.body])

        assert len(got) == 1
        assert time.monotonic() - began < 10
        (redirected,) = wait_for(lambda: deliveries(server, "rule/redirecting", "given-up")[:1])
        (metadata,) = wait_for(lambda: deliveries(server, "rule/metadata", "given-up")[:1])
        assert "not followed" in redirected.reason
        assert "credentials" in metadata.reason
        assert wait_for(lambda: deliveries(server, "rule/endless", "delivered"))
        for number in range(5):
            server.client("events").remove_targets(Rule=f"hanging-{number}", Ids=["1"])


def test_a_function_answers_with_a_role_and_all_of_it_is_in_the_trail(
    server: Running, tmp_path: Path
) -> None:
    file = tmp_path / "quarantine.py"
    file.write_text(
        "import boto3\n"
        'DENY = \'{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}\'\n'
        "def handler(event, context):\n"
        "    user = event['detail']['requestParameters']['userName']\n"
        "    boto3.client('iam').put_user_policy(UserName=user, PolicyName='quarantine', PolicyDocument=DENY)\n"
        "    return {'quarantined': user}\n"
    )
    made = server.run(
        "opentrail", "functions", "add", "quarantine", "--python", f"{file}:handler", "--role", ROLE
    )
    assert made.stdout.strip() == f"{LAMBDA}:quarantine"
    arn = rule(server, "to-function", f"{LAMBDA}:quarantine", "suspect-")

    server.client("iam").create_user(UserName="suspect-1")

    iam = server.client("iam")
    wait_for(lambda: iam.list_user_policies(UserName="suspect-1")["PolicyNames"] == ["quarantine"])
    (run,) = wait_for(lambda: responses(server, "FunctionRun", arn))
    assert run["serviceEventDetails"]["status"] == "exit 0"
    (created,) = [
        one
        for one in records(server, name="CreateUser")
        if one["requestParameters"]["userName"] == "suspect-1"
    ]
    assert run["additionalEventData"]["causeEventIDs"] == [created["eventID"]]
    (call,) = records(server, name="PutUserPolicy")
    assert call["userIdentity"]["type"] == "AssumedRole"
    assert call["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] == ROLE
    assumed = [
        one
        for one in records(server, name="AssumeRole")
        if one["userIdentity"].get("invokedBy") == "opentrail.amazonaws.com"
    ]
    assert assumed
    # The rule takes the function's own call, too: that would go on for ever.
    stopped = wait_for(lambda: deliveries(server, "to-function", "loop"))
    assert "would answer itself" in stopped[0].reason
    assert len(records(server, name="PutUserPolicy")) == 1


def test_a_run_that_fails_is_tried_twice_more_and_shows_why(
    server: Running, tmp_path: Path
) -> None:
    server.run(
        "opentrail",
        "functions",
        "add",
        "broken",
        "--command",
        "sh -c 'echo went wrong >&2; exit 3'",
    )
    arn = rule(server, "to-broken", f"{LAMBDA}:broken", "broken-")
    server.client("iam").create_user(UserName="broken-1")

    (kept,) = wait_for(lambda: deliveries(server, "to-broken", "given-up"))

    shown = json.loads(
        server.run("opentrail", "deliveries", "show", kept.delivery.id, "--format", "json").stdout
    )
    assert [one["status"] for one in shown["tried"]] == ["exit 3"] * 3
    assert shown["tried"][0]["answer"] == "went wrong\n"
    wait_for(lambda: responses(server, "ResponseGivenUp", arn))
    assert len(responses(server, "FunctionRun", arn)) == 2

    server.run("opentrail", "functions", "add", "broken", "--command", "true")
    server.run("opentrail", "deliveries", "retry", kept.delivery.id)
    wait_for(lambda: deliveries(server, "to-broken", "delivered"))
    wait_for(lambda: responses(server, "ResponseRetried", arn))


def test_a_person_allows_or_refuses(server: Running, hook: Receiver) -> None:
    arn = rule(
        server, "asked", hook.url("/asked"), "asked-", tags={"opentrail:approval": "required"}
    )
    iam = server.client("iam")
    iam.create_user(UserName="asked-1")
    iam.create_user(UserName="asked-2")
    held = wait_for(
        lambda: (
            (found := deliveries(server, "rule/asked", "needs-approval"))
            and len(found) == 2
            and found
        )
    )
    assert hook.got == []

    server.run("opentrail", "deliveries", "approve", held[0].delivery.id)
    server.run("opentrail", "deliveries", "refuse", held[1].delivery.id)

    (got,) = hook.wait(1)
    assert got.headers["webhook-id"] == held[0].delivery.id
    for name in ("ResponseApproved", "ResponseRefused"):
        (record,) = wait_for(lambda name=name: responses(server, name, arn))
        assert record["serviceEventDetails"]["decidedBy"]
    again = server.run("opentrail", "deliveries", "approve", held[1].delivery.id, check=False)
    assert (again.returncode, "refused, not needs-approval" in again.stderr) == (2, True)


def test_a_dry_run_sends_nothing_and_tells_it(server: Running, hook: Receiver) -> None:
    arn = rule(server, "dry", hook.url("/dry"), "dry-", tags={"opentrail:dry-run": "true"})
    server.client("iam").create_user(UserName="dry-1")

    (record,) = wait_for(lambda: responses(server, "WebhookSent", arn))

    assert record["serviceEventDetails"]["dryRun"] is True
    assert hook.got == []


def queue(server: Running, name: str) -> tuple[str, str]:
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    return f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}", url


def received(server: Running, url: str) -> list[dict[str, Any]]:
    sqs = server.client("sqs")
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
    return found.get("Messages", [])  # type: ignore[no-any-return]


def test_queues_get_messages_and_dead_letters(server: Running) -> None:
    good, good_url = queue(server, "events")
    dead, dead_url = queue(server, "dead")
    rule(server, "to-queue", good, "queue-")
    gone = f"arn:aws:sqs:us-east-1:{ACCOUNT}:gone"
    arn = rule(server, "to-gone", gone, "queue-", DeadLetterConfig={"Arn": dead})
    server.client("iam").create_user(UserName="queue-1")

    (message,) = wait_for(lambda: received(server, good_url))
    (letter,) = wait_for(lambda: received(server, dead_url))

    assert json.loads(message["Body"])["detail"]["requestParameters"]["userName"] == "queue-1"
    assert message["MessageAttributes"]["OpenTrailDeliveryId"]["StringValue"]
    assert letter["Body"] == message["Body"]
    attributes = {name: one["StringValue"] for name, one in letter["MessageAttributes"].items()}
    assert attributes["RULE_ARN"] == arn
    assert attributes["TARGET_ARN"] == gone
    assert "NonExistentQueue" in attributes["ERROR_MESSAGE"]


def test_an_api_is_called_with_a_role(server: Running) -> None:
    """A trail that somebody stopped is started again."""
    server.client("s3").create_bucket(Bucket="restarted")
    cloudtrail = server.client("cloudtrail")
    cloudtrail.create_trail(Name="restarted", S3BucketName="restarted")
    cloudtrail.start_logging(Name="restarted")
    events = server.client("events")
    events.put_rule(
        Name="restart", EventPattern=json.dumps({"detail": {"eventName": ["StopLogging"]}})
    )
    answer = events.put_targets(
        Rule="restart",
        Targets=[{
            "Id": "1", "Arn": "arn:aws:scheduler:::aws-sdk:cloudtrail:startLogging", "RoleArn": ROLE,
            "InputTransformer": {
                "InputPathsMap": {"name": "$.detail.requestParameters.name"}, "InputTemplate": '{"Name": <name>}',
            },
        }],
    )  # fmt: skip
    assert answer["FailedEntryCount"] == 0, answer

    cloudtrail.stop_logging(Name="restarted")

    wait_for(lambda: cloudtrail.get_trail_status(Name="restarted")["IsLogging"])
    (record,) = wait_for(lambda: records(server, name="ApiCallMade"))
    assert record["serviceEventDetails"]["target"].endswith("cloudtrail:startLogging")
    started = records(server, name="StartLogging")[-1]
    assert started["userIdentity"]["type"] == "AssumedRole"


def test_a_log_group_gets_events(server: Running) -> None:
    logs = server.client("logs")
    logs.create_log_group(logGroupName="/audit/users")
    group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/audit/users"
    rule(server, "to-logs", group, "logged-")
    server.client("iam").create_user(UserName="logged-1")

    wait_for(lambda: deliveries(server, "rule/to-logs", "delivered"))

    (event,) = logs.get_log_events(
        logGroupName="/audit/users", logStreamName="opentrail-responses", startFromHead=True
    )["events"]
    assert json.loads(event["message"])["detail"]["requestParameters"]["userName"] == "logged-1"


def test_mail_is_given_to_the_server(server: Running) -> None:
    mails = server.mails  # type: ignore[attr-defined]
    rule(server, "to-mail", "mailto:security@example.com", "mail-")
    server.client("iam").create_user(UserName="mail-1")

    (mail,) = wait_for(lambda: [one for one in mails.got if "mail-1" in one.text])

    assert mail.recipients == ["security@example.com"]
    assert mail.message["To"] == "security@example.com"
    assert mail.message["Auto-Submitted"] == "auto-generated"


def test_an_sns_subscriber_confirms_by_its_link_and_gets_messages(
    server: Running, hook: Receiver
) -> None:
    sns = server.client("sns")
    topic = sns.create_topic(Name="hooked")["TopicArn"]
    assert (
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=hook.url("/sns"))["SubscriptionArn"]
        == "pending confirmation"
    )
    (question,) = hook.wait(1)
    assert question.headers["x-amz-sns-message-type"] == "SubscriptionConfirmation"

    answer = urllib.request.urlopen(question.json["SubscribeURL"], timeout=10).read().decode()
    certificate = urllib.request.urlopen(question.json["SigningCertURL"], timeout=10).read()
    found = re.search(r"<SubscriptionArn>([^<]+)</SubscriptionArn>", answer)
    sns.publish(TopicArn=topic, Message="to all", Subject="s")
    message = hook.wait(2)[-1]

    assert found is not None
    assert message.headers["x-amz-sns-subscription-arn"] == found[1]
    assert (message.json["Message"], message.json["Type"]) == ("to all", "Notification")
    assert certificate.startswith(b"-----BEGIN CERTIFICATE-----")
    (record,) = wait_for(lambda: records(server, name="ConfirmSubscription"))
    assert record["eventSource"] == "sns.amazonaws.com"
    assert record["recipientAccountId"] == ACCOUNT

    urllib.request.urlopen(message.json["UnsubscribeURL"], timeout=10).read()
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(
            question.json["SubscribeURL"].replace("Token=", "Token=x"), timeout=10
        )
    assert caught.value.code == 400
    caught.value.close()


def test_the_aws_cli_works_with_topics(server: Running) -> None:
    def aws(*words: str) -> Any:
        out = server.run("aws", "sns", *words, "--output", "json").stdout
        return json.loads(out) if out.strip() else {}

    arn, url = queue(server, "by-cli")
    topic = aws("create-topic", "--name", "by-cli", "--tags", "Key=team,Value=audit")["TopicArn"]
    subscription = aws(
        "subscribe", "--topic-arn", topic, "--protocol", "sqs", "--notification-endpoint", arn,
        "--attributes", '{"FilterPolicy": "{\\"kind\\": [\\"a\\"]}"}',
    )["SubscriptionArn"]  # fmt: skip
    for kind in ("b", "a"):
        attribute = json.dumps({"kind": {"DataType": "String", "StringValue": kind}})
        aws(
            "publish",
            "--topic-arn",
            topic,
            "--message",
            f"of {kind}",
            "--message-attributes",
            attribute,
        )

    (message,) = wait_for(lambda: received(server, url))

    assert json.loads(message["Body"])["Message"] == "of a"
    assert aws("list-tags-for-resource", "--resource-arn", topic)["Tags"] == [
        {"Key": "team", "Value": "audit"}
    ]
    aws("unsubscribe", "--subscription-arn", subscription)
    aws("delete-topic", "--topic-arn", topic)
    assert topic not in str(aws("list-topics"))


def test_a_rule_reaches_a_topic_s_subscribers_and_no_loop_begins(server: Running) -> None:
    arn, url = queue(server, "subscribed")
    sns = server.client("sns")
    topic = sns.create_topic(Name="everything")["TopicArn"]
    sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"}
    )
    events = server.client("events")
    # Every record of OpenTrail's own, those of this rule's responses, too.
    events.put_rule(
        Name="everything", EventPattern='{"source": ["aws.iam", "aws.opentrail", "aws.sns"]}'
    )
    events.put_targets(Rule="everything", Targets=[{"Id": "1", "Arn": topic}])

    server.client("iam").create_user(UserName="everything-1")
    found = wait_for(
        lambda: [one for one in received(server, url) if "everything-1" in one["Body"]]
    )
    time.sleep(3)
    first = len(records(server))
    time.sleep(3)

    assert found
    assert len(records(server)) == first
    events.remove_targets(Rule="everything", Ids=["1"])
