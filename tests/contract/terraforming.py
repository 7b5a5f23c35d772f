"""Terraform and its AWS provider, pointed at a running server.

The two are no packages of Debian, PyPI or npm, so no set-up installs them: where a machine has
them they are used, elsewhere the tests that need them say what is missing.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from running import Running

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

needs_terraform = pytest.mark.skipif(
    shutil.which("terraform") is None or not PLUGINS,
    reason="the terraform binary or its AWS provider is not on this machine (TF_PLUGIN_DIR)",
)


@dataclass(frozen=True)
class Workspace:
    """A copy of one of the folders beside this file, initialised; options are `-var` and the like."""

    folder: Path
    server: Running

    @classmethod
    def of(cls, name: str, directory: Path, server: Running) -> "Workspace":
        folder = directory / "work"
        shutil.copytree(Path(__file__).parent / name, folder)
        made = cls(folder, server)
        made.run("init", f"-plugin-dir={PLUGINS}")
        return made

    def run(self, *words: str) -> str:
        """What Terraform's own log of a command says that it sent."""
        log = self.folder / "terraform.log"
        log.unlink(missing_ok=True)
        environment = self.server.environment() | {"TF_LOG": "debug", "TF_LOG_PATH": str(log)}
        environment |= {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
        done = subprocess.run(
            ["terraform", *words, "-no-color"], cwd=self.folder, env=environment,
            capture_output=True, text=True, timeout=200, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return log.read_text()

    def apply(self, *options: str, times: int = 1) -> None:
        """Apply; a plan right after it finds nothing to do."""
        for _ in range(times):
            self.run("apply", "-auto-approve", *options)
        self.run("plan", "-detailed-exitcode", *options)

    def adopt(self, address: str, known_as: str, *options: str) -> None:
        """Forget a resource and import it; a plan right after it finds nothing to do."""
        self.run("state", "rm", address)
        self.run("import", *options, address, known_as)
        self.run("plan", "-detailed-exitcode", *options)

    def destroy(self, *options: str) -> None:
        self.run("destroy", "-auto-approve", *options)
