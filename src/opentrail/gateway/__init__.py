"""The recording proxy: every call goes through, is recorded, and only then ends."""

from opentrail.gateway.answers import Answer, Outlet, Streaming, error_answer
from opentrail.gateway.commit import GroupCommit
from opentrail.gateway.exchange import ProxyExchange
from opentrail.gateway.head import RequestHead
from opentrail.gateway.local import LocalDoor, LocalExchange
from opentrail.gateway.route import Client
from opentrail.gateway.server import Exchange, GatewayServer
from opentrail.gateway.upstream import Upstream, UpstreamPool

__all__ = [
    "Answer",
    "Client",
    "Exchange",
    "GatewayServer",
    "GroupCommit",
    "LocalDoor",
    "LocalExchange",
    "Outlet",
    "ProxyExchange",
    "RequestHead",
    "Streaming",
    "Upstream",
    "UpstreamPool",
    "error_answer",
]
