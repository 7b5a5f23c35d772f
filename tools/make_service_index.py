"""Writes src/opentrail/aws/services.json: what tells one AWS service from another on the wire.

Reading the heads of all of botocore's models takes seconds, so they are kept beside the code; a
test sees that they are those of the installed botocore.
"""

import json
from pathlib import Path

from botocore.loaders import Loader

TARGET = Path(__file__).parents[1] / "src/opentrail/aws/services.json"


def service_index() -> dict[str, dict[str, object]]:
    """The head of every service model, by botocore's name of the service."""
    loader = Loader()
    index: dict[str, dict[str, object]] = {}
    for name in sorted(loader.list_available_services("service-2")):
        head = loader.load_service_model(name, "service-2")["metadata"]
        index[name] = {
            "signing": head.get("signingName", head["endpointPrefix"]),
            "endpoint": head["endpointPrefix"],
            "target": head.get("targetPrefix", ""),
            "protocols": head.get("protocols", [head["protocol"]]),
            "version": head["apiVersion"],
            "global": "globalEndpoint" in head,
        }
    return index


def text() -> str:
    """The file's content: one service a line."""
    lines = [f"{json.dumps(name)}: {json.dumps(head)}" for name, head in service_index().items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    TARGET.write_text(text())
    print(f"wrote {TARGET.name}")
