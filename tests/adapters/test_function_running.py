"""Functions run in a child with limits, and nothing of them stays behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from opentrail.adapters.targets.running import OUTPUT_BYTES, Run, run_function
from opentrail.targets.function import Function

EVENT = json.dumps({"detail": {"eventName": "CreateUser"}}).encode()


def run(event: bytes = EVENT, environment: dict[str, str] | None = None, **values: object) -> Run:
    function = Function(name="f", account_id="123456789012", region="us-east-1", **values)  # type: ignore[arg-type]
    return run_function(function, event, "delivery-1", environment or {})


def handler(tmp_path: Path, text: str) -> str:
    file = tmp_path / "respond.py"
    file.write_text(text)
    return f"{file}:handler"


def test_a_command_gets_the_event_on_its_standard_input() -> None:
    found = run(command=("cat",))

    assert (found.status, found.succeeded, found.output) == ("exit 0", True, EVENT)


def test_a_handler_gets_event_and_context_and_returns_json(tmp_path: Path) -> None:
    python = handler(
        tmp_path,
        "import beside\n"
        "def handler(event, context):\n"
        "    print('looking')\n"
        "    return {'name': event['detail']['eventName'], 'id': context.aws_request_id,\n"
        "            'arn': context.invoked_function_arn, 'more': beside.VALUE,\n"
        "            'time': context.get_remaining_time_in_millis() > 1000}\n",
    )
    (tmp_path / "beside.py").write_text("VALUE = 7")

    found = run(python=python)

    assert found.status == "exit 0", found.output
    assert found.output == b"looking\n"
    assert json.loads(found.result) == {
        "name": "CreateUser",
        "id": "delivery-1",
        "arn": "arn:aws:lambda:us-east-1:123456789012:function:f",
        "more": 7,
        "time": True,
    }


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (("false",), "exit 1"),
        (("sh", "-c", "exit 42"), "exit 42"),
        (("sh", "-c", "kill -9 $$"), "signal 9"),
        (("/no/such/program",), "exit 127"),
        (("sh", "-c", "kill -9 $PPID; sleep 30"), "signal 9"),
    ],
)
def test_how_it_ended_is_told(command: tuple[str, ...], status: str) -> None:
    assert run(command=command).status == status


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def handler(event, context): raise KeyError('who')", b"KeyError: 'who'"),
        ("import no_such_module", b"No module named"),
        ("def other(event, context): pass", b"has no attribute 'handler'"),
        ("def handler(event, context): return object()", b"not JSON serializable"),
        ("syntax error", b"SyntaxError"),
    ],
)
def test_what_a_handler_raises_is_told(tmp_path: Path, text: str, told: bytes) -> None:
    found = run(python=handler(tmp_path, text))

    assert found.status == "exit 1"
    assert told in found.output


def test_an_event_that_is_no_json_fails_the_handler(tmp_path: Path) -> None:
    found = run(b"not json", python=handler(tmp_path, "def handler(event, context): pass"))

    assert found.status == "exit 1"
    assert b"JSONDecodeError" in found.output


def test_no_secret_of_this_process_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-1")
    monkeypatch.setenv("OPENTRAIL_S3_SECRET_ACCESS_KEY", "canary-2")
    monkeypatch.setenv("PYTHONPATH", "canary-3")
    secret = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(secret, True)

    found = run(command=("sh", "-c", "env; ls -l /proc/self/fd; pwd"), environment={"TOLD": "yes"})

    os.close(secret)
    assert b"canary" not in found.output
    assert b"TOLD=yes" in found.output
    assert b"opentrail-function-" in found.output
    assert found.output.count(b"/dev/null") == 0


def test_its_time_is_limited() -> None:
    began = time.monotonic()

    found = run(command=("sh", "-c", "echo before; sleep 60"), timeout_seconds=1)

    assert found.status == "timed out"
    assert found.output == b"before\n"
    assert time.monotonic() - began < 5


def test_its_memory_is_limited(tmp_path: Path) -> None:
    text = "def handler(event, context): return len(bytearray(3 * 1024 ** 3))"
    found = run(python=handler(tmp_path, text))

    assert found.status == "exit 1"
    assert b"MemoryError" in found.output


def test_it_writes_no_endless_file() -> None:
    found = run(
        command=("sh", "-c", "head -c 200000000 /dev/zero > big; ls -l big | cut -d' ' -f5")
    )

    assert b"134217728" in found.output


def test_of_much_output_the_ends_are_kept() -> None:
    script = "echo first; head -c 50000000 /dev/zero; echo; echo last"
    found = run(command=("sh", "-c", script))

    assert found.status == "exit 0"
    assert found.output.startswith(b"first\n")
    assert found.output.endswith(b"\nlast\n")
    assert b"bytes left out" in found.output
    assert len(found.output) < 2 * OUTPUT_BYTES + 100


def test_endless_output_ends_with_the_time() -> None:
    assert run(command=("yes",), timeout_seconds=1).status == "timed out"


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("ends", ["exit 0", "sleep 60"])
def test_nothing_that_it_started_goes_on(tmp_path: Path, ends: str) -> None:
    script = (
        f"sleep 300 & echo $! >> {tmp_path}/pids\n"
        f"setsid sh -c 'echo $$ >> {tmp_path}/pids; exec sleep 300' &\n"
        f"(setsid sh -c 'trap \"\" TERM; sleep 300 & echo $! >> {tmp_path}/pids; wait' &)\n"
        f"sleep 0.5; {ends}"
    )

    run(command=("sh", "-c", script), timeout_seconds=2)

    pids = [int(one) for one in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 3
    assert not [pid for pid in pids if _alive(pid)]


def test_it_dies_with_whoever_runs_it(tmp_path: Path) -> None:
    program = (
        "from opentrail.adapters.targets.running import run_function\n"
        "from opentrail.targets.function import Function\n"
        f"script = 'echo $$ > {tmp_path}/pid; setsid sleep 300 & echo $! >> {tmp_path}/pid; wait'\n"
        "function = Function(name='f', account_id='1', region='r', command=('sh', '-c', script), timeout_seconds=60)\n"
        "run_function(function, b'', 'id', {})\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program])
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if (tmp_path / "pid").exists() and len((tmp_path / "pid").read_text().split()) == 2:
            break
        time.sleep(0.05)
    pids = [int(one) for one in (tmp_path / "pid").read_text().split()]

    process.send_signal(signal.SIGKILL)
    process.wait()

    deadline = time.monotonic() + 5
    while any(map(_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in pids if _alive(pid)]
