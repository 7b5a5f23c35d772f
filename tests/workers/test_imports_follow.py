"""An import that goes on, by listing and by a queue's messages."""

import json
from datetime import timedelta
from urllib.parse import quote_plus

import pytest
from import_samples import log_file, log_key, record
from imports_world import World

from opentrail.adapters.sources import MemoryQueue, MemorySource
from opentrail.errors import Unavailable
from opentrail.imports.notices import Notice, read_notice
from opentrail.imports.report import ImportReport
from opentrail.ports.sources import Message, SourceObject
from opentrail.workers.importing.following import Following
from opentrail.workers.imports import Importer

KEY = "a b/ü+%/x.json.gz"


def s3_event(*keys: str, bucket: str = "logs", name: str = "ObjectCreated:Put") -> str:
    return json.dumps(
        {
            "Records": [
                {
                    "eventVersion": "2.1",
                    "eventSource": "aws:s3",
                    "eventName": name,
                    "s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key)}},
                }
                for key in keys
            ]
        }
    )


NOTICES = {
    "S3": (s3_event(KEY, "k2"), Notice((("logs", KEY), ("logs", "k2")))),
    "S3 through SNS": (
        json.dumps({"Type": "Notification", "Message": s3_event(KEY)}),
        Notice((("logs", KEY),)),
    ),
    "CloudTrail through SNS": (
        json.dumps(
            {
                "Type": "Notification",
                "Message": json.dumps({"s3Bucket": "logs", "s3ObjectKey": [KEY, "k2"]}),
            }
        ),
        Notice((("logs", KEY), ("logs", "k2"))),
    ),
    "EventBridge": (
        json.dumps(
            {
                "detail-type": "Object Created",
                "detail": {"bucket": {"name": "logs"}, "object": {"key": KEY}},
            }
        ),
        Notice((("logs", KEY),)),
    ),
    "test": (json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"}), Notice()),
    "removal": (s3_event(KEY, name="ObjectRemoved:Delete"), Notice()),
    "no JSON": ("hello", Notice(known=False)),
    "a number": ("7", Notice(known=False)),
    "something else": ('{"a":1}', Notice(known=False)),
    "wrapped too often": (
        json.dumps({"Message": json.dumps({"Message": json.dumps({"Message": "x"})})}),
        Notice(known=False),
    ),
    "odd members": ('{"Records":[{"eventName":"ObjectCreated:Put","s3":7}]}', Notice(known=False)),
    "a surrogate": ('"\ud800"', Notice(known=False)),
}


@pytest.mark.parametrize("name", NOTICES)
def test_a_message_tells_of_objects(name: str) -> None:
    body, expected = NOTICES[name]

    assert read_notice(body) == expected


class Stage:
    """A source that is followed for some seconds."""

    def __init__(self, world: World, queue: MemoryQueue | None, seconds: int) -> None:
        self.world = world
        self.reports: list[ImportReport] = []
        self.troubles: list[Unavailable] = []
        self.at: dict[int, list[str]] = {}
        self.left = seconds
        self.following = Following(
            importer=lambda: Importer(world.tools()),
            sources=[world.source],
            buckets={"logs": [world.source]},
            queue=queue,
            interval=timedelta(seconds=10),
            clock=world.clock,
            pause=self.pause,
            tell=self.reports.append,
            trouble=self.troubles.append,
        )

    def pause(self, seconds: float) -> bool:
        self.left -= max(1, int(seconds))
        self.world.clock.advance(timedelta(seconds=max(1, seconds)))
        for key in self.at.pop(self.left, ()):
            self.world.source.objects[key] = log_file([record(len(self.world.source.objects))])
        return self.left <= 0


def test_what_comes_later_is_found_by_the_next_listing() -> None:
    world = World()
    stage = Stage(world, None, 40)
    world.source.objects[log_key(9)] = log_file([record(9)])
    stage.at = {30: [log_key(3)], 10: [log_key(20), log_key(21)]}

    stage.following.run()

    assert [one.objects.imported for one in stage.reports] == [1, 1, 2]
    assert len(world.events.raws) == 4


def test_a_message_brings_its_objects_and_is_deleted_when_they_are_noted() -> None:
    world, queue = World(), MemoryQueue()
    stage = Stage(world, queue, 3)
    world.source.objects[KEY] = log_file([record(1)])

    stage.following.step()
    world.source.objects["k2"] = log_file([record(2)])
    for body in (s3_event("k2", "gone"), s3_event(KEY), s3_event("x", bucket="other"), "hello"):
        queue.send(body)
    stage.following.take_messages(0)

    assert world.events.raws == [record(1), record(2)]
    assert [one.body for one in queue.messages] == ["hello"]
    assert [one.objects.imported for one in stage.reports] == [1, 1]


def test_a_message_stays_while_its_object_can_not_be_read() -> None:
    class Away(MemorySource):
        away = True

        def read(self, one: SourceObject) -> bytes:
            if self.away:
                raise Unavailable("SlowDown")
            return super().read(one)

    world, queue = World(), MemoryQueue()
    world.source = source = Away()
    source.objects["k"] = log_file([record(1)])
    stage = Stage(world, queue, 3)
    queue.send(s3_event("k"))

    stage.following.take_messages(0)
    kept = len(queue.messages)
    source.away = False
    stage.following.take_messages(0)

    assert kept == 1
    assert queue.messages == []
    assert world.events.raws == [record(1)]


def test_a_queue_that_is_away_does_not_stop_the_listings() -> None:
    class Away(MemoryQueue):
        def receive(self, wait_seconds: int) -> tuple[Message, ...]:
            raise Unavailable("queue away")

    world = World()
    stage = Stage(world, Away(), 30)
    stage.at = {15: ["late"]}

    stage.following.run()

    assert len(world.events.raws) == 1
    assert len(stage.troubles) > 5
