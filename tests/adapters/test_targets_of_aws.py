"""E-mail, Lambda and calls of AWS: what is sent, and what another try may help against."""

import base64
import json
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from botocore.config import Config
from mail import MailServer, mail_server
from webhooks import Receiver, raw_server, receiver

from opentrail.adapters.destinations import MemoryDestinations
from opentrail.adapters.state import MemoryStateStore
from opentrail.adapters.targets.api_call import ApiCallTarget, is_api_call
from opentrail.adapters.targets.calls import CallRefused, RoleKey, ServerCalls, ServerPlace
from opentrail.adapters.targets.email import EmailTarget, parse_mail_server
from opentrail.adapters.targets.function import FunctionTarget
from opentrail.adapters.targets.upstream import LambdaTarget, LogGroupTarget, QueueTarget
from opentrail.errors import InvalidInput, Unavailable
from opentrail.ports.targets.outbox import Delivery, DeliveryState, Kept
from opentrail.ports.targets.target import Outcome

NOW = datetime(2026, 7, 1, tzinfo=UTC)
ACCOUNT = "123456789012"
LAMBDA = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"


def delivery(target: str, **values: Any) -> Delivery:
    made = Delivery(
        id="d-1", account_id=ACCOUNT, region="us-east-1", target=target, cause="arn:c", payload=b'{"a": 1}', created=1
    )  # fmt: skip
    return replace(made, **values)


@pytest.fixture
def mails() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as server:
        yield server


def email(mails: MailServer, sender: str = "trail@example.com") -> EmailTarget:
    url = f"smtp://127.0.0.1:{mails.port}"
    return EmailTarget(parse_mail_server(url, sender), ssl.create_default_context())


def test_mail_says_who_sent_what(mails: MailServer) -> None:
    to = delivery(
        "mailto:a@example.com", attributes=(("subject", "Álarm"),), payload="Ünd\n.\nso".encode()
    )

    answer = email(mails).send(to, NOW)

    assert answer.outcome is Outcome.DELIVERED
    (mail,) = mails.got
    assert (mail.sender, mail.recipients) == ("trail@example.com", ["a@example.com"])
    assert mail.message["Subject"] == "Álarm"
    assert mail.message["Message-ID"] == "<d-1@opentrail>"
    assert mail.text.splitlines() == ["Ünd", ".", "so"]


@pytest.mark.parametrize(
    "subject",
    [
        "a\r\nBcc: x@example.com",
        "a\nBcc: x@example.com",
        "a\x0bBcc: x",
        "a\u2028Bcc: x",
        "x" * 5000,
    ],
)
def test_no_subject_begins_another_header(mails: MailServer, subject: str) -> None:
    email(mails).send(delivery("mailto:a@example.com", attributes=(("subject", subject),)), NOW)

    (mail,) = mails.got
    assert mail.recipients == ["a@example.com"]
    assert mail.message["Bcc"] is None
    assert len(mail.message["Subject"]) <= 100


@pytest.mark.parametrize(
    "address",
    [
        "a@example.com,b@example.com",
        "a@example.com\r\nBcc: b@example.com",
        "a",
        "",
        "a b@example.com",
        "<a@example.com>",
    ],
)
def test_only_one_plain_address_gets_mail(mails: MailServer, address: str) -> None:
    with pytest.raises(InvalidInput):
        email(mails).send(delivery(f"mailto:{address}"), NOW)
    assert mails.got == []


@pytest.mark.parametrize(
    ("code", "kind"), [(b"450 later", Unavailable), (b"550 nobody", InvalidInput)]
)
def test_what_the_mail_server_answers_tells_whether_to_try_again(
    mails: MailServer, code: bytes, kind: type[Exception]
) -> None:
    mails.to_recipients = code
    with pytest.raises(kind, match=code.decode()):
        email(mails).send(delivery("mailto:a@example.com"), NOW)


def test_without_a_mail_server_it_is_tried_again(mails: MailServer) -> None:
    context = ssl.create_default_context()
    for target in (
        EmailTarget(None, context),
        EmailTarget(parse_mail_server("smtp://127.0.0.1:1", "a@b"), context),
    ):
        with pytest.raises(Unavailable):
            target.send(delivery("mailto:a@example.com"), NOW)


def test_mail_servers_are_named_by_url() -> None:
    found = parse_mail_server("smtps://me:p%40ss@mail.example.com", "a@example.com")
    assert found is not None
    assert (found.host, found.port, found.tls, found.user, found.password) == (
        "mail.example.com",
        465,
        True,
        "me",
        "p@ss",
    )
    assert "p@ss" not in repr(found)
    assert parse_mail_server("", "") is None
    for url, sender in (("http://x", "a@b.c"), ("smtp://", "a@b.c"), ("smtp://x", "nobody")):
        with pytest.raises(InvalidInput):
            parse_mail_server(url, sender)


def client_of(port: int) -> Any:
    def client(service: str, region: str) -> Any:
        return boto3.session.Session().client(
            service,
            region_name=region,
            endpoint_url=f"http://127.0.0.1:{port}",
            aws_access_key_id="AKIA1",
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=2),
        )

    return client


@pytest.mark.parametrize(
    ("status", "raised"),
    [(202, None), (404, CallRefused), (403, CallRefused), (429, Unavailable), (500, Unavailable)],
)
def test_lambda_is_invoked_asynchronously(
    hook: Receiver, status: int, raised: type[Exception] | None
) -> None:
    hook.answers = [status]
    target = LambdaTarget(client_of(hook.port))
    if raised is None:
        assert target.send(delivery(LAMBDA), NOW).outcome is Outcome.DELIVERED
    else:
        with pytest.raises(raised):
            target.send(delivery(LAMBDA), NOW)

    (got,) = hook.got
    assert got.headers["x-amz-invocation-type"] == "Event"
    context = json.loads(base64.b64decode(got.headers["x-amz-client-context"]))
    assert context == {"custom": {"OpenTrailDeliveryId": "d-1"}}
    assert got.body == b'{"a": 1}'


@pytest.mark.parametrize(
    "target",
    [
        LAMBDA,
        f"arn:aws:sqs:us-east-1:{ACCOUNT}:q",
        f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:g:*",
    ],
)
def test_nobody_sends_to_another_account(hook: Receiver, target: str) -> None:
    client = client_of(hook.port)
    outside = MemoryDestinations()
    foreign = delivery(target.replace(ACCOUNT, "999999999999"))
    for kind in (
        LambdaTarget(client),
        QueueTarget(client),
        LogGroupTarget(outside.all().log_groups),
    ):
        with pytest.raises(InvalidInput, match="not of account"):
            kind.send(foreign, NOW)
    kept = Kept(
        delivery=delivery("x", dead_letter="arn:aws:sqs:us-east-1:999999999999:q"),
        number=1, state=DeliveryState.DEAD, attempts=0, since=0, due=0, changed=0,
    )  # fmt: skip
    with pytest.raises(InvalidInput, match="not of account"):
        QueueTarget(client).to_dead_letter(kept)
    assert hook.got == []


class Queues:
    """An SQS that keeps what it is sent."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def client(self, service: str, region: str) -> Any:
        assert (service, region) == ("sqs", "us-east-1")
        return self

    def get_queue_url(self, **values: str) -> dict[str, str]:
        assert values["QueueOwnerAWSAccountId"] == ACCOUNT
        return {"QueueUrl": f"https://sqs/{values['QueueName']}"}

    def send_message(self, **values: Any) -> dict[str, str]:
        self.sent.append(values)
        return {"MessageId": f"m-{len(self.sent)}"}


ID = {"OpenTrailDeliveryId": {"DataType": "String", "StringValue": "d-1"}}


def test_a_queue_gets_the_payload_and_the_delivery_s_id() -> None:
    queues = Queues()
    target = QueueTarget(queues.client)
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"

    answer = target.send(delivery(queue), NOW)
    target.send(delivery(f"{queue}.fifo", attributes=(("group", "g"),)), NOW)
    target.send(delivery(f"{queue}.fifo", cause="c" * 200), NOW)

    assert (answer.outcome, answer.status, answer.acted) == (Outcome.DELIVERED, "m-1", True)
    plain, grouped, ungrouped = queues.sent
    assert plain == {
        "QueueUrl": "https://sqs/q", "MessageBody": '{"a": 1}', "MessageAttributes": ID,
    }  # fmt: skip
    assert (grouped["MessageGroupId"], grouped["MessageDeduplicationId"]) == ("g", "d-1")
    assert ungrouped["MessageGroupId"] == "c" * 128


def test_attributes_of_a_message_go_with_it_and_leave_the_id_room() -> None:
    queues = Queues()
    target, queue = QueueTarget(queues.client), f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"
    few = (("message-attribute:n", "Number:7"), ("message-attribute:b", "Binary:AAE="))
    many = tuple((f"message-attribute:{number}", "String:x") for number in range(10))

    target.send(delivery(queue, attributes=few), NOW)
    target.send(delivery(queue, attributes=many), NOW)

    first, second = (one["MessageAttributes"] for one in queues.sent)
    assert first == ID | {
        "n": {"DataType": "Number", "StringValue": "7"},
        "b": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
    }
    assert len(second) == 10
    assert ID.keys().isdisjoint(second)  # SQS takes ten: the publisher's go first


def test_a_dead_letter_says_why() -> None:
    queues = Queues()
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead"
    kept = Kept(
        delivery=delivery(LAMBDA, dead_letter=queue), number=1, state=DeliveryState.DEAD,
        attempts=0, since=0, due=0, changed=0, reason="3 attempts failed",
    )  # fmt: skip

    QueueTarget(queues.client).to_dead_letter(kept)

    (sent,) = queues.sent
    assert (sent["QueueUrl"], sent["MessageBody"]) == ("https://sqs/dead", '{"a": 1}')
    told = {name: one["StringValue"] for name, one in sent["MessageAttributes"].items()}
    assert told == {
        "RULE_ARN": "arn:c", "TARGET_ARN": LAMBDA, "ERROR_MESSAGE": "3 attempts failed",
        "OpenTrailDeliveryId": "d-1",
    }  # fmt: skip


def test_a_log_group_gets_an_event() -> None:
    group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:g:*"
    outside = MemoryDestinations(groups={group: {}})
    target = LogGroupTarget(outside.all().log_groups)

    created = int(NOW.timestamp()) - 60
    for later in (0, 30):
        target.send(delivery(group, created=created), NOW + timedelta(seconds=later))

    ((stream, events),) = outside.groups[group].items()
    assert stream == "opentrail-responses"
    # A repeat is an event of the same time and text.
    assert [(one.milliseconds, one.message) for one in events] == [(created * 1000, '{"a": 1}')] * 2
    with pytest.raises(InvalidInput, match="at most"):
        target.send(delivery(group, payload=b"x" * 300_000), NOW)
    with pytest.raises(InvalidInput, match="UTF-8"):
        target.send(delivery(group, payload=b"\xff"), NOW)
    with pytest.raises(InvalidInput):
        target.send(delivery(group.replace(":g:", ":gone:")), NOW)


@pytest.mark.parametrize("apart", [timedelta(days=1, seconds=1), timedelta(hours=-1)])
def test_what_a_log_group_would_not_take_any_more_is_told_as_now(apart: timedelta) -> None:
    """Events older than a group keeps them, or of the future, are rejected without an error."""
    group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:g:*"
    outside = MemoryDestinations(groups={group: {}})
    created = int((NOW - apart).timestamp())

    LogGroupTarget(outside.all().log_groups).send(delivery(group, created=created), NOW)

    assert outside.groups[group]["opentrail-responses"][0].milliseconds == NOW.timestamp() * 1000


class Sts:
    """Calls of a server at a port, and the keys of sessions that were noted."""

    def __init__(self, *, known: bool = True) -> None:
        self.noted: list[tuple[str, str]] = []
        self.known = known

    def calls(self, port: int) -> ServerCalls:
        return ServerCalls(
            ServerPlace(
                endpoint=lambda: f"http://127.0.0.1:{port}",
                access_key_id="AKIAOWN",
                secret_access_key="secret",
                known_role=lambda _arn: self.known,
                noted=lambda delivery_id, key: self.noted.append((delivery_id, key)),
            )
        )


def test_a_session_makes_one_client_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients may be used by many threads; the session that makes them may not."""
    calls = Sts().calls(1)
    inside: list[int] = []
    at_once: list[int] = []

    def make(*_: Any, **__: Any) -> object:
        inside.append(1)
        at_once.append(len(inside))
        time.sleep(0.01)
        inside.pop()
        return object()

    monkeypatch.setattr(calls._session, "client", make)
    key = RoleKey(access_key_id="AKIA1", secret_access_key="s", session_token="")
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: calls.client("iam", "us-east-1", key), range(8)))

    assert len({id(one) for one in made}) == 8
    assert at_once == [1] * 8


STS_ANSWER = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>token</SessionToken>
<Expiration>2030-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""
IAM_REFUSAL = """<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>gone</Message></Error>
</ErrorResponse>"""


@pytest.mark.parametrize(
    ("status", "outcome", "word"),
    [("200 OK", Outcome.DELIVERED, "200"), ("404 Not Found", Outcome.REFUSED, "NoSuchEntity")],
)
def test_a_call_is_made_with_the_role_s_key_after_it_was_noted(
    status: str, outcome: Outcome, word: str
) -> None:
    asked: list[str] = []
    sts = Sts()

    def answer(connection: Any) -> None:
        request = read_request(connection)
        asked.append(request)
        body = STS_ANSWER if "AssumeRole" in request else IAM_REFUSAL
        if "AssumeRole" not in request:
            assert sts.noted == [("d-1", "ASIAROLE")]
        line = "200 OK" if "AssumeRole" in request else status
        head = f"HTTP/1.1 {line}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        connection.sendall((head + body).encode())

    with raw_server(answer) as port:
        target = ApiCallTarget(sts.calls(port))
        got = target.send(
            delivery(API, attributes=(("role", ROLE),), payload=b'{"UserName": "mallory"}'), NOW
        )

    assert (got.outcome, got.status, got.acted) == (outcome, word, True)
    first, second = asked
    assert f"RoleArn={quote(ROLE, safe='')}&RoleSessionName=opentrail-d-1" in first
    assert "Credential=AKIAOWN/" in first
    assert "Credential=ASIAROLE/" in second
    assert "X-Amz-Security-Token: token" in second
    assert "Action=DeleteUser" in second
    assert "UserName=mallory" in second


def read_request(connection: Any) -> str:
    content = b""
    while b"\r\n\r\n" not in content:
        content += connection.recv(65536)
    head, _, body = content.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    return (head + b"\n" + body).decode()


API = "arn:aws:scheduler:::aws-sdk:iam:deleteUser"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "needs a role"),
        ({"attributes": (("role", "arn:aws:iam::999999999999:role/r"),)}, "not of account"),
        ({"attributes": (("role", "arn:aws:s3:::r"),)}, "not the ARN of a role"),
        ({"attributes": (("role", ROLE),), "payload": b"[1]"}, "no JSON object"),
        ({"attributes": (("role", ROLE),), "payload": b"{"}, "no JSON"),
        ({"target": "arn:aws:scheduler:::aws-sdk:iam"}, "expected arn:aws:scheduler"),
    ],
)
def test_calls_that_can_t_be_made_are_refused(
    hook: Receiver, values: dict[str, Any], told: str
) -> None:
    target = ApiCallTarget(Sts().calls(hook.port))
    with pytest.raises(InvalidInput, match=told):
        target.send(delivery(API, **values) if "target" not in values else delivery(**values), NOW)
    assert hook.got == []


def test_a_role_must_be_known(hook: Receiver) -> None:
    target = ApiCallTarget(Sts(known=False).calls(hook.port))
    with pytest.raises(InvalidInput, match="not in the identities file"):
        target.send(delivery(API, attributes=(("role", ROLE),)), NOW)
    assert hook.got == []


def test_targets_of_apis_are_told_from_others() -> None:
    assert is_api_call(API)
    assert not is_api_call("arn:aws:scheduler:us-east-1:1:schedule/x")
    assert not is_api_call(LAMBDA)


def test_a_function_that_is_gone_refuses() -> None:
    target = FunctionTarget(MemoryStateStore(), Sts().calls(1))
    with pytest.raises(InvalidInput, match="no function"):
        target.send(delivery(LAMBDA), NOW)
    assert target.terms(delivery(LAMBDA)).max_attempts > 185
    assert json.loads(delivery(LAMBDA).payload) == {"a": 1}
