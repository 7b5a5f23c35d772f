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
from wire import call_of

from opentrail.aws.decode import read_call
from opentrail.recording import RecordFacts, compose
from opentrail.recording.redact import is_secret_name, may_be_shown

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


def leaks(service: str) -> Iterator[str]:
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
        record = compose(call, None, facts=FACTS).decode()
        for canary, path in canaries.secrets.items():
            if canary in record or base64.b64encode(canary.encode()).decode() in record:
                yield f"{service}.{name}{path}"


@pytest.mark.parametrize("part", range(PARTS))
def test_no_secret_member_is_in_a_record(part: int) -> None:
    found = [leak for service in services()[part::PARTS] for leak in leaks(service)]

    assert [leak for leak in found if not leak.startswith(SHARED)] == []
