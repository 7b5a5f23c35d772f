"""The resources that LookupEvents shows for an event.

AWS does not publish its table; this one follows what its answers show: the record's own
`resources`, and well-known members of request and response.
"""

from __future__ import annotations

from typing import Any

import msgspec

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


def resource_names(head: RecordHead) -> tuple[tuple[str, str], ...]:
    """(type, name) pairs without repetition, in the order found."""
    found: dict[tuple[str, str], None] = {}
    for resource in head.resources or ():
        if resource.arn and resource.type:
            found[resource.type, resource.arn] = None
    for raw in (head.request_parameters, head.response_elements):
        _walk(msgspec.json.decode(raw), head.event_source or "", found, 0)
    return tuple(found)[:MAX_RESOURCES]


def _walk(value: Any, source: str, found: dict[tuple[str, str], None], depth: int) -> None:
    if depth > _MAX_DEPTH or len(found) >= MAX_RESOURCES:
        return
    if isinstance(value, list):
        for item in value:
            _walk(item, source, found, depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, str):
                kind = MEMBERS.get(key) or (NAME_MEMBERS.get(source) if key == "name" else None)
                if kind and item:
                    found[kind, item] = None
            else:
                _walk(item, source, found, depth + 1)
