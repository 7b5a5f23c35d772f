"""Streams of events and bytes are recorded when they end, by what is known of them."""

import json

import pytest
from wire import call_of, request_of

from opentrail.aws.decode import read_call
from opentrail.recording import RecordFacts, compose

FACTS = RecordFacts(event_id="e", account_id="123456789012")
EVENTS = b"\x00\x00\x00\x20\x00\x00\x00\x05SECRET-EVENT" * 50


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "name"),
    [
        ("bedrock-runtime", "InvokeModelWithResponseStream",
         {"modelId": "m", "body": b'{"prompt":"SECRET-PROMPT"}'}, "InvokeModelWithResponseStream"),
        ("bedrock-runtime", "ConverseStream",
         {"modelId": "m", "messages": [{"role": "user", "content": [{"text": "SECRET-PROMPT"}]}]},
         "ConverseStream"),
        ("lambda", "InvokeWithResponseStream",
         {"FunctionName": "f", "Payload": b"SECRET-PROMPT"}, "InvokeWithResponseStream"),
        ("s3", "SelectObjectContent",
         {"Bucket": "b", "Key": "k", "Expression": "select 1", "ExpressionType": "SQL",
          "InputSerialization": {"CSV": {}}, "OutputSerialization": {"CSV": {}}},
         "SelectObjectContent"),
        ("kinesis", "SubscribeToShard",
         {"ConsumerARN": "arn:aws:kinesis:us-east-1:1:stream/s/consumer/c:1", "ShardId": "s",
          "StartingPosition": {"Type": "LATEST"}}, "SubscribeToShard"),
        ("logs", "StartLiveTail", {"logGroupIdentifiers": ["arn:aws:logs:eu-west-1:1:log-group:g"]},
         "StartLiveTail"),
    ],
)  # fmt: skip
def test_a_stream_of_events_is_recorded_without_them(
    service: str, operation: str, parameters: dict[str, object], name: str
) -> None:
    call = read_call(call_of(request_of(service, operation, parameters), body=EVENTS), "eu-west-1")

    raw = compose(call, None, facts=FACTS)

    record = json.loads(raw)
    assert record["eventName"] == name
    assert "errorCode" not in record
    assert call.problem == ""
    assert b"SECRET" not in raw
