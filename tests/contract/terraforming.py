"""Terraform and its AWS provider, pointed at a running server.

The two are no packages of Debian, PyPI or npm, so no set-up installs them: where a machine has
them they are used, elsewhere the tests that need them say what is missing.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from running import Running

AWS = "registry.terraform.io/hashicorp/aws"


def plugin_directories() -> Iterator[Path]:
    """Where Terraform itself looks for providers, and where add-on software is put (FHS 3.13)."""
    named = os.environ.get("TF_PLUGIN_DIR")
    if named:
        yield Path(named)
    settings = Path(os.environ.get("TF_CLI_CONFIG_FILE") or Path.home() / ".terraformrc")
    if settings.is_file():
        mirrors = re.findall(
            r'filesystem_mirror\s*{[^}]*path\s*=\s*"([^"]+)"', settings.read_text()
        )
        yield from map(Path, mirrors)
    yield Path.home() / ".terraform.d" / "plugins"
    for root in ("/usr/local/share", "/usr/share"):
        yield Path(root) / "terraform" / "plugins"
    yield from Path("/opt").glob("*plugins*")


PLUGINS = next((str(one) for one in plugin_directories() if (one / AWS).is_dir()), "")

needs_terraform = pytest.mark.skipif(
    shutil.which("terraform") is None or not PLUGINS,
    reason="the terraform binary, or its AWS provider in a mirror or in TF_PLUGIN_DIR, is not here",
)


EAGER = {"GOGC": "400", "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
"""Terraform and the provider hold hundreds of megabytes of schemas: rubbish is collected rarely."""


@contextmanager
def provider(server: Running) -> Iterator[str]:
    """The provider, started once for many commands; what is to be in their TF_REATTACH_PROVIDERS.

    Terraform starts it anew several times in each command, which takes most of the command's time.
    """
    (binary,) = Path(PLUGINS, AWS).glob("*/*/terraform-provider-aws*")
    quiet = {"TF_LOG_SDK": "off", "TF_LOG_PROVIDER": "off"}
    with subprocess.Popen(
        [str(binary), "-debug"], env=server.environment() | EAGER | quiet, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            lines = (re.search("TF_REATTACH_PROVIDERS='(.*)'", line) for line in process.stdout)
            yield next(found[1] for found in lines if found)
        finally:
            process.kill()


@dataclass(frozen=True)
class Workspace:
    """A copy of one of the folders beside this file, initialised; options are `-var` and the like.

    Attributes:
        attached: Of `provider`; Terraform starts its own without it.
    """

    folder: Path
    server: Running
    attached: str = ""

    @classmethod
    def of(cls, name: str, directory: Path, server: Running, attached: str = "") -> "Workspace":
        folder = directory / "work"
        here = Path(__file__).parent
        shutil.copytree(here / name, folder)
        shutil.copy(here / "terraform_provider.tf", folder / "provider.tf")
        made = cls(folder, server, attached)
        made.run("init", f"-plugin-dir={PLUGINS}")
        return made

    def run(self, *words: str, **environment: str) -> None:
        if self.attached:
            environment["TF_REATTACH_PROVIDERS"] = self.attached
        done = subprocess.run(
            ["terraform", *words, "-no-color"], cwd=self.folder,
            env=self.server.environment() | EAGER | environment,
            capture_output=True, text=True, timeout=200, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]

    def logged(self, *words: str) -> str:
        """What Terraform's own log of a command says that it sent."""
        log = self.folder / "terraform.log"
        log.unlink(missing_ok=True)
        self.run(*words, TF_LOG="debug", TF_LOG_PATH=str(log))
        return log.read_text()

    def apply(self, *options: str, times: int = 1) -> None:
        """Apply; a plan right after it finds nothing to do."""
        for _ in range(times):
            self.run("apply", "-auto-approve", *options)
        self.run("plan", "-detailed-exitcode", *options)

    def adopt(self, known_as: dict[str, str], *options: str) -> None:
        """Forget resources and import them; a plan right after it finds nothing to do.

        Args:
            known_as: The name that each address is imported by.
        """
        self.run("state", "rm", *known_as)
        for address, name in known_as.items():
            self.run("import", *options, address, name)
        self.run("plan", "-detailed-exitcode", *options)

    def destroy(self, *options: str) -> None:
        self.run("destroy", "-auto-approve", *options)
