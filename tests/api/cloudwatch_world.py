"""CloudWatch's API in this process, called by real boto3 clients without a socket."""

from functools import cache
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from api_world import ACCOUNT, ApiWorld, _Raw
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.loaders import Loader
from wire import observed_request

from opentrail.adapters.alarm_history import MemoryAlarmHistory
from opentrail.adapters.metrics import MemoryMetricStore
from opentrail.adapters.state import MemoryStateStore
from opentrail.api.cloudwatch import CloudWatchBackends, cloudwatch_service

REGION = "us-east-1"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:told"
CBOR, JSON, QUERY = "smithy-rpc-v2-cbor", "json", "query"


@cache
def one_protocol(protocol: str) -> "OneProtocol":
    """The models of one protocol, read once."""
    return OneProtocol(protocol)


class OneProtocol(Loader):
    """Service models that know one protocol."""

    def __init__(self, protocol: str) -> None:
        super().__init__()
        self._protocol = protocol

    def load_service_model(self, service_name: Any, type_name: Any, api_version: Any = None) -> Any:
        model = super().load_service_model(service_name, type_name, api_version)
        if type_name != "service-2":
            return model
        metadata = dict(model["metadata"]) | {
            "protocol": self._protocol,
            "protocols": [self._protocol],
        }
        if self._protocol == QUERY:
            metadata.pop("awsQueryCompatible", None)
        return dict(model) | {"metadata": metadata}


class CloudWatchWorld:
    """The service and what it stands on."""

    def __init__(self, keys: Path) -> None:
        self.state = MemoryStateStore()
        self.metrics = MemoryMetricStore()
        self.history = MemoryAlarmHistory()
        backends = CloudWatchBackends(state=self.state, metrics=self.metrics, history=self.history)
        self.api = ApiWorld(keys, state=self.state, others=(cloudwatch_service(backends),))

    def client(
        self, protocol: str = CBOR, *, region: str = REGION, account: str = ACCOUNT, **options: Any
    ) -> Any:
        """A boto3 client that speaks a protocol."""
        session = botocore.session.get_session()
        session.register_component("data_loader", one_protocol(protocol))
        client = boto3.session.Session(botocore_session=session).client(
            "cloudwatch",
            region_name=region,
            endpoint_url="http://127.0.0.1:4600",
            aws_access_key_id=f"AKIA{account}",
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": 1}, **options),
        )

        def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
            outcome = self.api.handle(observed_request(request))
            return AWSResponse(
                request.url, outcome.status, dict(outcome.headers), _Raw(outcome.body)
            )

        client.meta.events.register("before-send", answer)
        return client


def alarm(**changed: Any) -> dict[str, Any]:
    """Members of PutMetricAlarm."""
    usual: dict[str, Any] = {
        "AlarmName": "root-use", "Namespace": "Trail", "MetricName": "Root", "Statistic": "Sum", "Period": 60,
        "EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    }  # fmt: skip
    return {name: value for name, value in (usual | changed).items() if value is not None}
