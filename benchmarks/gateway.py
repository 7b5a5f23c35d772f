"""(a) What the gateway adds to a call, against nginx and mitmproxy in the same run.

An S3 GetObject of 1 KiB through each; nginx answers behind all of them. Rounds alternate, the
median of the rounds is told, so that a noisy minute hits all alike.
"""

import statistics
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from loads import MITMDUMP, ROOT, Load, mitmproxy, nginx, opentrail, wrk

HEADERS = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261124/us-east-1/s3/"
    "aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=%064x",
    "X-Amz-Date": "20261124T000000Z",
    "X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD",
    "User-Agent": "Boto3/1.43 md/Botocore#1.43 ua/2.0 os/linux md/arch#x86_64 lang/python#3.11",
}
PATH = "/bench/folder/object-0001.bin"
ROUNDS = 3
SECONDS = 4


def run() -> dict[str, object]:
    """Figures by peer, and the ratios that are aimed at."""
    with ExitStack() as open_:
        directory = Path(open_.enter_context(tempfile.TemporaryDirectory(dir=ROOT)))
        behind = f"127.0.0.1:{open_.enter_context(nginx(directory / 'behind'))}"
        ports = {
            "direct": int(behind.rpartition(":")[2]),
            "nginx": open_.enter_context(nginx(directory / "proxy", proxied=behind)),
            "opentrail": open_.enter_context(opentrail(directory / "data", behind)),
        }
        if MITMDUMP.exists():
            ports["mitmproxy"] = open_.enter_context(mitmproxy(behind))
        one = _rounds(ports, connections=1)
        many = _rounds(ports, connections=32)
        crowd = _rounds(ports, connections=256)
    return _told(one, many, crowd)


def _rounds(ports: dict[str, int], *, connections: int) -> dict[str, list[Load]]:
    found: dict[str, list[Load]] = {name: [] for name in ports}
    for _ in range(ROUNDS):
        for name, port in ports.items():
            url = f"http://127.0.0.1:{port}{PATH}"
            found[name].append(wrk(url, HEADERS, connections=connections, seconds=SECONDS))
    return found


def _told(
    one: dict[str, list[Load]], many: dict[str, list[Load]], crowd: dict[str, list[Load]]
) -> dict[str, object]:
    def middle(loads: list[Load], of: Callable[[Load], float]) -> float:
        return statistics.median(of(load) for load in loads)

    direct50 = middle(one["direct"], lambda load: load.p50)
    direct99 = middle(one["direct"], lambda load: load.p99)
    rows = {}
    for name in one:
        rows[name] = {
            "added p50 µs, 1 connection": round(middle(one[name], lambda x: x.p50) - direct50),
            "added p99 µs, 1 connection": round(middle(one[name], lambda x: x.p99) - direct99),
            "p50 µs, 1 connection": round(middle(one[name], lambda x: x.p50)),
            "requests/s, 1 connection": round(middle(one[name], lambda x: x.requests_a_second)),
            "requests/s, 32 connections": round(middle(many[name], lambda x: x.requests_a_second)),
            "p99 µs, 32 connections": round(middle(many[name], lambda x: x.p99)),
            "requests/s, 256 connections": round(
                middle(crowd[name], lambda x: x.requests_a_second)
            ),
            "p99 µs, 256 connections": round(middle(crowd[name], lambda x: x.p99)),
            "errors": sum(load.errors for load in one[name] + many[name] + crowd[name]),
        }
    ours, peer = rows["opentrail"], rows["nginx"]
    ratios = {
        "added p50 at 1 connection / nginx (aim <= 3)": _ratio(
            ours["added p50 µs, 1 connection"], peer["added p50 µs, 1 connection"]
        ),
        "p50 at 1 connection / nginx": _ratio(
            ours["p50 µs, 1 connection"], peer["p50 µs, 1 connection"]
        ),
        "requests/s at 32 connections / nginx (aim >= 0.3)": _ratio(
            ours["requests/s, 32 connections"], peer["requests/s, 32 connections"]
        ),
    }
    if "mitmproxy" in rows:
        ratios["requests/s at 32 connections / mitmproxy (aim >= 15)"] = _ratio(
            ours["requests/s, 32 connections"], rows["mitmproxy"]["requests/s, 32 connections"]
        )
    return {"figures": rows, "ratios": ratios}


def _ratio(ours: float, theirs: float) -> float:
    return round(ours / max(theirs, 1), 2)
