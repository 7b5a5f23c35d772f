"""Many connections that repeat one signed call as fast as answers come; marks tell the calls apart.

The user agent is not signed, so each request carries its own mark there.
"""

import asyncio
import time
from dataclasses import dataclass, field

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


@dataclass
class Load:
    """What came of it: seconds by answered call, marks by status, broken connections."""

    seconds: list[float] = field(default_factory=list)
    marks: dict[int, list[str]] = field(default_factory=dict)
    retry_after: int = 0
    broken: int = 0

    @property
    def acknowledged(self) -> list[str]:
        return self.marks.get(200, [])

    def p(self, share: float) -> float:
        return sorted(self.seconds)[int(share * (len(self.seconds) - 1))]


def signed_head(port: int, path: str, key: str, secret: str) -> str:
    """A GET that stays valid for 15 minutes, with `{mark}` for the user agent."""
    request = AWSRequest("GET", f"http://127.0.0.1:{port}{path}")
    S3SigV4Auth(Credentials(key, secret), "s3", "us-east-1").add_auth(request)
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "User-Agent: {mark}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return "\r\n".join(lines) + "\r\n\r\n"


async def _caller(load: Load, port: int, head: str, name: str, until: float) -> None:
    number = 0
    while time.monotonic() < until:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            load.broken += 1
            await asyncio.sleep(0.02)
            continue
        try:
            while time.monotonic() < until:
                number += 1
                mark = f"{name}-{number}"
                began = time.monotonic()
                writer.write(head.replace("{mark}", mark).encode())
                answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
                lower = answer.lower()
                length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                load.seconds.append(time.monotonic() - began)
                load.marks.setdefault(int(answer.split()[1]), []).append(mark)
                if b"retry-after:" in lower:
                    load.retry_after += 1
                    await asyncio.sleep(0.02)
                if b"connection: close" in lower:
                    break
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            load.broken += 1
        finally:
            writer.close()


async def loaded(
    port: int, head: str, *, connections: int, seconds: float, name: str = "m"
) -> Load:
    """Call for that long."""
    load, until = Load(), time.monotonic() + seconds
    await asyncio.gather(
        *(_caller(load, port, head, f"{name}{n}", until) for n in range(connections))
    )
    return load
