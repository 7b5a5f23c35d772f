"""The commands of deliveries, functions and webhooks, run in this process."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from opentrail.adapters.outbox import FILE_NAME, SqliteOutbox
from opentrail.adapters.targets.function import FunctionTarget
from opentrail.app.settings import Settings
from opentrail.app.wiring import open_parts
from opentrail.cli.main import commands
from opentrail.errors import InvalidInput, Unavailable
from opentrail.ports.targets.outbox import (
    Attempt,
    Delivery,
    DeliveryQuery,
    DeliveryState,
    DeliveryUnknown,
    Step,
)

ACCOUNT = "123456789012"
LAMBDA = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function"
Run = Callable[..., Result]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    open_parts(Settings(data=tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def run(data: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("OPENTRAIL_DATA", str(data))
    monkeypatch.delenv("OPENTRAIL_REGION", raising=False)

    def call(*words: str, stdin: str = "") -> Result:
        return CliRunner().invoke(commands, words, input=stdin)

    return call


def put(data: Path, name: str, **values: Any) -> SqliteOutbox:
    outbox = SqliteOutbox(data / FILE_NAME)
    usual = {
        "account_id": ACCOUNT, "region": "us-east-1", "target": "https://me:secret@a.example/hook",
        "cause": "arn:aws:events:us-east-1:123456789012:rule/r", "payload": b"\x1b[31mred", "created": 1_780_000_000,
    }  # fmt: skip
    outbox.put([Delivery(id=name, **(usual | values))])
    return outbox


def test_deliveries_are_listed_without_what_is_secret(run: Run, data: Path) -> None:
    put(data, "d-1")
    put(data, "d-2", needs_approval=True)

    table = run("deliveries", "list").stdout
    held = json.loads(
        run("deliveries", "list", "--state", "needs-approval", "--format", "json").stdout
    )

    first, second, figures = table.splitlines()
    assert first.split()[1:4] == ["needs-approval", "0", "d-2"]
    assert "2026-05-28T20:26:40Z  waiting" in second
    assert "https://a.example" in second
    assert held["deliveries"][0]["target"] == "https://a.example"
    for secret in ("secret", "/hook"):
        assert secret not in table + run("deliveries", "show", "d-1").stdout
    assert figures == "needs-approval 1  waiting 1"
    assert [one["id"] for one in held["deliveries"]] == ["d-2"]
    assert held["byState"] == {"needs-approval": 1, "waiting": 1}
    assert run("deliveries", "list", "--state", "nonsense").exit_code == 2
    assert run("deliveries", "list", "--format", "xml").exit_code == 2


def test_a_delivery_is_shown_with_its_attempts(run: Run, data: Path) -> None:
    outbox = put(data, "d-1")
    attempt = Attempt(
        at=1_780_000_000_000,
        outcome="failed",
        status="503",
        detail="busy",
        answer=b"\x1b[2Jtry later",
        took=12,
    )
    outbox.advance("d-1", Step(state=DeliveryState.WAITING, at=1, due=2, attempt=attempt))

    shown = run("deliveries", "show", "d-1").stdout

    assert "2026-05-28T20:26:40Z  failed       503           12 ms  busy" in shown
    assert "\x1b" not in shown
    assert "try later" in shown
    assert "\\x1b[31mred" in shown
    full = json.loads(run("deliveries", "show", "d-1", "--format", "json").stdout)
    assert full["tried"][0]["answer"] == "\x1b[2Jtry later"
    assert run("deliveries", "show", "unknown").exit_code == 3


def test_a_person_decides(run: Run, data: Path) -> None:
    outbox = put(data, "d-1", needs_approval=True)
    put(data, "d-2", needs_approval=True)

    assert run("deliveries", "approve", "d-1").stdout == "delivery d-1 is approved\n"
    assert run("deliveries", "refuse", "d-2").stdout == "delivery d-2 is refused\n"
    assert isinstance(run("deliveries", "approve", "d-2").exception, InvalidInput)
    assert isinstance(run("deliveries", "retry", "unknown").exception, InvalidInput)
    assert run("deliveries", "retry", "d-2").exit_code == 0

    states = {one.delivery.id: one.state for one in outbox.list(DeliveryQuery())}
    assert states == {"d-1": DeliveryState.WAITING, "d-2": DeliveryState.WAITING}
    told = [json.loads(raw) for _, raw in outbox.responses(10)]
    assert [one["eventName"] for one in told] == [
        "ResponseApproved",
        "ResponseRefused",
        "ResponseRetried",
    ]
    assert all("secret" not in json.dumps(one) for one in told)


def test_functions_are_made_listed_run_and_removed(run: Run, data: Path) -> None:
    made = run("functions", "add", "echo", "--command", "cat -", "--dry-run", "--needs-approval")
    assert made.stdout == f"{LAMBDA}:echo\n"
    assert (
        run("functions", "list").stdout
        == f"{LAMBDA}:echo  cat -  (30 s, dry-run, needs-approval)\n"
    )
    (listed,) = json.loads(run("functions", "list", "--format", "json").stdout)["functions"]
    assert (listed["arn"], listed["command"]) == (f"{LAMBDA}:echo", ["cat", "-"])

    done = run("functions", "invoke", "echo", stdin='{"a": 1}')

    assert (done.exit_code, done.stdout) == (0, '{"a": 1}\n')
    outbox = SqliteOutbox(data / FILE_NAME)
    (kept,) = outbox.list(DeliveryQuery())
    assert (kept.state, kept.delivery.cause) == (
        DeliveryState.DELIVERED,
        "opentrail functions invoke",
    )
    ((_, raw),) = outbox.responses(10)
    assert json.loads(raw)["eventName"] == "FunctionRun"
    assert run("functions", "remove", "echo").exit_code == 0
    assert run("functions", "invoke", "echo").exit_code == 3
    assert run("functions", "remove", "echo").exit_code == 3


def test_a_run_that_fails_is_told(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "f.py"
    file.write_text("def handler(event, context):\n    raise ValueError(event['x'])\n")
    run("functions", "add", "f", "--python", f"{file}:handler")

    done = run("functions", "invoke", "f", stdin='{"x": "why"}')

    assert done.exit_code == 1
    assert "ValueError: why" in done.stdout


def test_a_run_that_is_cut_short_is_nobody_s_to_allow(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("functions", "add", "f", "--command", "cat")
    outbox = SqliteOutbox(data / FILE_NAME)

    def killed(*_values: object) -> None:
        raise SystemExit(9)

    with monkeypatch.context() as patched:
        patched.setattr(FunctionTarget, "send", killed)
        assert run("functions", "invoke", "f").exit_code == 9
    (kept,) = outbox.list(DeliveryQuery())
    assert (kept.state, kept.due) == (DeliveryState.BY_HAND, None)
    for words in ("approve", "refuse", "retry"):
        answer = run("deliveries", words, kept.delivery.id).exception
        assert isinstance(answer, DeliveryUnknown)
        assert "is by-hand, not" in str(answer)


def test_a_run_that_can_t_begin_is_over(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("functions", "add", "f", "--command", "cat")

    def unable(*_values: object) -> None:
        raise Unavailable("the server does not run")

    monkeypatch.setattr(FunctionTarget, "send", unable)
    assert run("functions", "invoke", "f").exit_code == 1
    (kept,) = SqliteOutbox(data / FILE_NAME).list(DeliveryQuery())
    assert kept.state is DeliveryState.GIVEN_UP


@pytest.mark.parametrize(
    "words",
    [
        ("bad name", "--command", "x"), ("f",), ("f", "--command", "x", "--timeout", "0"),
        ("f", "--command", "x", "--timeout", "901"), ("f", "--python", "/etc/hostname:not a name"),
        ("f", "--command", "x", "--role", "arn:aws:iam::999999999999:role/other"),
        ("f", "--command", "x", "--role", "arn:aws:iam::123456789012:user/u"), ("f", "--command", "x", "--role", "r"),
    ],
)  # fmt: skip
def test_functions_that_can_t_be_are_refused(run: Run, words: tuple[str, ...]) -> None:
    assert isinstance(run("functions", "add", *words).exception, InvalidInput)


def test_what_a_function_needs_must_be_there(run: Run, data: Path) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/responder"
    assert run("functions", "add", "f", "--python", "/nowhere.py:handler").exit_code == 2
    assert run("functions", "add", "f", "--command", "x", "--role", role).exit_code == 2
    with (data / "identities.toml").open("a") as file:
        file.write(f'\n[[roles]]\naccount = "{ACCOUNT}"\nrole = "responder"\nrole_id = "AROA1"\n')
    assert run("functions", "add", "f", "--command", "x", "--role", role).exit_code == 0


def test_each_webhook_has_its_secret(run: Run) -> None:
    first = run("webhooks", "secret", "https://a.example/").stdout
    assert first.startswith("whsec_")
    assert run("webhooks", "secret", "https://a.example/").stdout == first
    assert run("webhooks", "secret", "https://b.example/").stdout != first
    assert isinstance(run("webhooks", "secret", "nonsense").exception, InvalidInput)
