"""SeaweedFS and moto as somebody's own services: they live on while OpenTrail is killed."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from opentrail.access import Credential, Principal, PrincipalType
from opentrail.app.embedded import EmbeddedServices
from opentrail.app.processes import Processes

KEY, SECRET = "AKIABACKENDSBACKENDS", "backend-secret"


@dataclass(frozen=True)
class Backends:
    s3: str
    moto: str

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
                f"http://127.0.0.1:{services.s3_port}", f"http://127.0.0.1:{services.moto_port}"
            )
        finally:
            services.stop()
