"""No secret member of any operation that botocore knows comes into a record.

Each text and blob of a full request is a canary of its own. Secret are members that the model
marks as sensitive or whose name tells a secret, and everything below them.
"""

import base64
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import botocore.session
import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.serialize import create_serializer
from every_operation import DEEPEST, WHEN, prepared, services
from msgspec.structs import replace
from wire import call_of

from opentrail.aws.decode import read_call
from opentrail.recording import RecordFacts, Redaction, compose
from opentrail.recording.compose import encode
from opentrail.recording.redact import hidden_members, is_secret_name, may_be_shown
from opentrail.recording.spelling import Speller

FACTS = RecordFacts(event_id="e", account_id="123456789012")
PARTS = 24
SHARED = "chime-sdk-voice."
"""Decoded as Chime's own calls, which they can't be told from: its model does not mark these ids."""

NUMBERS: dict[str, Any] = {
    "boolean": True, "integer": 7, "long": 7, "float": 1.5, "double": 1.5, "timestamp": WHEN
}  # fmt: skip


@dataclass
class Canaries:
    """Fills a shape; remembers which canaries are secrets."""

    secrets: dict[str, str] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def fill(self, shape: Shape, path: str = "", *, secret: bool = False, depth: int = 0) -> Any:
        if isinstance(shape, StructureShape):
            return self._structure(shape, path, secret=secret, depth=depth)
        if isinstance(shape, ListShape):
            inner = secret or marked(shape.member, path.rpartition(".")[2])
            return [self.fill(shape.member, path, secret=inner, depth=depth + 1)]
        if isinstance(shape, MapShape):
            inner = secret or bool(shape.value.metadata.get("sensitive"))
            key = shape.key.enum[0] if getattr(shape.key, "enum", None) else "key"
            return {key: self.fill(shape.value, path, secret=inner, depth=depth + 1)}
        if shape.type_name == "string" and not shape.enum:
            return self._canary(path, secret=secret)
        if shape.type_name == "blob":
            return self._canary(path, secret=secret).encode()
        return shape.enum[0] if shape.type_name == "string" else NUMBERS[shape.type_name]

    def _canary(self, path: str, *, secret: bool) -> str:
        text = f"CANARY{next(self.numbers):06}Z"
        if secret:
            self.secrets[text] = path
        return text

    def _structure(self, shape: StructureShape, path: str, *, secret: bool, depth: int) -> Any:
        if shape.is_document_type:
            return {}
        names = list(shape.members) if depth < DEEPEST else list(shape.required_members)
        if shape.is_tagged_union:
            names = names[:1]
        found = {}
        for name in names:
            member = shape.members[name]
            if member.serialization.get("eventstream") or depth > 4 * DEEPEST:
                continue
            inner = secret or marked(member, name)
            found[name] = (
                "label"
                if member.serialization.get("hostLabel")
                else self.fill(member, f"{path}.{name}", secret=inner, depth=depth + 1)
            )
        return found


def marked(shape: Shape, name: str) -> bool:
    """Whether a member is a secret by itself."""
    sensitive = bool(shape.metadata.get("sensitive")) and not may_be_shown(name)
    return sensitive or is_secret_name(name)


def leaks(service: str, facts: RecordFacts = FACTS) -> Iterator[str]:
    """Secret members of a service's operations that are in their records."""
    model = botocore.session.get_session().get_service_model(service)
    serializer = create_serializer(model.resolved_protocol, include_validation=False)
    for name in model.operation_names:
        operation = model.operation_model(name)
        if operation.input_shape is None:
            continue
        canaries = Canaries()
        parameters = canaries.fill(operation.input_shape)
        request = prepared(serializer.serialize_to_request(parameters, operation), model)
        call = read_call(call_of(request), "us-east-1")
        record = compose(call, None, facts=facts).decode()
        yield from (f"{service}.{name}{path}" for path in told(canaries, record))


def told(canaries: Canaries, text: str) -> Iterator[str]:
    """The paths of secrets that are in a text."""
    for canary, path in canaries.secrets.items():
        if canary in text or base64.b64encode(canary.encode()).decode() in text:
            yield path


def answered_leaks(service: str) -> Iterator[str]:
    """Secret members of a service's answers that would be in its records."""
    model = botocore.session.get_session().get_service_model(service)
    ec2 = model.resolved_protocol == "ec2"
    for name in model.operation_names:
        shape = model.operation_model(name).output_shape
        if shape is None:
            continue
        canaries = Canaries()
        result = canaries.fill(shape)
        speller = Speller(hidden_members(service, name), ec2=ec2, result=True)
        text = encode(speller.members(shape, result)).decode()
        yield from (f"{service}.{name}{path}" for path in told(canaries, text))


@pytest.mark.contract
@pytest.mark.parametrize("part", range(PARTS))
def test_no_secret_member_is_in_a_record(part: int) -> None:
    found = [leak for service in services()[part::PARTS] for leak in leaks(service)]

    assert [leak for leak in found if not leak.startswith(SHARED)] == []


@pytest.mark.contract
@pytest.mark.parametrize("part", range(PARTS))
def test_no_secret_member_of_an_answer_is_in_a_record(part: int) -> None:
    found = [leak for service in services()[part::PARTS] for leak in answered_leaks(service)]

    assert found == []


def test_digests_tell_no_secret() -> None:
    facts = replace(FACTS, redaction=Redaction(digest_key=b"key of this installation"))

    found = [one for service in ("iam", "rds", "ssm", "lambda") for one in leaks(service, facts)]

    assert found == []
