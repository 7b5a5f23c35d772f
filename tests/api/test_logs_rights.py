"""Rights on a log group hold however a call names the group."""

import base64
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from api_world import ACCOUNT, OTHER
from botocore import xform_name
from botocore.exceptions import ClientError
from logs_world import GROUP, LogsWorld, made, now, refused
from test_every_constraint import good

from opentrail.access.policy import parse_policy
from opentrail.api.logs import insights
from opentrail.api.logs.service import HANDLERS
from opentrail.aws.models import service_model
from opentrail.logs.event import EventPlace, Keeper
from opentrail.logs.names import GroupKey
from opentrail.logs.query.pointers import Pointer

MODEL = service_model("logs")
ANY = f"{GROUP.arn}:*"
STAR = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}


@dataclass
class Secret:
    """A group that not everybody may read: `g`, beside `open`."""

    logs: LogsWorld
    client: Any
    query: str
    pointer: str

    def rights(self, *statements: dict[str, Any]) -> None:
        world = self.logs.world
        world.by_policies = True
        world.serve()
        arn = next(iter(world.identities.all_credentials())).principal.arn
        world.identities.attached[arn] = [parse_policy(json.dumps({"Statement": statements}))]

    def ask(self, source: str = "", **values: Any) -> Any:
        seconds = now() // 1000
        text = f"SOURCE {source} | limit 1" if source else "limit 1"
        usual = {"queryString": text, "startTime": seconds - 60, "endTime": seconds}
        return self.client.start_query(**usual | values)


@pytest.fixture
def secret(tmp_path: Path) -> Secret:
    logs = made(tmp_path)
    client = logs.client()
    moment = now()
    for name in ("g", "open"):
        client.create_log_group(logGroupName=name)
        client.create_log_stream(logGroupName=name, logStreamName="s")
        event = {"timestamp": moment, "message": "m"}
        client.put_log_events(logGroupName=name, logStreamName="s", logEvents=[event])
    pointer = Pointer(GROUP, EventPlace(moment, Keeper.OWN, 1)).text
    found = Secret(logs, client, "", pointer)
    found.query = found.ask(logGroupName="g")["queryId"]
    return found


def _naming(operation: str, **further: Any) -> dict[str, Callable[[Secret], Any]]:
    """An operation that takes a name or an identifier."""

    def call(**named: str) -> Callable[[Secret], Any]:
        return lambda secret: getattr(secret.client, operation)(**named | further)

    return {
        f"{operation} by name": call(logGroupName="g"),
        f"{operation} by the name as identifier": call(logGroupIdentifier="g"),
        f"{operation} by ARN": call(logGroupIdentifier=GROUP.arn),
    }


WAYS: dict[str, Callable[[Secret], Any]] = {
    **_naming("get_log_events", logStreamName="s"),
    **_naming("filter_log_events"),
    **_naming("describe_log_streams"),
    **_naming("get_log_group_fields"),
    "put_log_group_deletion_protection": lambda secret: (
        secret.client.put_log_group_deletion_protection(
            logGroupIdentifier=GROUP.arn, deletionProtectionEnabled=True
        )
    ),
    "associate_kms_key": lambda secret: secret.client.associate_kms_key(
        resourceIdentifier=GROUP.arn, kmsKeyId="arn:aws:kms:x"
    ),
    "put_log_events": lambda secret: secret.client.put_log_events(
        logGroupName="g", logStreamName="s", logEvents=[{"timestamp": now(), "message": "m"}]
    ),
    "delete_log_stream": lambda secret: secret.client.delete_log_stream(
        logGroupName="g", logStreamName="s"
    ),
    "delete_log_group": lambda secret: secret.client.delete_log_group(logGroupName="g"),
    "tag_log_group": lambda secret: secret.client.tag_log_group(logGroupName="g", tags={"a": "b"}),
    "describe_metric_filters": lambda secret: secret.client.describe_metric_filters(
        logGroupName="g"
    ),
    "start_query by name": lambda secret: secret.ask(logGroupName="g"),
    "start_query by names": lambda secret: secret.ask(logGroupNames=["g"]),
    "start_query by ARN": lambda secret: secret.ask(logGroupIdentifiers=[GROUP.arn]),
    "start_query by SOURCE": lambda secret: secret.ask("'g'"),
    "start_query by SOURCE's ARN": lambda secret: secret.ask(f"'{GROUP.arn}'"),
    "start_query by SOURCE's prefix": lambda secret: secret.ask("logGroups(namePrefix: ['g'])"),
    "get_query_results": lambda secret: secret.client.get_query_results(queryId=secret.query),
    "stop_query": lambda secret: secret.client.stop_query(queryId=secret.query),
    "describe_queries": lambda secret: secret.client.describe_queries(logGroupName="g"),
    "get_log_record": lambda secret: secret.client.get_log_record(
        logRecordPointer=secret.pointer
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_who_has_the_right_on_the_group_may(secret: Secret, way: str) -> None:
    secret.rights(STAR | {"Resource": ANY})

    WAYS[way](secret)


@pytest.mark.parametrize("way", WAYS)
def test_who_is_denied_the_group_may_not(secret: Secret, way: str) -> None:
    secret.rights(STAR, STAR | {"Effect": "Deny", "Resource": ANY})

    with pytest.raises(ClientError, match=f"AccessDenied.*{GROUP.arn}:"):
        WAYS[way](secret)


@pytest.mark.parametrize("way", WAYS)
def test_who_has_a_right_on_another_group_may_not(secret: Secret, way: str) -> None:
    secret.rights(STAR | {"Resource": f"{GROUP._replace(name='open').arn}:*"})

    with pytest.raises(ClientError, match="AccessDenied"):
        WAYS[way](secret)


@pytest.mark.parametrize("operation", sorted({**HANDLERS, **insights.HANDLERS}))
def test_every_operation_asks_for_the_right_to_itself(secret: Secret, operation: str) -> None:
    shape = MODEL.operation_model(operation).input_shape
    values: dict[str, Any] = {} if shape is None else good(shape)
    client = secret.logs.client(parameter_validation=False)
    call = getattr(client, xform_name(operation))
    named = f"logs:{operation}"
    own = STAR | {"Action": named}
    others = {"Effect": "Allow", "NotAction": named, "Resource": "*"}

    for statements in ([STAR | {"Action": "s3:*"}], [others], [STAR, own | {"Effect": "Deny"}]):
        secret.rights(*statements)
        with pytest.raises(ClientError, match=f"AccessDenied.*perform: {named} on"):
            call(**values)
    secret.rights(own)
    with suppress(ClientError):
        call(**values)
        return
    code, _ = refused(call, **values)
    assert code != "AccessDeniedException"


def test_a_query_of_several_groups_needs_the_right_on_each(secret: Secret) -> None:
    secret.rights(STAR, STAR | {"Effect": "Deny", "Resource": ANY})

    secret.ask("logGroups(namePrefix: ['o'])")
    for source in (
        "logGroups(namePrefix: ['o', 'g'])", "logGroups()", "'open', 'g'",
        "logGroups(namePrefix: ['o']), logGroups(class: ['STANDARD'])",
    ):  # fmt: skip
        with pytest.raises(ClientError, match="AccessDenied"):
            secret.ask(source)
    with pytest.raises(ClientError, match="AccessDenied"):
        secret.ask(logGroupIdentifiers=["open", GROUP.arn])


def test_what_selects_no_group_needs_the_right_on_all(secret: Secret) -> None:
    secret.rights(STAR | {"Resource": ANY})

    for text in ("logGroups(namePrefix: ['none'])", "logGroups(|"):
        with pytest.raises(ClientError, match="AccessDenied"):
            secret.ask(text)


@pytest.mark.parametrize(
    "call",
    [
        lambda client, arn: client.tag_resource(resourceArn=arn, tags={"a": "b"}),
        lambda client, arn: client.untag_resource(resourceArn=arn, tagKeys=["a"]),
        lambda client, arn: client.list_tags_for_resource(resourceArn=arn),
    ],
)
def test_tags_ask_for_the_groups_own_arn(secret: Secret, call: Callable[[Any, str], Any]) -> None:
    secret.rights(STAR | {"Resource": GROUP.arn})
    call(secret.client, GROUP.arn)

    secret.rights(STAR, STAR | {"Effect": "Deny", "Resource": GROUP.arn})
    with pytest.raises(ClientError, match="AccessDenied"):
        call(secret.client, GROUP.arn)


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov", "x"])
def test_an_arn_of_another_partition_names_no_group(secret: Secret, partition: str) -> None:
    arn = GROUP.arn.replace("arn:aws:", f"arn:{partition}:")
    client = secret.client

    for call, values in (
        (client.filter_log_events, {"logGroupIdentifier": arn}),
        (client.get_log_events, {"logGroupIdentifier": arn, "logStreamName": "s"}),
        (client.list_tags_for_resource, {"resourceArn": arn}),
        (secret.ask, {"logGroupIdentifiers": [arn]}),
        (secret.ask, {"source": f"'{arn}'"}),
    ):
        code, message = refused(call, **values)
        assert code == "InvalidParameterException"
        assert "partition" in message


@pytest.mark.parametrize(
    "whose", [GroupKey(OTHER, "us-east-1", "g"), GroupKey(ACCOUNT, "eu-west-1", "g")]
)
def test_a_pointer_to_another_account_or_region_leads_nowhere(
    secret: Secret, whose: GroupKey
) -> None:
    client = secret.logs.client(account=whose.account_id, region=whose.region)
    client.create_log_group(logGroupName="g")
    client.create_log_stream(logGroupName="g", logStreamName="s")
    event = {"timestamp": now(), "message": "m"}
    client.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])
    theirs = Pointer(whose, EventPlace(event["timestamp"], Keeper.OWN, 3)).text
    assert client.get_log_record(logRecordPointer=theirs)["logRecord"]["@message"] == "m"

    code, _ = refused(secret.client.get_log_record, logRecordPointer=theirs)

    assert code == "ResourceNotFoundException"


def test_no_pointer_can_be_made_up_against_a_denial(secret: Secret) -> None:
    secret.rights(STAR, STAR | {"Effect": "Deny", "Resource": ANY})
    place = base64.urlsafe_b64decode(secret.pointer)[:56]

    for group in (f"{ACCOUNT}/us-east-1/g", f"{ACCOUNT}/us-east-1//g", f"{ACCOUNT}//us-east-1/g"):
        pointer = base64.urlsafe_b64encode(place + group.encode()).decode()
        with pytest.raises(ClientError, match=r"AccessDenied|NotFound"):
            secret.client.get_log_record(logRecordPointer=pointer)
