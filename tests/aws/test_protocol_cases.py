"""botocore's own protocol cases, turned round: what it serializes we read, what it reads we read.

The cases come with botocore's source distribution; `make` fetches them into the environment.
"""

import base64
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from every_operation import comparable, without_streams

from opentrail.aws import models
from opentrail.aws.decode import read_call, read_result
from opentrail.aws.observed import ObservedCall, ObservedRequest, ObservedResponse
from opentrail.aws.protocols import rest

CASES = Path(sys.prefix) / "protocol-cases"
WHEN = datetime(2026, 1, 2, tzinfo=UTC)
MAPS = "two members take the same query parameters: nothing tells whose they are"
LEFT_OUT = {
    "RestJsonAllQueryStringTypes": MAPS,
    "RestJsonQueryStringEscaping": MAPS,
    "RestJsonSupportsNaNFloatQueryValues": MAPS,
    "RestJsonSupportsInfinityFloatQueryValues": MAPS,
    "RestJsonSupportsNegativeInfinityFloatQueryValues": MAPS,
    "RestJsonZeroAndFalseQueryValues": MAPS,
    "IgnoreQueryParamsInResponse": "no model of AWS puts a query member into an answer",
}
"""Cases we do not take, and why."""

Case = tuple[dict[str, Any], dict[str, Any]]


def cases(side: str) -> list[Any]:
    """(suite, case) of each case that botocore itself runs."""
    ignored = json.loads((CASES / "protocol-tests-ignore-list.json").read_text())
    found = []
    for path in sorted((CASES / side).glob("*.json")):
        skip = ignored["protocols"].get(path.stem, {}).get(side, {})
        common = ignored.get("general", {}).get(side, {})
        for suite in json.loads(path.read_text()):
            for number, case in enumerate(suite["cases"]):
                name = case.get("id", str(number))
                suites = {*skip.get("suites", ()), *common.get("suites", ())}
                if (
                    name in LEFT_OUT
                    or name in skip.get("cases", ())
                    or suite["description"] in suites
                ):
                    continue
                found.append(pytest.param(suite, case, id=f"{path.stem}-{name}-{number}"))
    return found


@pytest.fixture
def as_service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Makes a suite's model the one of the service `case`."""

    def use(suite: dict[str, Any], case: dict[str, Any]) -> OperationModel:
        operation = case["given"]
        model = {
            "metadata": {"endpointPrefix": "case", "serviceId": "case"} | suite["metadata"],
            "operations": {operation["name"]: operation},
            "shapes": suite["shapes"],
        }

        class Loader:
            def load_service_model(self, *_: object) -> dict[str, Any]:
                return model

        monkeypatch.setattr(models, "_LOADER", Loader())
        forget()
        meta = model["metadata"]
        head = models.ServiceHead(
            signing="case", endpoint="case", target=meta.get("targetPrefix", ""),
            protocols=tuple(meta.get("protocols") or [meta["protocol"]]),
            version=meta.get("apiVersion", ""), is_global=False,
        )  # fmt: skip
        models.service_heads()["case"] = head
        models.by_signing_name()["case"] = ("case",)
        models.by_target()[head.target] = ("case",)
        return models.service_model("case").operation_model(operation["name"])

    yield use
    forget()


def forget() -> None:
    for cached in (models.service_heads, models.by_signing_name, models.by_target,
                   models.service_model, rest.routes):  # fmt: skip
        cached.cache_clear()
    from opentrail.aws import decode  # noqa: PLC0415 - its private cache

    decode._names.cache_clear()


def given_value(shape: Shape | None, value: Any) -> Any:
    """A case's JSON as botocore's tests take it: texts for blobs, numbers for times."""
    if isinstance(shape, StructureShape) and isinstance(value, dict) and not shape.is_document_type:
        return {
            key: given_value(shape.members[key], item)
            for key, item in value.items()
            if key in shape.members
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [given_value(shape.member, item) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: given_value(shape.value, item) for key, item in value.items()}
    if shape is None or value is None:
        return value
    if shape.type_name == "blob" and isinstance(value, str):
        return value.encode()
    if shape.type_name == "timestamp" and isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    return value


def request_of(suite: dict[str, Any], case: dict[str, Any]) -> ObservedRequest:
    sent = case["serialized"]
    protocol = suite["metadata"]["protocol"]
    body = sent.get("body", "")
    raw = base64.b64decode(body) if "cbor" in protocol else body.encode()
    headers = dict(sent.get("headers", {}))
    headers.setdefault("Host", "127.0.0.1")
    headers["Authorization"] = (
        "AWS4-HMAC-SHA256 Credential=AKIA1/20260102/us-east-1/case/aws4_request, "
        "SignedHeaders=host, Signature=00"
    )
    return ObservedRequest(
        method=sent.get("method", "POST"), target=sent.get("uri", "/"),
        headers=tuple(headers.items()), body=raw, body_length=len(raw),
        peer_address="127.0.0.1", started=WHEN,
    )  # fmt: skip


@pytest.mark.parametrize(("suite", "case"), cases("input"))
def test_what_botocore_serializes_is_read(
    suite: dict[str, Any], case: dict[str, Any], as_service: Any
) -> None:
    operation = as_service(suite, case)
    request = request_of(suite, case)

    call = read_call(
        ObservedCall(request=request, response=None, failure="", ended=WHEN), "us-east-1"
    )

    shape = operation.input_shape
    assert call.operation is not None, call.problem
    wanted = comparable(without_streams(shape, given_value(shape, case["params"])))
    found = comparable(without_streams(shape, dict(call.parameters or {})))
    assert found == wanted


@pytest.mark.parametrize(("suite", "case"), cases("output"))
def test_what_botocore_reads_is_read(
    suite: dict[str, Any], case: dict[str, Any], as_service: Any
) -> None:
    operation = as_service(suite, case)
    answer = case["response"]
    body = answer.get("body") or ""
    raw = base64.b64decode(body) if "cbor" in suite["metadata"]["protocol"] else body.encode()
    request = ObservedRequest(
        method="POST", target="/", headers=(("Host", "h"),), body=b"", body_length=0,
        peer_address="", started=WHEN,
    )  # fmt: skip
    response = ObservedResponse(
        status=answer["status_code"], headers=tuple(answer.get("headers", {}).items()), body=raw,
        body_length=len(raw),
    )  # fmt: skip
    observed = ObservedCall(request=request, response=response, failure="", ended=WHEN)
    call = read_call(observed, "us-east-1")
    call = type(call)(**({name: getattr(call, name) for name in call.__struct_fields__}
                         | {"operation": operation, "service": "case"}))  # fmt: skip

    if "error" in case or "errorCode" in case:
        assert call.error_code == case.get("errorCode", call.error_code)
        assert call.error_code
        return
    shape = operation.output_shape
    wanted = comparable(without_streams(shape, given_value(shape, case["result"])))
    found = comparable(without_streams(shape, dict(read_result(call) or {})))
    assert found == wanted
