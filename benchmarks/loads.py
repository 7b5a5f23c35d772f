"""Programs that benchmarks start and measure with: nginx, mitmproxy, OpenTrail, wrk."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from opentrail.app.processes import free_ports, listens

ROOT = Path(__file__).parent.parent
MITMDUMP = ROOT / ".venv-bench" / "bin" / "mitmdump"
_UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6}

_NGINX = """
worker_processes 1;
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/error.log crit;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_max_body_size 0;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
  keepalive_requests 100000000;
  {upstream}
  server {{ listen 127.0.0.1:{port}; location / {{ {location} }} }}
}}
"""


@dataclass(frozen=True)
class Load:
    """What wrk measured: latencies in microseconds."""

    requests_a_second: float
    p50: float
    p99: float
    errors: int


_LUA = """
local count = 0
request = function()
  count = count + 1
  wrk.headers["Authorization"] = string.format(authorization, count)
  return wrk.format("GET", path)
end
"""


def wrk(url: str, headers: Mapping[str, str], *, connections: int, seconds: int) -> Load:
    """GET `url` as fast as it goes; `%064x` in `Authorization` becomes another number each time."""
    script = Path(tempfile.gettempdir()) / f"requests-{os.getpid()}.lua"
    script.write_text(
        f'local authorization = "{headers["Authorization"]}"\nlocal path = "{urlsplit(url).path}"\n'
        + _LUA
    )
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--latency", "-s", str(script)]
    for name, value in headers.items():
        words += ["-H", f"{name}: {value}"]
    text = subprocess.run([*words, url], capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    spans = dict(re.findall(r"(50|99)%\s+([\d.]+\w+)", text))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    assert rate is not None, text
    return Load(
        float(rate[1]),
        microseconds(spans["50"]),
        microseconds(spans["99"]),
        int(bad[1]) if bad else 0,
    )


def microseconds(text: str) -> float:
    found = re.fullmatch(r"([\d.]+)(us|ms|s)", text)
    assert found is not None, text
    return float(found[1]) * _UNITS[found[2]]


@contextmanager
def started(words: list[str], port: int, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program that listens on `port`, for the length of a block."""
    process = subprocess.Popen(
        words, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 30
        while not listens(port):
            assert process.poll() is None, f"{words[0]} ended"
            assert time.monotonic() < deadline, f"{words[0]} does not listen"
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait()


@contextmanager
def nginx(directory: Path, *, proxied: str | None = None, body_bytes: int = 1024) -> Iterator[int]:
    """nginx on its own port: answering `body_bytes` itself, or passing on to `proxied`."""
    directory.mkdir()
    (port,) = free_ports(1)
    upstream, location = "", f'return 200 "{"x" * body_bytes}";'
    if proxied is not None:
        upstream = f"upstream behind {{ server {proxied}; keepalive 64; }}"
        location = (
            'proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection "";'
            " proxy_set_header Host $http_host;"
        )
    text = _NGINX.format(directory=directory, port=port, upstream=upstream, location=location)
    (directory / "nginx.conf").write_text(text)
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    with started([program, "-c", str(directory / "nginx.conf")], port):
        yield port


@contextmanager
def mitmproxy(upstream: str) -> Iterator[int]:
    """mitmdump as a reverse proxy, without its own log and without keeping flows."""
    (port,) = free_ports(1)
    words = [str(MITMDUMP), "-q", "--mode", f"reverse:http://{upstream}",
             "--listen-host", "127.0.0.1", "-p", str(port),
             "--set", "keep_host_header=true", "--set", "flow_detail=0"]  # fmt: skip
    with started(words, port):
        yield port


@contextmanager
def opentrail(data: Path, upstream: str) -> Iterator[int]:
    """OpenTrail as a newcomer has it: recording, fsync, all workers."""
    (port,) = free_ports(1)
    words = [sys.executable, "-m", "opentrail", "serve", "--data", str(data), "--port", str(port),
             "--upstream", f"s3=http://{upstream}", "--upstream", f"*=http://{upstream}"]  # fmt: skip
    with started(words, port):
        yield port
