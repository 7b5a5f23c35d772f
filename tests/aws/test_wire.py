"""What boto3 was given is what the decoder finds in boto3's bytes."""

from datetime import UTC, datetime
from typing import Any

import pytest
from wire import call_of, request_of

from opentrail.aws.decode import read_call

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ADDED = {"ChecksumAlgorithm", "ChecksumMode", "EncodingType", "ContentMD5", "ChecksumCRC32"}
POLICY = '{"Version":"2012-10-17","Statement":[]}'

CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("s3", "ListBuckets", {}),
    ("s3", "CreateBucket", {
        "Bucket": "bucket-one",
        "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}),
    ("s3", "HeadBucket", {"Bucket": "bucket-one"}),
    ("s3", "GetObject", {"Bucket": "bucket-one", "Key": "a/b c+d%.txt", "Range": "bytes=0-9"}),
    ("s3", "HeadObject", {"Bucket": "bucket-one", "Key": "ä/ö"}),
    ("s3", "DeleteObject", {"Bucket": "bucket-one", "Key": "k", "VersionId": "v1"}),
    ("s3", "CopyObject", {"Bucket": "bucket-one", "Key": "k", "CopySource": "other/key"}),
    ("s3", "ListObjectsV2", {"Bucket": "bucket-one", "Prefix": "p/", "MaxKeys": 7}),
    ("s3", "ListObjects", {"Bucket": "bucket-one", "Delimiter": "/"}),
    ("s3", "DeleteObjects", {
        "Bucket": "bucket-one",
        "Delete": {"Objects": [{"Key": "a"}, {"Key": "b<&>"}], "Quiet": True}}),
    ("s3", "PutBucketPolicy", {"Bucket": "bucket-one", "Policy": POLICY}),
    ("s3", "PutBucketVersioning", {
        "Bucket": "bucket-one", "VersioningConfiguration": {"Status": "Enabled"}}),
    ("s3", "PutBucketTagging", {
        "Bucket": "bucket-one", "Tagging": {"TagSet": [{"Key": "a", "Value": "b"}]}}),
    ("s3", "PutBucketLifecycleConfiguration", {
        "Bucket": "bucket-one",
        "LifecycleConfiguration": {"Rules": [{
            "ID": "r", "Status": "Enabled", "Filter": {"Prefix": "p"},
            "Expiration": {"Days": 3}}]}}),
    ("s3", "GetBucketLifecycleConfiguration", {"Bucket": "bucket-one"}),
    ("s3", "GetBucketAcl", {"Bucket": "bucket-one"}),
    ("s3", "CreateMultipartUpload", {"Bucket": "bucket-one", "Key": "k", "Metadata": {"m": "1"}}),
    ("s3", "UploadPartCopy", {
        "Bucket": "bucket-one", "Key": "k", "PartNumber": 2, "UploadId": "u",
        "CopySource": "o/k"}),
    ("s3", "CompleteMultipartUpload", {
        "Bucket": "bucket-one", "Key": "k", "UploadId": "u",
        "MultipartUpload": {"Parts": [{"ETag": "e", "PartNumber": 1}]}}),
    ("s3", "ListParts", {"Bucket": "bucket-one", "Key": "k", "UploadId": "u"}),
    ("s3", "GetObjectTagging", {"Bucket": "bucket-one", "Key": "k"}),
    ("s3", "PutPublicAccessBlock", {
        "Bucket": "bucket-one",
        "PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "IgnorePublicAcls": False}}),
    ("iam", "CreateUser", {"UserName": "alice", "Path": "/x/", "Tags": [
        {"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}]}),
    ("iam", "CreateRole", {"RoleName": "r", "AssumeRolePolicyDocument": POLICY}),
    ("iam", "ListUsers", {"MaxItems": 5}),
    ("iam", "AttachRolePolicy", {"RoleName": "r", "PolicyArn": "arn:aws:iam::aws:policy/Admin"}),
    ("sts", "GetCallerIdentity", {}),
    ("sts", "AssumeRole", {
        "RoleArn": "arn:aws:iam::123456789012:role/r", "RoleSessionName": "session",
        "DurationSeconds": 900, "TransitiveTagKeys": ["a", "b"],
        "Tags": [{"Key": "a", "Value": "1"}]}),
    ("ec2", "DescribeInstances", {
        "InstanceIds": ["i-1", "i-2"],
        "Filters": [{"Name": "vpc-id", "Values": ["a", "b"]}], "MaxResults": 10}),
    ("ec2", "RunInstances", {
        "ImageId": "ami-1", "MinCount": 1, "MaxCount": 2, "InstanceType": "t3.micro",
        "SecurityGroupIds": ["sg-1"], "ClientToken": "t",
        "BlockDeviceMappings": [{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 8}}],
        "TagSpecifications": [{"ResourceType": "instance", "Tags": [
            {"Key": "Name", "Value": "x"}]}],
        "NetworkInterfaces": [{"DeviceIndex": 0, "AssociatePublicIpAddress": True}]}),
    ("ec2", "AuthorizeSecurityGroupIngress", {"GroupId": "sg-1", "IpPermissions": [{
        "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22,
        "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "all"}]}]}),
    ("ec2", "CreateTags", {"Resources": ["i-1"], "Tags": [{"Key": "k", "Value": "v"}]}),
    ("ec2", "CreateVpc", {"CidrBlock": "10.0.0.0/16"}),
    ("sqs", "CreateQueue", {"QueueName": "q", "Attributes": {"DelaySeconds": "5"}}),
    ("sqs", "SendMessage", {
        "QueueUrl": "http://127.0.0.1:4600/123456789012/q", "MessageBody": "hello",
        "MessageAttributes": {"a": {"DataType": "Binary", "BinaryValue": b"\x00\x01"}}}),
    ("sns", "CreateTopic", {"Name": "t", "Attributes": {"DisplayName": "T"}}),
    ("sns", "Publish", {"TopicArn": "arn:aws:sns:eu-west-1:123456789012:t", "Message": "m"}),
    ("sns", "Subscribe", {"TopicArn": "arn:t", "Protocol": "https", "Endpoint": "https://x"}),
    ("dynamodb", "CreateTable", {
        "TableName": "tab", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}),
    ("dynamodb", "PutItem", {
        "TableName": "tab", "Item": {"id": {"S": "1"}, "b": {"B": b"\xff"}, "n": {"NULL": True}}}),
    ("dynamodb", "GetItem", {"TableName": "tab", "Key": {"id": {"S": "1"}}}),
    ("dynamodbstreams", "ListStreams", {"TableName": "tab"}),
    ("kms", "CreateKey", {"Description": "d", "Tags": [{"TagKey": "a", "TagValue": "b"}]}),
    ("kms", "Encrypt", {"KeyId": "alias/x", "Plaintext": b"secret",
                        "EncryptionContext": {"a": "b"}}),
    ("lambda", "CreateFunction", {
        "FunctionName": "f", "Runtime": "python3.12", "Role": "arn:aws:iam::123456789012:role/r",
        "Handler": "h.h", "Code": {"ZipFile": b"zip"}, "Timeout": 5,
        "Environment": {"Variables": {"A": "b"}}}),
    ("lambda", "ListFunctions", {"MaxItems": 5}),
    ("lambda", "GetFunction", {"FunctionName": "f", "Qualifier": "1"}),
    ("lambda", "DeleteFunction", {
        "FunctionName": "arn:aws:lambda:eu-west-1:123456789012:function:f"}),
    ("cloudtrail", "CreateTrail", {"Name": "main", "S3BucketName": "audit"}),
    ("cloudtrail", "LookupEvents", {
        "StartTime": WHEN, "LookupAttributes": [
            {"AttributeKey": "EventName", "AttributeValue": "CreateUser"}]}),
    ("logs", "CreateLogGroup", {"logGroupName": "/a/b", "tags": {"k": "v"}}),
    ("logs", "PutLogEvents", {
        "logGroupName": "g", "logStreamName": "s",
        "logEvents": [{"timestamp": 1767323045000, "message": "m"}]}),
    ("events", "PutRule", {"Name": "r", "EventPattern": "{}", "State": "ENABLED"}),
    ("events", "PutEvents", {"Entries": [
        {"Time": WHEN, "Source": "s", "DetailType": "d", "Detail": "{}"}]}),
    ("route53", "CreateHostedZone", {"Name": "example.org", "CallerReference": "r",
                                     "HostedZoneConfig": {"Comment": "c", "PrivateZone": False}}),
    ("route53", "ChangeResourceRecordSets", {
        "HostedZoneId": "Z1", "ChangeBatch": {"Changes": [{
            "Action": "CREATE", "ResourceRecordSet": {
                "Name": "a.example.org", "Type": "A", "TTL": 60,
                "ResourceRecords": [{"Value": "10.0.0.1"}]}}]}}),
    ("cloudfront", "ListDistributions", {"MaxItems": "3"}),
    ("apigateway", "CreateRestApi", {"name": "api", "endpointConfiguration": {
        "types": ["REGIONAL"]}}),
    ("apigateway", "GetResources", {"restApiId": "abc", "limit": 5}),
    ("apigatewayv2", "CreateApi", {"Name": "a", "ProtocolType": "HTTP"}),
    ("elbv2", "CreateLoadBalancer", {"Name": "lb", "Subnets": ["s-1", "s-2"]}),
    ("elb", "DescribeLoadBalancers", {"LoadBalancerNames": ["a"]}),
    ("rds", "CreateDBInstance", {
        "DBInstanceIdentifier": "db", "DBInstanceClass": "db.t3.micro", "Engine": "mysql",
        "MasterUsername": "u", "MasterUserPassword": "secret-password",
        "VpcSecurityGroupIds": ["sg-1"]}),
    ("secretsmanager", "CreateSecret", {"Name": "s", "SecretString": "x",
                                        "ClientRequestToken": "a" * 32}),
    ("ssm", "PutParameter", {"Name": "/a", "Value": "v", "Type": "SecureString"}),
    ("cloudformation", "CreateStack", {
        "StackName": "st", "TemplateBody": "{}",
        "Parameters": [{"ParameterKey": "a", "ParameterValue": "b"}]}),
    ("eks", "CreateCluster", {
        "name": "c", "roleArn": "arn:r", "resourcesVpcConfig": {"subnetIds": ["s-1"]},
        "clientRequestToken": "t"}),
    ("ecs", "ListClusters", {"maxResults": 3}),
    ("ecr", "CreateRepository", {"repositoryName": "repo"}),
    ("stepfunctions", "CreateStateMachine", {
        "name": "m", "definition": "{}", "roleArn": "arn:r"}),
    ("kinesis", "PutRecord", {"StreamName": "s", "Data": b"d", "PartitionKey": "p"}),
    ("ses", "SendEmail", {
        "Source": "a@example.org", "Destination": {"ToAddresses": ["b@example.org"]},
        "Message": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}}),
    ("sesv2", "GetAccount", {}),
    ("autoscaling", "CreateOrUpdateTags", {"Tags": [
        {"Key": "k", "Value": "v", "ResourceId": "g", "ResourceType": "auto-scaling-group",
         "PropagateAtLaunch": True}]}),
    ("resourcegroupstaggingapi", "GetResources", {"TagFilters": [{"Key": "k"}]}),
    ("organizations", "DescribeOrganization", {}),
    ("acm", "ListCertificates", {"CertificateStatuses": ["ISSUED"]}),
    ("batch", "DescribeJobs", {"jobs": ["j"]}),
    ("s3control", "GetPublicAccessBlock", {"AccountId": "123456789012"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("service", "operation", "parameters"), CALLS, ids=[f"{c[0]}-{c[1]}" for c in CALLS]
)
def test_parameters_survive_the_wire(
    service: str, operation: str, parameters: dict[str, Any]
) -> None:
    options: dict[str, Any] = {"s3": {"addressing_style": "path"}} if service == "s3" else {}

    call = read_call(call_of(request_of(service, operation, parameters, **options)), "us-west-2")

    assert call.problem == ""
    assert call.service == service
    assert call.operation is not None
    assert call.operation.name == operation
    found = dict(call.parameters or {})
    for extra in set(found) - set(parameters):
        # What boto3 adds by itself: checksums, idempotency tokens, encodings.
        assert extra in ADDED, extra
        del found[extra]
    assert found == parameters


def test_a_bucket_in_the_host_name_is_found() -> None:
    request = request_of(
        "s3",
        "GetObject",
        {"Bucket": "bucket-one", "Key": "a/b"},
        endpoint="http://s3.eu-west-1.localhost:4600",
        s3={"addressing_style": "virtual"},
    )

    call = read_call(call_of(request), "us-west-2")

    assert call.parameters is not None
    assert call.parameters["Bucket"] == "bucket-one"
    assert call.parameters["Key"] == "a/b"


def test_a_global_service_is_recorded_in_us_east_1() -> None:
    call = read_call(call_of(request_of("iam", "ListUsers", {})), "eu-west-1")

    assert call.region == "us-east-1"


def test_a_regional_service_is_recorded_where_it_was_called() -> None:
    call = read_call(call_of(request_of("kms", "ListKeys", {})), "us-west-2")

    assert call.region == "eu-west-1"
