"""XML bodies: rest-xml both ways, and the answers of query and ec2."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from opentrail.aws.protocols.values import MAX_DEPTH, TooDeep, scalar


def read(body: bytes) -> ET.Element:
    """The root element.

    Raises:
        ValueError: not XML, or with a document type (entities are how XML attacks its readers).
    """
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise ValueError("XML with a document type is not read")
    try:
        return ET.fromstring(body)  # noqa: S314 - no document type, so no entities
    except (ET.ParseError, ValueError, LookupError) as cause:
        raise ValueError(f"body is not XML: {cause}") from cause


def local_name(tag: str) -> str:
    """A tag without its namespace."""
    return tag.rpartition("}")[2]


def child(element: ET.Element, name: str) -> ET.Element | None:
    """The first child of that local name."""
    return next((one for one in element if local_name(one.tag) == name), None)


def child_text(element: ET.Element, name: str) -> str:
    """The text of the first child of that name, "" if there is none."""
    found = child(element, name)
    return "" if found is None or found.text is None else found.text


def from_xml(shape: Shape, element: ET.Element, depth: int = 0) -> Any:
    """An element as `shape` tells."""
    if depth > MAX_DEPTH:
        raise TooDeep("body nests too deep")
    if isinstance(shape, StructureShape):
        return structure(shape, element, depth)
    if isinstance(shape, ListShape):
        return [from_xml(shape.member, one, depth + 1) for one in element]
    if isinstance(shape, MapShape):
        return _map(shape, list(element), depth)
    return scalar(shape, element.text or "")


def structure(shape: StructureShape, element: ET.Element, depth: int = 0) -> dict[str, Any]:
    """The members of `shape` among the children and attributes of `element`."""
    by_name: dict[str, list[ET.Element]] = {}
    for one in element:
        by_name.setdefault(local_name(one.tag), []).append(one)
    found: dict[str, Any] = {}
    for name, member in shape.members.items():
        traits = member.serialization
        if traits.get("location"):
            continue
        if traits.get("xmlAttribute"):
            wire = traits.get("name", name).rpartition(":")[2]
            for key, text in element.attrib.items():
                if local_name(key) == wire:
                    found[name] = text
            continue
        value = _member(name, member, by_name, depth)
        if value is not None:
            found[name] = value
    return found


def _member(name: str, shape: Shape, by_name: dict[str, list[ET.Element]], depth: int) -> Any:
    traits = shape.serialization
    wire = traits.get("name", name)
    if traits.get("flattened") and isinstance(shape, ListShape):
        # Answers name the items, requests the list; models tell both.
        elements = by_name.get(shape.member.serialization.get("name", wire)) or by_name.get(wire)
        if elements is None:
            return None
        return [from_xml(shape.member, one, depth + 1) for one in elements]
    elements = by_name.get(wire)
    if not elements:
        return None
    if traits.get("flattened") and isinstance(shape, MapShape):
        return _map(shape, elements, depth)
    return from_xml(shape, elements[0], depth + 1)


def _map(shape: MapShape, entries: list[ET.Element], depth: int) -> dict[str, Any]:
    key_name = shape.key.serialization.get("name", "key")
    value_name = shape.value.serialization.get("name", "value")
    found: dict[str, Any] = {}
    for entry in entries:
        value = child(entry, value_name)
        if value is not None:
            found[child_text(entry, key_name)] = from_xml(shape.value, value, depth + 1)
    return found
