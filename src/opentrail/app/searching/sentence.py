"""An event in one sentence, as far as a sentence goes; it never replaces the record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentrail.predicate.reading import texts_at

_DENIALS = ("AccessDenied", "UnauthorizedOperation", "Client.UnauthorizedOperation", "Forbidden")


def sentence(record: Mapping[str, Any]) -> str:
    """`alice called DeleteBucket of s3 on arn:aws:s3:::logs from 10.0.0.1`.

    The texts are the record's: a stranger's.
    """

    def text(path: str) -> str:
        return next(iter(texts_at(record, path.split("."))), "")

    service = text("eventSource").removesuffix(".amazonaws.com")
    name = text("eventName") or text("eventType") or "something"
    resource = text("resources.ARN") or text("requestParameters.bucketName")
    error = text("errorCode")
    about = f"{name} of {service}" if service else name
    about += f" on {resource}" if resource else ""
    about += f" from {text('sourceIPAddress')}" if text("sourceIPAddress") else ""
    if error.startswith(_DENIALS):
        return f"DENIED: {_who(record)} tried {about}: {error}"
    if error:
        return f"FAILED: {_who(record)} called {about}: {error}"
    return f"{_who(record)} called {about}"


def _who(record: Mapping[str, Any]) -> str:
    def text(path: str) -> str:
        return next(iter(texts_at(record, ("userIdentity", *path.split(".")))), "")

    role = text("sessionContext.sessionIssuer.userName")
    session = text("arn").rpartition("/")[2] if text("type") == "AssumedRole" else ""
    if session and role:
        return f"{session} (role {role})"
    if text("type") == "Root":
        return f"root of {text('accountId')}"
    name = text("userName") or text("invokedBy") or text("arn") or text("accessKeyId")
    return name or text("type") or "somebody"
