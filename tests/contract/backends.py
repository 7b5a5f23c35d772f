"""SeaweedFS and moto as somebody's own services: they live on while OpenTrail is killed."""

import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from running import ACCOUNT, Running

from opentrail.adapters.identities.directory import RELOAD_SECONDS
from opentrail.app.embedded import SEAWEED, EmbeddedServices
from opentrail.app.processes import Processes, listens, wait_until
from opentrail.record.principal import Credential, Principal, PrincipalType

KEY, SECRET = "AKIABACKENDSBACKENDS", "backend-secret"


@dataclass(frozen=True)
class Backends:
    s3: str
    moto: str
    processes: Processes

    def pause_store(self) -> None:
        """SeaweedFS dies."""
        self.processes.signal(SEAWEED, signal.SIGKILL)

    def resume_store(self) -> None:
        """SeaweedFS is started again, on the same files and port."""
        port = urlsplit(self.s3).port
        assert port is not None

        def listening() -> bool:
            self.processes.watch()
            return listens(port)

        wait_until(lambda: not listens(port), seconds=5)
        assert wait_until(listening, seconds=30)

    @property
    def arguments(self) -> tuple[str, ...]:
        return ("--upstream", f"s3={self.s3}", "--upstream", f"*={self.moto}")

    @property
    def settings(self) -> dict[str, str]:
        return {"OPENTRAIL_S3_ACCESS_KEY_ID": KEY, "OPENTRAIL_S3_SECRET_ACCESS_KEY": SECRET}


@contextmanager
def backends() -> Iterator[Backends]:
    processes = Processes()
    with tempfile.TemporaryDirectory() as directory:
        services = EmbeddedServices(processes, Path(directory))
        owner = Principal(type=PrincipalType.UNKNOWN, account_id="")
        key = Credential(access_key_id=KEY, secret_access_key=SECRET, principal=owner)
        services.start([key])
        try:
            yield Backends(
                f"http://127.0.0.1:{services.s3_port}",
                f"http://127.0.0.1:{services.moto_port}",
                processes,
            )
        finally:
            services.stop()


def adopt_key(server: Running) -> None:
    """The services' key becomes one of OpenTrail's own, and the one used from now on."""
    entry = f'\n[[keys]]\naccount = "{ACCOUNT}"\nuser = "operator"\nuser_id = "AIDAOPERATOR"\n'
    entry += f'access_key_id = "{KEY}"\nsecret_access_key = "{SECRET}"\n'
    path = server.data / "identities.toml"
    path.write_text(path.read_text() + entry)
    server.exports |= {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
    time.sleep(RELOAD_SECONDS + 0.2)
