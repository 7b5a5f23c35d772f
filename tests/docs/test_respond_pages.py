"""The Python of the pages about responses runs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from opentrail.adapters.targets.running import run_function
from opentrail.targets.function import Function
from opentrail.targets.webhook import signature_headers, webhook_secret

DOCS = Path(__file__).parent.parent.parent / "docs"


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)


def test_a_webhook_s_owner_verifies_as_the_page_tells() -> None:
    (code,) = blocks("reference/webhooks.md")
    found: dict[str, Any] = {}
    exec(code, found)
    secret = webhook_secret(b"master", "123456789012", "https://a.example/")
    headers = dict(signature_headers(secret, delivery_id="d-1", seconds=1000, body=b"{}"))

    genuine = found["is_genuine"]

    assert genuine(secret, headers, b"{}", now=1100)
    assert not genuine(secret, headers, b"{} ", now=1100)
    assert not genuine(secret, headers, b"{}", now=1400)
    assert not genuine(
        webhook_secret(b"other", "123456789012", "https://a.example/"), headers, b"{}", now=1100
    )
    assert not genuine(secret, headers | {"webhook-id": "d-2"}, b"{}", now=1100)


def test_the_function_of_the_page_runs(tmp_path: Path) -> None:
    """With a boto3 that keeps what it is asked."""
    (code,) = blocks("how-to/respond-to-events.md")
    (tmp_path / "quarantine.py").write_text(code)
    (tmp_path / "boto3.py").write_text(
        "class client:\n"
        "    def __init__(self, name): print(name)\n"
        "    def put_user_policy(self, **values): print(values['UserName'], values['PolicyName'])\n"
    )
    event = {"detail": {"requestParameters": {"userName": "mallory"}}}
    function = Function(
        name="quarantine", account_id="123456789012", region="us-east-1",
        python=f"{tmp_path / 'quarantine.py'}:handler",
    )  # fmt: skip

    run = run_function(function, json.dumps(event).encode(), "d-1", {})

    assert run.succeeded, run.output
    assert run.output == b"iam\nmallory quarantine\n"
    assert json.loads(run.result) == {"quarantined": "mallory"}


@pytest.mark.parametrize("page", ["how-to/respond-to-events.md", "reference/webhooks.md"])
def test_no_page_names_what_is_not_there(page: str) -> None:
    text = (DOCS / page).read_text()
    settings = (DOCS / "reference" / "settings.md").read_text()
    given = {"OPENTRAIL_DELIVERY_ID"}  # to a function, not by a person
    for name in set(re.findall(r"OPENTRAIL_[A-Z_]+", text)) - given:
        assert name in settings, name
