"""Topics, keys, log groups and roles: `aws` asks the services behind the endpoint."""

from opentrail.adapters.destinations.aws import AwsDestinations, AwsPlace
from opentrail.adapters.destinations.memory import MemoryDestinations

__all__ = ["AwsDestinations", "AwsPlace", "MemoryDestinations"]
