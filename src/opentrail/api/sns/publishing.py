"""Publish and PublishBatch: durable deliveries before the answer. Source: SNS API reference."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from opentrail.api.errors import ApiError
from opentrail.api.outcome import Caller, Reply
from opentrail.api.sns.backends import Parameters, SnsBackends, invalid
from opentrail.api.sns.find import find_topic
from opentrail.errors import InvalidInput
from opentrail.targets.notification import Publication, texts_by_way
from opentrail.targets.topic import Topic

MOST_BYTES = 256 * 1024
MOST_ENTRIES = 10
_SUBJECT = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,99}")
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_ATTRIBUTE_NAME = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_KINDS = ("String", "String.Array", "Number", "Binary")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_LONGEST_NAME = 256


def publish(parameters: Parameters, caller: Caller, backends: SnsBackends) -> Reply:
    """One message to every subscriber."""
    if parameters.get("PhoneNumber"):
        raise invalid("PhoneNumber Reason: OpenTrail sends no SMS")
    arn = parameters.get("TopicArn") or parameters.get("TargetArn")
    if not arn:
        raise invalid("TopicArn or TargetArn Reason: no value for required parameter")
    topic = find_topic(arn, "Publish", caller, backends).topic
    publication = _publication(topic, parameters, caller, backends)
    if _size(publication) > MOST_BYTES:
        raise invalid("Message too long")
    _publish(publication, backends)
    return Reply({"MessageId": publication.message_id})


def publish_batch(parameters: Parameters, caller: Caller, backends: SnsBackends) -> Reply:
    """Up to ten messages, each with an outcome of its own."""
    topic = find_topic(parameters["TopicArn"], "Publish", caller, backends).topic
    entries = parameters["PublishBatchRequestEntries"]
    _check_batch(entries)
    good: list[tuple[str, Publication]] = []
    failed: list[dict[str, Any]] = []
    for entry in entries:
        try:
            good.append((entry["Id"], _publication(topic, entry, caller, backends)))
        except ApiError as problem:
            failed.append(_failure(entry["Id"], problem))
    if sum(_size(one) for _, one in good) > MOST_BYTES:
        raise ApiError(
            "BatchRequestTooLongException",
            f"The length of all the messages put together is more than the limit, {MOST_BYTES}.",
        )
    sent: list[dict[str, Any]] = []
    for entry_id, publication in good:
        try:
            _publish(publication, backends)
            sent.append({"Id": entry_id, "MessageId": publication.message_id})
        except ApiError as problem:
            failed.append(_failure(entry_id, problem))
    return Reply({"Successful": sent, "Failed": failed})


def _publish(publication: Publication, backends: SnsBackends) -> None:
    try:
        backends.publisher.publish(publication)
    except InvalidInput as problem:
        raise invalid(str(problem)) from problem


def _check_batch(entries: list[Mapping[str, Any]]) -> None:
    if not entries:
        raise ApiError(
            "EmptyBatchRequestException", "The batch request doesn't contain any entries."
        )
    if len(entries) > MOST_ENTRIES:
        raise ApiError(
            "TooManyEntriesInBatchRequestException",
            "The batch request contains more entries than permissible.",
        )
    ids = [one["Id"] for one in entries]
    if not all(_ENTRY_ID.fullmatch(one) for one in ids):
        raise ApiError(
            "InvalidBatchEntryIdException",
            "The Id of a batch entry in a batch request doesn't abide by the specification.",
        )
    if len(set(ids)) < len(ids):
        raise ApiError(
            "BatchEntryIdsNotDistinctException",
            "Two or more batch entries in the request have the same Id.",
        )


def _failure(entry_id: str, problem: ApiError) -> dict[str, Any]:
    code = "InvalidParameter" if problem.code == "InvalidParameterException" else problem.code
    return {"Id": entry_id, "Code": code, "Message": str(problem), "SenderFault": True}


def _publication(
    topic: Topic, given: Mapping[str, Any], caller: Caller, backends: SnsBackends
) -> Publication:
    message, subject = given["Message"], given.get("Subject", "")
    if not message:
        raise invalid("Empty message")
    if "Subject" in given and not _SUBJECT.fullmatch(subject):
        raise invalid("Subject")
    structure = given.get("MessageStructure", "")
    if structure not in {"", "json"}:
        raise invalid("MessageStructure")
    if structure == "json":
        _check_structure(message)
    return Publication(
        topic_arn=topic.arn,
        message_id=backends.ids.request_id(),
        message=message,
        created=caller.now,
        subject=subject,
        per_protocol=structure == "json",
        attributes=_attributes(given.get("MessageAttributes", {})),
    )


def _check_structure(message: str) -> None:
    try:
        texts_by_way(message)
    except InvalidInput as problem:
        raise invalid(str(problem)) from None


def _attributes(
    given: Mapping[str, Mapping[str, Any]],
) -> tuple[tuple[str, str, str], ...]:
    found = []
    for name, one in given.items():
        kind, value = str(one.get("DataType", "")), _value(name, one)
        if not _ATTRIBUTE_NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
            raise _bad_value(f"The message attribute name {name[:100]!r} is invalid.")
        base = kind if kind == "String.Array" else kind.partition(".")[0]
        if base not in _KINDS:
            raise _bad_value(
                f"The message attribute {name!r} has an invalid message attribute type, the set of "
                f"supported type prefixes is Binary, Number, and String."
            )
        if base == "Number" and not _NUMBER.fullmatch(value):
            raise _bad_value(f"Could not cast message attribute {name!r} value to number.")
        found.append((name, kind, value))
    return tuple(found)


def _value(name: str, one: Mapping[str, Any]) -> str:
    """The text, or the base64, which is checked."""
    value = one.get("StringValue") or one.get("BinaryValue")
    if not value:
        raise _bad_value(
            f"The message attribute {name[:100]!r} must contain non-empty message attribute value "
            f"for message attribute type {str(one.get('DataType', ''))[:100]!r}."
        )
    if not one.get("StringValue"):
        try:
            base64.b64decode(value, validate=True)
        except binascii.Error:
            raise _bad_value(f"The message attribute {name[:100]!r} is no base64.") from None
    return str(value)


def _bad_value(message: str) -> ApiError:
    return ApiError("InvalidParameterValueException", message)


def _size(publication: Publication) -> int:
    attributes = sum(len("".join(one).encode()) for one in publication.attributes)
    return len(publication.message.encode()) + attributes
