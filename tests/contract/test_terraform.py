"""Terraform creates, changes and destroys through the gateway; its own log says what it called."""

import os
import re
import shutil
import subprocess
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from running import Running

from opentrail.aws.models import service_model
from opentrail.recording.names import event_name

PLUGINS = next(
    (
        str(folder)
        for folder in (
            *(Path(one) for one in (os.environ.get("TF_PLUGIN_DIR"),) if one),
            Path.home() / ".terraform.d" / "plugins",
            *(Path(root) for root in ("/usr/local/share/terraform/plugins",
                                      "/usr/share/terraform/plugins")),
            *Path("/opt").glob("*plugins*"),
        )
        if (folder / "registry.terraform.io" / "hashicorp" / "aws").is_dir()
    ),
    "",
)  # fmt: skip

pytestmark = [
    pytest.mark.contract,
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        shutil.which("terraform") is None or not PLUGINS,
        reason="the terraform binary or its AWS provider is not on this machine (TF_PLUGIN_DIR)",
    ),
]


def terraform(folder: Path, server: Running, log: str, *words: str) -> None:
    environment = server.environment() | {"TF_LOG": "debug", "TF_LOG_PATH": str(folder / log)}
    environment |= {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
    done = subprocess.run(
        ["terraform", *words, "-no-color"], cwd=folder, env=environment, capture_output=True,
        text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def sent(log: str) -> Counter[tuple[str, str]]:
    """(event source's first word, event name) of every request in Terraform's log."""
    found: Counter[tuple[str, str]] = Counter()
    for entry in re.split(r"(?m)^(?=\d{4}-\d\d-\d\dT[\d:.]+Z )", log):
        method = re.search(r"rpc\.method=(\w+)", entry)
        service = re.search(r'rpc\.service="?(\w+)', entry)
        if "HTTP Request Sent" not in entry or not method or not service:
            continue
        name = service[1].lower()
        operation = service_model(name).operation_model(method[1])
        found[name, event_name(name, operation)] += 1
    return found


def recorded(records: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    return Counter((one["eventSource"].partition(".")[0], one["eventName"]) for one in records)


def test_what_terraform_says_it_called_is_what_is_recorded(tmp_path: Path, server: Running) -> None:
    folder = tmp_path / "work"
    shutil.copytree(Path(__file__).parent / "terraform", folder)
    with zipfile.ZipFile(folder / "code.zip", "w") as code:
        code.writestr("main.py", "def handler(event, context):\n    return 1\n")

    terraform(folder, server, "init.log", "init", f"-plugin-dir={PLUGINS}")
    for log, words in {
        "create.log": ("apply", "-auto-approve"),
        "change.log": ("apply", "-auto-approve", "-var", "comment=second"),
        "destroy.log": ("destroy", "-auto-approve"),
    }.items():
        terraform(folder, server, log, *words)

    logs = "".join(
        (folder / one).read_text() for one in ("create.log", "change.log", "destroy.log")
    )
    records = [one for one in server.records() if "Terraform/" in one["userAgent"]]
    assert recorded(records) == sent(logs)
    assert len(records) > 150
    assert not [one for one in records if "opentrail" in (one.get("additionalEventData") or {})]
    assert "do-not-keep-me" not in str(records)
    parameters = {one["eventName"]: one["requestParameters"] for one in reversed(records)}
    assert parameters["CreateVpc"]["cidrBlock"] == "10.1.0.0/16"
    assert parameters["CreateRole"]["roleName"] == "function"
    assert parameters["UpdateRoleDescription" if "UpdateRoleDescription" in parameters
                      else "UpdateRole"]["description"] == "second"  # fmt: skip
    assert parameters["PutObject"]["key"] == "folder/code.zip"
    assert parameters["CreateFunction20150331"]["handler"] == "main.handler"
    assert parameters["DeleteVpc"]["vpcId"] == parameters["CreateSubnet"]["vpcId"]
