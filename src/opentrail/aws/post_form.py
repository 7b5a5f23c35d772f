"""Uploads to S3 from a browser's form: policy, signature and key are fields of the body.

Source: Amazon S3, "Browser-based uploads using POST (AWS signature version 4)".
"""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP

from opentrail.aws.observed import ObservedRequest

FORM_TYPE = "multipart/form-data"
MAX_FIELDS = 200


def is_post_form(request: ObservedRequest) -> bool:
    """Whether the request is such an upload."""
    content_type = request.header("content-type") or ""
    return request.method == "POST" and content_type.startswith(FORM_TYPE)


def read_fields(request: ObservedRequest) -> dict[str, str]:
    """The fields before the file, by their names in lower case; the file's name as `filename`.

    What is behind the file is not looked at, as S3 does not. A body of which only the start was
    kept is enough.
    """
    head = f"Content-Type: {request.header('content-type')}\r\n\r\n".encode("latin-1", "replace")
    message = BytesParser(policy=HTTP).parsebytes(head + request.body)
    found: dict[str, str] = {}
    for part in list(message.iter_parts())[:MAX_FIELDS]:
        name = str(part.get_param("name", header="content-disposition") or "").lower()
        if name == "file":
            found["filename"] = part.get_filename() or ""
            break
        content = part.get_payload(decode=True)
        if name and isinstance(content, bytes):
            found[name] = content.decode("utf-8", "replace")
    return found
