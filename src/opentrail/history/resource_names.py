"""The resources that LookupEvents shows for an event.

AWS does not publish its table; this one follows what its answers show: the record's own
`resources`, and well-known members of request and response.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from opentrail.predicate.reading import decoded
from opentrail.record import RecordHead

MAX_RESOURCES = 50
_MAX_DEPTH = 8

MEMBERS: dict[str, str] = {
    "accessKeyId": "AWS::IAM::AccessKey",
    "alarmName": "AWS::CloudWatch::Alarm",
    "allocationId": "AWS::EC2::EIP",
    "autoScalingGroupName": "AWS::AutoScaling::AutoScalingGroup",
    "bucketName": "AWS::S3::Bucket",
    "certificateArn": "AWS::ACM::Certificate",
    "clusterName": "AWS::ECS::Cluster",
    "dBClusterIdentifier": "AWS::RDS::DBCluster",
    "dBInstanceIdentifier": "AWS::RDS::DBInstance",
    "dBSnapshotIdentifier": "AWS::RDS::DBSnapshot",
    "dBSubnetGroupName": "AWS::RDS::DBSubnetGroup",
    "deliveryStreamName": "AWS::KinesisFirehose::DeliveryStream",
    "distributionId": "AWS::CloudFront::Distribution",
    "fileSystemId": "AWS::EFS::FileSystem",
    "functionName": "AWS::Lambda::Function",
    "groupId": "AWS::EC2::SecurityGroup",
    "groupName": "AWS::IAM::Group",
    "hostedZoneId": "AWS::Route53::HostedZone",
    "imageId": "AWS::EC2::Ami",
    "instanceId": "AWS::EC2::Instance",
    "instanceProfileName": "AWS::IAM::InstanceProfile",
    "internetGatewayId": "AWS::EC2::InternetGateway",
    "keyId": "AWS::KMS::Key",
    "keyName": "AWS::EC2::KeyPair",
    "loadBalancerArn": "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "loadBalancerName": "AWS::ElasticLoadBalancing::LoadBalancer",
    "logGroupName": "AWS::Logs::LogGroup",
    "mountTargetId": "AWS::EFS::MountTarget",
    "natGatewayId": "AWS::EC2::NatGateway",
    "networkAclId": "AWS::EC2::NetworkAcl",
    "networkInterfaceId": "AWS::EC2::NetworkInterface",
    "policyArn": "AWS::IAM::Policy",
    "policyName": "AWS::IAM::Policy",
    "queueName": "AWS::SQS::Queue",
    "queueUrl": "AWS::SQS::Queue",
    "repositoryName": "AWS::ECR::Repository",
    "restApiId": "AWS::ApiGateway::RestApi",
    "roleArn": "AWS::IAM::Role",
    "roleName": "AWS::IAM::Role",
    "routeTableId": "AWS::EC2::RouteTable",
    "secretId": "AWS::SecretsManager::Secret",
    "snapshotId": "AWS::EC2::Snapshot",
    "stackName": "AWS::CloudFormation::Stack",
    "stateMachineArn": "AWS::StepFunctions::StateMachine",
    "streamName": "AWS::Kinesis::Stream",
    "subnetId": "AWS::EC2::Subnet",
    "tableName": "AWS::DynamoDB::Table",
    "targetGroupArn": "AWS::ElasticLoadBalancingV2::TargetGroup",
    "topicArn": "AWS::SNS::Topic",
    "trailARN": "AWS::CloudTrail::Trail",
    "trailName": "AWS::CloudTrail::Trail",
    "userName": "AWS::IAM::User",
    "volumeId": "AWS::EC2::Volume",
    "vpcEndpointId": "AWS::EC2::VPCEndpoint",
    "vpcId": "AWS::EC2::VPC",
    "vpnGatewayId": "AWS::EC2::VPNGateway",
}
"""Member name in requestParameters or responseElements to the resource type it names."""

NAME_MEMBERS = {
    "cloudtrail.amazonaws.com": "AWS::CloudTrail::Trail",
    "eks.amazonaws.com": "AWS::EKS::Cluster",
    "events.amazonaws.com": "AWS::Events::Rule",
    "secretsmanager.amazonaws.com": "AWS::SecretsManager::Secret",
    "sns.amazonaws.com": "AWS::SNS::Topic",
    "ssm.amazonaws.com": "AWS::SSM::Parameter",
}
"""What a plain `name` means at some services."""


Pairs = tuple[tuple[str, str], ...]


def resource_names(head: RecordHead) -> Pairs:
    """(type, name) pairs without repetition, in the order found."""
    own = tuple(
        (resource.type, resource.arn)
        for resource in head.resources or ()
        if resource.arn and resource.type
    )
    parts = (head.request_parameters, head.response_elements)
    return names_in(head.event_source or "", own, [_part(raw) for raw in parts])[0]


def _part(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.MsgspecError, RecursionError):
        # Numbers beyond any float, lone surrogates: names beside them are names.
        return (decoded(b'{"part":' + raw + b"}") or {}).get("part")


def names_in(source: str, own: Pairs, parts: Sequence[Any]) -> tuple[Pairs, bool]:
    """The pairs, and whether a member of MEMBERS may hold a text that is not among them.

    That is so where pairs are too many, parts too deep, or a member holds an array, a number, a
    boolean or "", of which no name is made.

    Args:
        source: The record's eventSource.
        own: (type, ARN) of the record's `resources`.
        parts: Request parameters and response elements, decoded.
    """
    found: dict[tuple[str, str], None] = dict.fromkeys(own)
    plain = NAME_MEMBERS.get(source)
    whole = True
    for part in parts:
        if isinstance(part, dict | list):
            whole = _walk(part, plain, found, 0) and whole
    return tuple(found)[:MAX_RESOURCES], not whole or len(found) > MAX_RESOURCES


def _walk(
    value: dict[str, Any] | list[Any],
    plain: str | None,
    found: dict[tuple[str, str], None],
    depth: int,
) -> bool:
    """As names_in."""
    if depth > _MAX_DEPTH or len(found) > MAX_RESOURCES:
        return False
    whole = True
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict | list):
                whole = _walk(item, plain, found, depth + 1) and whole
        return whole
    for key, item in value.items():
        if isinstance(item, str) and item:
            kind = MEMBERS.get(key) or (plain if key == "name" else None)
            if kind:
                found[kind, item] = None
            continue
        if isinstance(item, dict | list):
            whole = _walk(item, plain, found, depth + 1) and whole
        if key in MEMBERS and item is not None and not isinstance(item, dict):
            whole = False
    return whole
