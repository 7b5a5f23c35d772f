"""A pytest plugin: the fixture `opentrail` records what a test calls.

Name it where the tests are: `pytest_plugins = ["opentrail.recorder.plugin"]`, or on the command
line with `-p opentrail.recorder.plugin`. It works beside moto's mock, in any order.
"""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest

from opentrail.recorder.botocore import BotocoreRecorder
from opentrail.recorder.calls import RecordedCalls


@pytest.fixture
def opentrail() -> Iterator[RecordedCalls]:
    """The calls of boto3 and botocore sessions that are made while the test runs."""
    calls = RecordedCalls()
    recorder = BotocoreRecorder(calls.add)
    recorder.attach_everywhere()
    default, boto3.DEFAULT_SESSION = boto3.DEFAULT_SESSION, None
    try:
        yield calls
    finally:
        recorder.detach_everywhere()
        boto3.DEFAULT_SESSION = default
