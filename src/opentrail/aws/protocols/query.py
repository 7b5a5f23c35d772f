"""Query and ec2 requests: dotted form fields as a tree, then by shapes.

Source: Smithy's awsQuery and ec2Query protocol pages; botocore's models for the names.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from botocore.model import ListShape, MapShape, Shape, StructureShape

from opentrail.aws.protocols.values import MAX_DEPTH, TooDeep, scalar

Tree = dict[str, Any]
"""Name to text or to a further Tree."""

MAX_FIELDS = 100_000
_TEXT = ""
"""Where a node that has children too keeps its own text."""


def read_form(body: str) -> dict[str, str]:
    """The fields of a form, the last one of a name.

    Raises:
        ValueError: too many fields.
    """
    return dict(parse_qsl(body, keep_blank_values=True, max_num_fields=MAX_FIELDS))


def read_tree(fields: dict[str, str]) -> Tree:
    """Dotted names as a tree.

    Raises:
        TooDeep: a name has too many parts.
    """
    tree: Tree = {}
    for name, text in fields.items():
        parts = name.split(".")
        if len(parts) > 2 * MAX_DEPTH:
            raise TooDeep("field name nests too deep")
        node = tree
        for part in parts[:-1]:
            below = node.get(part)
            if not isinstance(below, dict):
                below = {} if below is None else {_TEXT: below}
                node[part] = below
            node = below
        last = node.get(parts[-1])
        if isinstance(last, dict):
            last[_TEXT] = text
        else:
            node[parts[-1]] = text
    return tree


def from_query(shape: StructureShape, tree: Tree, *, ec2: bool) -> dict[str, Any]:
    """The members of `shape` in a tree."""
    found: dict[str, Any] = {}
    for name, member in shape.members.items():
        node = tree.get(_wire_name(name, member, ec2=ec2))
        if node is not None:
            found[name] = _value(member, node, ec2=ec2)
    return found


def _wire_name(name: str, member: Shape, *, ec2: bool) -> str:
    traits = member.serialization
    if ec2:
        if "queryName" in traits:
            return str(traits["queryName"])
        wire = str(traits.get("name", name))
        return wire[:1].upper() + wire[1:]
    if isinstance(member, ListShape) and traits.get("flattened"):
        inner = member.member.serialization.get("name")
        if inner:
            return str(inner)
    return str(traits.get("name", name))


def _value(shape: Shape, node: Any, *, ec2: bool) -> Any:
    if isinstance(shape, StructureShape):
        return from_query(shape, node, ec2=ec2) if isinstance(node, dict) else {}
    if isinstance(shape, ListShape):
        if isinstance(node, dict) and not ec2 and not shape.serialization.get("flattened"):
            node = node.get(shape.member.serialization.get("name", "member"), {})
        return [_value(shape.member, item, ec2=ec2) for item in _numbered(node)]
    if isinstance(shape, MapShape):
        if isinstance(node, dict) and not shape.serialization.get("flattened"):
            node = node.get("entry", {})
        return _map(shape, node, ec2=ec2)
    text = node.get(_TEXT, "") if isinstance(node, dict) else node
    return scalar(shape, text)


def _map(shape: MapShape, node: Any, *, ec2: bool) -> dict[str, Any]:
    key_name = shape.key.serialization.get("name", "key")
    value_name = shape.value.serialization.get("name", "value")
    found: dict[str, Any] = {}
    for item in _numbered(node):
        if isinstance(item, dict) and key_name in item:
            key = item[key_name]
            found[str(key)] = _value(shape.value, item.get(value_name, ""), ec2=ec2)
    return found


def _numbered(node: Any) -> list[Any]:
    """The children `1`, `2`, … in order of their numbers."""
    if not isinstance(node, dict):
        return []
    numbers = sorted((int(name), name) for name in node if name.isascii() and name.isdigit())
    return [node[name] for _, name in numbers]
