"""What stands behind the endpoint when the user names nothing else.

SeaweedFS keeps S3 objects durably; moto answers for every other AWS service as a demonstration
environment: it forgets everything when it ends and checks neither signatures nor permissions.
Its account is the one that moto answers for, so ARNs, STS and records agree.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from opentrail.app.processes import Processes, Program, free_ports, listens, wait_until
from opentrail.errors import Unavailable
from opentrail.record.principal import Credential

START_SECONDS = 60.0
SEAWEED = "seaweedfs"
MOTO = "moto"


class EmbeddedServices:
    """SeaweedFS and moto under one directory."""

    def __init__(self, processes: Processes, directory: Path) -> None:
        self._processes = processes
        self._directory = directory
        self._s3_config = directory / "s3.json"
        self._known: tuple[tuple[str, str], ...] = ()
        self.s3_port = 0
        self.moto_port = 0

    def start(self, credentials: Sequence[Credential]) -> None:
        """Start both and wait until they answer.

        Raises:
            Unavailable: one does not come up; its output file is named.
        """
        (self._directory / "seaweedfs").mkdir(mode=0o700, parents=True, exist_ok=True)
        self._write_identities(credentials)
        self.s3_port = self._start_seaweed()
        (self.moto_port,) = free_ports(1)
        self._processes.start(
            Program(
                name=MOTO,
                arguments=[_beside("moto_server"), "-H", "127.0.0.1", "-p", str(self.moto_port)],
                environment=_child_environment(),
                output=self._directory / "moto.log",
                death_signal=signal.SIGKILL,
            )
        )
        self._wait(SEAWEED, lambda: _answers_http(self.s3_port))
        self._wait(MOTO, lambda: listens(self.moto_port))

    def refresh(self, credentials: Sequence[Credential]) -> None:
        """Let SeaweedFS know keys made since; does nothing if there are none."""
        if self._write_identities(credentials):
            self._processes.signal(SEAWEED, signal.SIGHUP)

    def stop(self) -> None:
        """End both; SeaweedFS last, since deliveries still need it."""
        self._processes.stop(MOTO)
        self._processes.stop(SEAWEED)

    def _wait(self, name: str, ready: object) -> None:
        assert callable(ready)

        def come() -> bool:
            self._processes.watch()
            return bool(ready())

        if not wait_until(come, seconds=START_SECONDS):
            raise Unavailable(
                f"{name} did not start within {START_SECONDS:.0f} s; "
                f"see {self._directory / (name + '.log')}"
            )

    def _write_identities(self, credentials: Sequence[Credential]) -> bool:
        """Write the file of keys that SeaweedFS accepts; whether it differs from before."""
        pairs = tuple(
            sorted(
                (one.access_key_id, one.secret_access_key)
                for one in credentials
                if one.secret_access_key and not one.session_token
            )
        )
        if pairs == self._known:
            return False
        identities = [
            {
                "name": key,
                "credentials": [{"accessKey": key, "secretKey": secret}],
                "actions": ["Admin", "Read", "Write", "List", "Tagging"],
            }
            for key, secret in pairs
        ]
        aside = self._s3_config.with_suffix(".part")
        fd = os.open(aside, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(fd, "w") as file:
            json.dump({"identities": identities}, file)
        aside.rename(self._s3_config)
        self._known = pairs
        return True

    def _start_seaweed(self) -> int:
        ports = free_ports(10)
        names = (
            "s3.port",
            "s3.port.grpc",
            "master.port",
            "master.port.grpc",
            "filer.port",
            "filer.port.grpc",
            "volume.port",
            "volume.port.grpc",
            "admin.port",
            "admin.port.grpc",
        )
        self._processes.start(
            Program(
                name=SEAWEED,
                arguments=[
                    _beside("weed"),
                    "mini",
                    f"-dir={self._directory / 'seaweedfs'}",
                    "-ip=127.0.0.1",
                    "-ip.bind=127.0.0.1",
                    *(f"-{name}={port}" for name, port in zip(names, ports, strict=True)),
                    "-s3.port.iceberg=0",
                    "-s3.port.lance=0",
                    f"-s3.config={self._s3_config}",
                    "-s3.autoCreateBucket=false",
                    f"-s3.localSocket={self._directory / 's3.sock'}",
                    f"-filer.localSocket={self._directory / 'filer.sock'}",
                    "-volume.preStopSeconds=0",
                    "-admin.ui=false",
                    "-webdav=false",
                    "-master.telemetry=false",
                ],
                environment=_child_environment(),
                output=self._directory / "seaweedfs.log",
            )
        )
        return ports[0]


def _beside(name: str) -> str:
    """A program that pip installed next to this Python."""
    return str(Path(sys.executable).with_name(name))


def _child_environment() -> dict[str, str]:
    """No credentials or endpoints of the user's leak into the embedded services."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "TZ")
    return {name: os.environ[name] for name in kept if name in os.environ}


def _answers_http(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    else:
        return True
    finally:
        connection.close()
