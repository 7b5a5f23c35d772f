"""Topics, keys, log groups and roles: `aws` asks the services behind the endpoint."""

from opentrail.adapters.destinations.aws import AwsDestinations, AwsPlace
from opentrail.adapters.destinations.memory import MemoryDestinations
from opentrail.adapters.destinations.own_log_groups import OwnLogGroups

__all__ = ["AwsDestinations", "AwsPlace", "MemoryDestinations", "OwnLogGroups"]
