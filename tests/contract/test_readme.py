"""The session of the README runs as it stands there."""

import re
import subprocess
from pathlib import Path

import pytest
from running import BIN, running

pytestmark = pytest.mark.contract

README = Path(__file__).parent.parent.parent / "README.md"
LATER = "until aws s3 ls --recursive s3://audit/ | grep -q /CloudTrail/; do sleep 0.3; done\n"


def session() -> str:
    found = re.search(r"test_readme.py -->\n```bash\n(.*?)```", README.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def test_the_session_of_the_readme_runs(tmp_path: Path) -> None:
    text = session().replace(". .venv/bin/activate; ", "")
    # What a person would wait a minute for.
    text = text.replace("aws cloudtrail stop-logging", f"{LATER}aws cloudtrail stop-logging")
    text = text.replace("aws cloudtrail validate-logs", "sleep 4\naws cloudtrail validate-logs")

    with running(tmp_path / "data", OPENTRAIL_BUCKET_POLICIES="check") as server:
        environment = server.environment()
        for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.pop(name)
        environment["PATH"] = f"{BIN}:{environment['PATH']}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text], cwd=tmp_path, env=environment,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert '"EventName": "CreateUser"' in done.stdout
    assert "PutObject" in done.stdout
    assert "log files valid" in done.stdout
    assert done.stdout.count("VERDICT  VALID") == 2
