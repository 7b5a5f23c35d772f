"""SNS, SQS and STS that are somebody else's: OpenTrail sends there, and answers for none of them."""

import json
from pathlib import Path

import pytest
from backends import backends
from running import ACCOUNT, running, wait_for
from test_responses import deliveries, records

pytestmark = [pytest.mark.contract, pytest.mark.timeout(180)]

ROLE = f"arn:aws:iam::{ACCOUNT}:role/responder"


def test_topics_of_an_upstream_stay_there(tmp_path: Path) -> None:
    with backends() as behind:
        arguments = (*behind.arguments, "--upstream", f"sns={behind.moto}")
        with running(tmp_path / "data", *arguments, **behind.settings) as server:
            with (server.data / "identities.toml").open("a") as file:
                file.write(
                    f'\n[[roles]]\naccount = "{ACCOUNT}"\nrole = "responder"\nrole_id = "AROA1"\n'
                )
            sns, sqs, events = server.client("sns"), server.client("sqs"), server.client("events")
            topic = sns.create_topic(Name="theirs")["TopicArn"]
            url = sqs.create_queue(QueueName="theirs")["QueueUrl"]
            queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:theirs"
            sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
            events.put_rule(Name="r", EventPattern='{"detail": {"eventName": ["CreateUser"]}}')
            call = {
                "Id": "2", "Arn": "arn:aws:scheduler:::aws-sdk:iam:tagUser", "RoleArn": ROLE,
                "Input": '{"UserName": "u", "Tags": [{"Key": "seen", "Value": "yes"}]}',
            }  # fmt: skip
            events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": topic}, call])

            iam = server.client("iam")
            iam.create_user(UserName="u")

            (message,) = wait_for(lambda: sqs.receive_message(QueueUrl=url).get("Messages", []))
            wait_for(lambda: iam.list_user_tags(UserName="u")["Tags"])
            told = json.loads(message["Body"])
            assert json.loads(told["Message"])["detail"]["requestParameters"] == {"userName": "u"}
            assert told["MessageAttributes"]["OpenTrailDeliveryId"]["Value"] in {
                one.delivery.id for one in deliveries(server, topic)
            }
            assert records(server, "CreateTopic")[0]["userAgent"].startswith("Boto3")
            (tagged,) = records(server, "TagUser")
            assert tagged["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] == ROLE
            # The key that delivers is somebody's: its secret is not kept.
            secret = behind.settings["OPENTRAIL_S3_SECRET_ACCESS_KEY"].encode()
            for file in server.data.glob("*.sqlite*"):
                assert secret not in file.read_bytes()
