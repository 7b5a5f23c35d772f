"""Every constraint that the model has for the input of an operation done here, broken once.

botocore checks few of them before sending: the server has to refuse each, by name.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from api_world import ApiWorld
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape
from test_api_hostile import call

from opentrail.api.cloudtrail.operations import HANDLERS
from opentrail.aws.models import service_model

MODEL = service_model("cloudtrail")
COMMON = {"SerializationException", "ValidationException"}


def good(shape: Shape) -> Any:
    """A value that keeps the model's rules."""
    if isinstance(shape, StructureShape):
        return {name: good(shape.members[name]) for name in shape.required_members}
    if isinstance(shape, ListShape):
        return [good(shape.member)]
    if isinstance(shape, MapShape):
        return {good(shape.key): good(shape.value)}
    if isinstance(shape, StringShape):
        return shape.enum[0] if shape.enum else "a" * max(shape.metadata.get("min", 1), 3)
    return {"boolean": True, "timestamp": 1}.get(shape.type_name, shape.metadata.get("min", 1))


def broken(shape: Shape) -> Iterator[tuple[str, Any]]:
    """(which rule, a value that breaks it)."""
    if isinstance(shape, StructureShape):
        yield from _structure(shape)
    elif isinstance(shape, ListShape):
        yield "null", [None]
        yield from _sized(shape, lambda count: [good(shape.member)] * count)
        yield from ((f"item {rule}", [value]) for rule, value in broken(shape.member))
    elif isinstance(shape, MapShape):
        yield "key", {"no-such": good(shape.value)}
        yield from _sized(shape, lambda count: {str(one): "a" for one in range(count)})
        yield from ((f"value {rule}", {good(shape.key): x}) for rule, x in broken(shape.value))
    elif isinstance(shape, StringShape):
        yield from _text(shape)
    elif shape.type_name in ("integer", "long"):
        yield from ((limit, shape.metadata[limit] + step)
                    for limit, step in (("min", -1), ("max", 1)) if limit in shape.metadata)  # fmt: skip
    yield "type", 7 if isinstance(shape, StringShape) else "text"


def _structure(shape: StructureShape) -> Iterator[tuple[str, Any]]:
    for name, member in shape.members.items():
        yield from ((f"{name} {rule}", good(shape) | {name: x}) for rule, x in broken(member))
    for name in shape.required_members:
        yield f"{name} missing", {key: x for key, x in good(shape).items() if key != name}


def _sized(shape: Shape, make: Any) -> Iterator[tuple[str, Any]]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low:
        yield "min", make(low - 1)
    if high is not None:
        yield "max", make(high + 1)


def _text(shape: StringShape) -> Iterator[tuple[str, Any]]:
    yield from _sized(shape, lambda count: "a" * count)
    if shape.enum:
        yield "enum", "no-such"
    pattern = shape.metadata.get("pattern", ".*")
    if pattern == ".+":
        yield "pattern", "\n"
    elif pattern != ".*":
        yield "pattern", "\N{LATIN SMALL LETTER E WITH ACUTE}\x01 " * 12


CASES = [
    (name, rule, value)
    for name in sorted(HANDLERS.keys() & set(MODEL.operation_names))
    if (shape := MODEL.operation_model(name).input_shape) is not None
    for rule, value in broken(shape)
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> ApiWorld:
    return ApiWorld(tmp_path_factory.mktemp("keys"))


@pytest.mark.parametrize("name", sorted({name for name, _, _ in CASES}))
def test_every_constraint_is_checked(world: ApiWorld, name: str) -> None:
    errors = {shape.name for shape in MODEL.operation_model(name).error_shapes}

    for rule, value in [case[1:] for case in CASES if case[0] == name]:
        outcome = world.handle(call(json.dumps(value).encode(), operation=name))

        told = json.loads(outcome.body)
        assert outcome.status == 400, rule
        assert told["__type"] in errors | COMMON, rule
        assert any(
            words in told["message"]
            for words in ("failed to satisfy constraint", "is expected", "is not a JSON object")
        ), f"{rule}: {told}"


def test_there_are_many_of_them() -> None:
    assert len(CASES) > 300
