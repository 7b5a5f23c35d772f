"""SIGKILL while events are put: what was acknowledged is there, in order, and once."""

import random
import threading
import time
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from running import Running, make

pytestmark = [pytest.mark.contract, pytest.mark.timeout(200)]

KILLS = 4


def kill_now_and_then(server: Running, ended: threading.Event) -> None:
    try:
        for number in range(KILLS):
            time.sleep(0.5 + random.Random(number).random())
            server.kill()
            server.start()
    finally:
        ended.set()


def test_events_that_were_acknowledged_are_there(tmp_path: Path) -> None:
    server = make(tmp_path / "data")
    server.start()
    logs = server.client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    ended = threading.Event()
    killer = threading.Thread(target=kill_now_and_then, args=(server, ended))
    killer.start()
    sent, acknowledged = 0, []
    while not ended.is_set():
        moment = int(time.time() * 1000)
        events = [{"timestamp": moment, "message": f"{sent} {n}"} for n in range(3)]
        try:
            logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events)
        except (ClientError, BotoCoreError):
            time.sleep(0.02)
        else:
            acknowledged += [one["message"] for one in events]
        sent += 1
    killer.join()

    pages = logs.get_paginator("filter_log_events").paginate(logGroupName="g")
    found = [one["message"] for page in pages for one in page["events"]]
    server.stop()

    assert len(acknowledged) > 60
    assert set(acknowledged) <= set(found)
    # A call without an answer may have been taken: then it is there whole.
    assert all(f"{one.split()[0]} {n}" in set(found) for one in found for n in range(3))
    kept = [one for one in found if one in set(acknowledged)]
    assert kept == acknowledged
