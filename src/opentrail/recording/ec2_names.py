"""What EC2 records call parameters that are not spelled by rule.

Source: real records (the corpora that tools/compare_with_real.py was run over); EC2 alone still
records many old names of its first API.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Spelled(NamedTuple):
    """The record's key, and what each item of a list is called ("" for a plain value)."""

    key: str
    item: str = ""


_EVERYWHERE = {
    "AllocationIds": Spelled("allocationIdsSet", "allocationId"),
    "ExecutableUsers": Spelled("executableBySet", "user"),
    "ImageIds": Spelled("imagesSet", "imageId"),
    "KeyNames": Spelled("keySet", "keyName"),
    "KeyPairIds": Spelled("keyPairIdSet", "keyPairId"),
    "Owners": Spelled("ownersSet", "owner"),
    "OwnerIds": Spelled("ownersSet", "owner"),
    "PublicIps": Spelled("publicIpsSet", "publicIp"),
    "RestorableByUserIds": Spelled("sharedUsersSet", "user"),
    "BundleIds": Spelled("bundlesSet", "bundleId"),
    "InternetGatewayIds": Spelled("internetGatewayIdSet", "internetGatewayId"),
    "NetworkInterfaceIds": Spelled("networkInterfaceIdSet", "networkInterfaceId"),
    "RegionNames": Spelled("regionSet", "regionName"),
    "RouteTableIds": Spelled("routeTableIdSet", "routeTableId"),
    "ZoneIds": Spelled("availabilityZoneIdSet", "zoneId"),
    "ZoneNames": Spelled("availabilityZoneSet", "zoneName"),
}

_OF_OPERATION = {
    "CreateSecurityGroup": {"Description": Spelled("groupDescription")},
    "CreateVolume": {"AvailabilityZone": Spelled("zone")},
    "DescribeAccountAttributes": {
        "AttributeNames": Spelled("accountAttributeNameSet", "attributeName")
    },
    "DescribePlacementGroups": {"GroupNames": Spelled("placementGroupSet", "groupName")},
    "DescribeSecurityGroups": {
        "GroupIds": Spelled("securityGroupIdSet", "groupId"),
        "GroupNames": Spelled("securityGroupSet", "groupName"),
    },
    "ModifyImageAttribute": {"Attribute": Spelled("attributeType")},
    "ModifySnapshotAttribute": {"Attribute": Spelled("attributeType")},
    "RunInstances": {
        "SecurityGroupIds": Spelled("groupSet", "groupId"),
        "SecurityGroups": Spelled("groupSet", "groupName"),
    },
}

_OF_INSTANCES = ("imageId", "minCount", "maxCount", "keyName")


def ec2_names(operation: str) -> Mapping[str, Spelled]:
    """The spelling of members of the operation's input that differs from the rule."""
    return _EVERYWHERE | _OF_OPERATION.get(operation, {})


def arranged(operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Parameters where records have them: those of RunInstances' instances stand in a set."""
    if operation != "RunInstances":
        return parameters
    rest = {name: value for name, value in parameters.items() if name not in _OF_INSTANCES}
    instance = {name: parameters[name] for name in _OF_INSTANCES if name in parameters}
    placement = rest.pop("placement", None)
    if isinstance(placement, dict):
        rest |= {
            name: placement.pop(name)
            for name in ("availabilityZone", "tenancy")
            if name in placement
        }
        rest |= {"placement": placement} if placement else {}
    return {"instancesSet": {"items": [instance]}} | rest
