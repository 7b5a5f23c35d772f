"""What is to be called so that a pack is installed, or is gone; what is right already is left.

All that a pack makes bears its tag, or (metric filters have none) its prefix and namespace; what
bears neither is never removed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from opentrail.arn import partition_of
from opentrail.packs.pack import BUCKET, Control, Pack

TAG = "opentrail:pack"


class Verb(StrEnum):
    """What happens to a resource."""

    CREATE = "create"
    UPDATE = "update"
    KEEP = "keep"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One resource, and the call for it.

    Attributes:
        what: Its kind, in words.
        call: Service and operation as boto3 names them; () if there is nothing to call.
    """

    verb: Verb
    what: str
    name: str
    call: tuple[str, str] | tuple[()] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a pack is installed.

    Attributes:
        bucket: Of the trail that feeds the log group, "" if none does.
        subscribers: (protocol, endpoint) of who shall be told.
    """

    account_id: str
    region: str
    log_group: str
    topic: str
    bucket: str = ""
    subscribers: tuple[tuple[str, str], ...] = ()

    @property
    def topic_arn(self) -> str:
        """Of the topic, there or to be."""
        partition = partition_of(self.region)
        return f"arn:{partition}:sns:{self.region}:{self.account_id}:{self.topic}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is there, as the services describe it.

    Attributes:
        log_groups: Names; True for those that the pack made.
        fed_groups: Names of those that a trail delivers to.
        filters: By (log group, name).
        alarms: By name.
        alarm_tags: Values of TAG by the alarms' names.
        topics: ARNs; True for those that the pack made.
        subscriptions: (protocol, endpoint) of the topic.
        unconfirmed: Those of them that are told nothing until they say yes.
    """

    log_groups: Mapping[str, bool] = field(default_factory=dict)
    fed_groups: frozenset[str] = frozenset()
    filters: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    alarms: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    alarm_tags: Mapping[str, str] = field(default_factory=dict)
    topics: Mapping[str, bool] = field(default_factory=dict)
    subscriptions: frozenset[tuple[str, str]] = frozenset()
    unconfirmed: frozenset[tuple[str, str]] = frozenset()


def install(pack: Pack, place: Place, found: Found) -> tuple[Step, ...]:
    """The steps, in an order in which they can be called."""
    return tuple(_install(pack, place, found))


def _install(pack: Pack, place: Place, found: Found) -> Iterator[Step]:
    yield _log_group(pack, place, found)
    yield _topic(pack, place, found)
    for protocol, endpoint in place.subscribers:
        there = (protocol, endpoint) in found.subscriptions
        wanted = {"TopicArn": place.topic_arn, "Protocol": protocol, "Endpoint": endpoint}
        yield _step("subscription", endpoint, ("sns", "subscribe"), wanted, there=there)
    for control in pack.controls:
        if control.pattern:
            yield _filter(pack, place, control, found)
    for control in pack.controls:
        yield _alarm(pack, place, control, found)


def _step(
    what: str, name: str, call: tuple[str, str], wanted: Mapping[str, Any], *, there: bool
) -> Step:
    if there:
        return Step(verb=Verb.KEEP, what=what, name=name)
    return Step(verb=Verb.CREATE, what=what, name=name, call=call, parameters=wanted)


def _log_group(pack: Pack, place: Place, found: Found) -> Step:
    wanted = {"logGroupName": place.log_group, "tags": {TAG: pack.name}}
    there = place.log_group in found.log_groups
    return _step("log group", place.log_group, ("logs", "create_log_group"), wanted, there=there)


def _topic(pack: Pack, place: Place, found: Found) -> Step:
    wanted = {"Name": place.topic, "Tags": [{"Key": TAG, "Value": pack.name}]}
    there = place.topic_arn in found.topics
    return _step("topic", place.topic, ("sns", "create_topic"), wanted, there=there)


def _filter(pack: Pack, place: Place, control: Control, found: Found) -> Step:
    name = pack.resource_name(control)
    clause = f' && ($.requestParameters.bucketName = "{place.bucket}")' if place.bucket else ""
    wanted = {
        "logGroupName": place.log_group,
        "filterName": name,
        "filterPattern": control.pattern.replace(BUCKET, clause),
        "metricTransformations": [
            {
                "metricName": control.metric,
                "metricNamespace": pack.namespace,
                "metricValue": "1",
            }
        ],
    }
    there = found.filters.get((place.log_group, name))
    if there is not None and not _is_of(pack, there):
        return _others("metric filter", name)
    return _put("metric filter", name, ("logs", "put_metric_filter"), wanted, there)


def _alarm(pack: Pack, place: Place, control: Control, found: Found) -> Step:
    name = pack.resource_name(control)
    references = f" ({', '.join(control.references)})" if control.references else ""
    wanted = {
        "AlarmName": name,
        "AlarmDescription": f"{control.title}{references}",
        "Namespace": pack.namespace,
        "MetricName": control.metric,
        "Statistic": "Sum",
        "Period": control.period,
        "EvaluationPeriods": 1,
        "Threshold": float(control.threshold),
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
        "ActionsEnabled": True,
        "AlarmActions": [place.topic_arn],
    }
    there = found.alarms.get(name)
    if there is not None and found.alarm_tags.get(name) != pack.name:
        return _others("alarm", name)
    step = _put("alarm", name, ("cloudwatch", "put_metric_alarm"), wanted, there)
    if step.verb is not Verb.CREATE:
        return step  # PutMetricAlarm takes no tags of an alarm that is there
    tags = [{"Key": TAG, "Value": pack.name}]
    return Step(
        verb=step.verb,
        what=step.what,
        name=name,
        call=step.call,
        parameters={**wanted, "Tags": tags},
    )


def _is_of(pack: Pack, there: Mapping[str, Any]) -> bool:
    """Whether a metric filter makes the pack's metrics, and no others."""
    made = {one.get("metricNamespace") for one in there.get("metricTransformations", ())}
    return made == {pack.namespace}


def _others(what: str, name: str) -> Step:
    return Step(verb=Verb.KEEP, what=what, name=f"{name} (somebody else's)")


def _put(
    what: str,
    name: str,
    call: tuple[str, str],
    wanted: Mapping[str, Any],
    there: Mapping[str, Any] | None,
) -> Step:
    """Nothing, if all that is wanted is there."""
    if there is None:
        return Step(verb=Verb.CREATE, what=what, name=name, call=call, parameters=wanted)
    if _has(there, wanted):
        return Step(verb=Verb.KEEP, what=what, name=name)
    return Step(verb=Verb.UPDATE, what=what, name=name, call=call, parameters=wanted)


def _has(there: Any, wanted: Any) -> bool:
    """Whether everything that is wanted is there; there may be more."""
    if isinstance(wanted, Mapping):
        return isinstance(there, Mapping) and all(
            name in there and _has(there[name], one) for name, one in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(there, list) and len(there) == len(wanted) and all(map(_has, there, wanted))
        )
    return bool(there == wanted)


def remove(pack: Pack, found: Found) -> tuple[Step, ...]:
    """The steps, in an order in which they can be called."""
    return tuple(_remove(pack, found))


def missing(place: Place, found: Found) -> Iterator[str]:
    """Sentences on what a pack still needs, once it is installed, to tell somebody."""
    if place.log_group not in found.fed_groups:
        yield (
            f"No trail delivers to the log group {place.log_group} yet: give one its ARN as "
            "CloudWatchLogsLogGroupArn."
        )
    if not place.subscribers and not found.subscriptions:
        yield f"Nobody is told yet: subscribe to the topic {place.topic} (--subscribe)."
    new = {one for one in place.subscribers if one[0] != "sqs"} - found.subscriptions
    for _, endpoint in sorted(new | found.unconfirmed):
        yield f"{endpoint} is told as soon as it confirms its subscription."


def _remove(pack: Pack, found: Found) -> Iterator[Step]:
    alarms = [name for name, value in found.alarm_tags.items() if value == pack.name]
    for name in sorted(alarms):
        call = ("cloudwatch", "delete_alarms")
        yield _delete("alarm", name, call, {"AlarmNames": [name]})
    for (group, name), one in sorted(found.filters.items()):
        if name.startswith(pack.prefix) and _is_of(pack, one):
            call = ("logs", "delete_metric_filter")
            yield _delete("metric filter", name, call, {"logGroupName": group, "filterName": name})
    for arn, is_ours in sorted(found.topics.items()):
        if is_ours:
            name = arn.rpartition(":")[2]
            yield _delete("topic", name, ("sns", "delete_topic"), {"TopicArn": arn})
    for name, is_ours in sorted(found.log_groups.items()):
        if is_ours and name in found.fed_groups:
            yield Step(verb=Verb.KEEP, what="log group", name=f"{name} (a trail delivers to it)")
        elif is_ours:
            call = ("logs", "delete_log_group")
            yield _delete("log group", name, call, {"logGroupName": name})


def _delete(what: str, name: str, call: tuple[str, str], parameters: Mapping[str, Any]) -> Step:
    return Step(verb=Verb.DELETE, what=what, name=name, call=call, parameters=parameters)
