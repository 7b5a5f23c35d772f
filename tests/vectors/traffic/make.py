"""Make calls.jsonl: calls of boto3 to moto's server, as the bytes that went over the wire.

Run `python tests/vectors/traffic/make.py` to make it again. One line a call: what boto3 was
given, the request's and the answer's bytes, and what boto3 read out of the answer.
"""

import base64
import io
import json
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

OUT = Path(__file__).with_name("calls.jsonl")
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
     "Action": "sts:AssumeRole"}]})  # fmt: skip
TOPIC_POLICY = json.dumps({"Version": "2012-10-17", "Statement": []})


def plain(value: Any) -> Any:
    """`value` as JSON: bytes and times are marked."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key != "ResponseMetadata"}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, datetime):
        return {"$time": value.isoformat()}
    if hasattr(value, "read"):
        return {"$stream": True}
    return value


class Recorder:
    """Clients of one endpoint whose calls are kept."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._clients: dict[str, Any] = {}
        self._caught: dict[str, Any] = {}
        self.lines: list[str] = []

    def client(self, service: str) -> Any:
        """The one client of a service."""
        if service not in self._clients:
            client = boto3.client(
                service,
                region_name="us-east-1",
                endpoint_url=self._endpoint,
                aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
                aws_secret_access_key="secret",
                config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
            )
            client.meta.events.register_first("before-parameter-build", self._parameters)
            client.meta.events.register_last("before-send", self._request)
            client.meta.events.register("before-parse", self._response)
            self._clients[service] = client
        return self._clients[service]

    def call(self, service: str, operation: str, /, **parameters: Any) -> Any:
        """Make a call and keep it, an error's too."""
        client = self.client(service)
        names = {name: python for python, name in client.meta.method_to_api_mapping.items()}
        result: dict[str, Any] | None = None
        error = ""
        try:
            result = getattr(client, names[operation])(**parameters)
        except ClientError as failure:
            error = failure.response["Error"]["Code"]
        self.lines.append(json.dumps({
            "service": service, "operation": operation, "given": plain(parameters),
            **self._caught, "result": plain(result), "error": error,
        }))  # fmt: skip
        return result or {}

    def _parameters(self, **_: Any) -> None:
        self._caught = {}

    def _request(self, request: AWSPreparedRequest, **_: Any) -> None:
        body = request.body or b""
        if hasattr(body, "read"):
            body = body.read()
            request.body.seek(0)
        body = body.encode() if isinstance(body, str) else bytes(body)
        _scheme, _, rest = request.url.partition("://")
        host, _, target = rest.partition("/")
        headers = [["Host", host]] + [
            [name, value.decode() if isinstance(value, bytes) else str(value)]
            for name, value in request.headers.items() if name.lower() != "host"
        ]  # fmt: skip
        self._caught = {
            "method": request.method, "target": f"/{target}", "headers": headers,
            "body": base64.b64encode(body).decode(),
        }  # fmt: skip

    def _response(self, response_dict: dict[str, Any], **_: Any) -> None:
        body = response_dict["body"]
        self._caught |= {
            "status": response_dict["status_code"],
            "answer_headers": [[name, value] for name, value in response_dict["headers"].items()],
            "answer": base64.b64encode(body if isinstance(body, bytes) else b"").decode(),
        }


def storage(call: Callable[..., Any]) -> None:
    """rest-xml, with bodies, headers and errors."""
    call("s3", "CreateBucket", Bucket="papers")
    call("s3", "PutObject", Bucket="papers", Key="a b/ü+%.txt", Body=b"hello", Metadata={"k": "v"},
         ContentType="text/plain", Tagging="x=1&y=2")  # fmt: skip
    call("s3", "GetObject", Bucket="papers", Key="a b/ü+%.txt", Range="bytes=1-3")
    call("s3", "HeadObject", Bucket="papers", Key="a b/ü+%.txt")
    call("s3", "GetObject", Bucket="papers", Key="none")
    call("s3", "HeadBucket", Bucket="no-such-bucket-here")
    call("s3", "ListObjectsV2", Bucket="papers", Prefix="a ", MaxKeys=5)
    call("s3", "PutBucketTagging", Bucket="papers", Tagging={"TagSet": [
        {"Key": "team", "Value": "a&b"}]})  # fmt: skip
    call("s3", "GetBucketTagging", Bucket="papers")
    call("s3", "PutBucketVersioning", Bucket="papers", VersioningConfiguration={
        "Status": "Enabled"})  # fmt: skip
    call("s3", "GetBucketVersioning", Bucket="papers")
    call(
        "s3", "CopyObject", Bucket="papers", Key="copy", CopySource="papers/a%20b/%C3%BC%2B%25.txt"
    )
    upload = call("s3", "CreateMultipartUpload", Bucket="papers", Key="big")
    part = call("s3", "UploadPart", Bucket="papers", Key="big", PartNumber=1, Body=b"x" * 100,
                UploadId=upload["UploadId"])  # fmt: skip
    call("s3", "CompleteMultipartUpload", Bucket="papers", Key="big", UploadId=upload["UploadId"],
         MultipartUpload={"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]})  # fmt: skip
    call("s3", "DeleteObjects", Bucket="papers", Delete={"Objects": [
        {"Key": "copy"}, {"Key": "a<b"}]})  # fmt: skip
    call("s3", "ListBuckets")
    call("route53", "CreateHostedZone", Name="example.org.", CallerReference="one",
         HostedZoneConfig={"Comment": "c", "PrivateZone": False})  # fmt: skip
    call("route53", "ListHostedZones", MaxItems="5")
    call("cloudfront", "ListDistributions")


def people(call: Callable[..., Any]) -> None:
    """query."""
    call("iam", "CreateUser", UserName="alice", Path="/x/", Tags=[{"Key": "a", "Value": "b"}])
    call("iam", "CreateUser", UserName="alice")
    call("iam", "CreateRole", RoleName="runner", AssumeRolePolicyDocument=POLICY)
    call("iam", "ListUsers", MaxItems=10)
    call("iam", "CreateAccessKey", UserName="alice")
    call("iam", "ListAccountAliases")
    call("sts", "GetCallerIdentity")
    call("sts", "AssumeRole", RoleArn="arn:aws:iam::123456789012:role/runner",
         RoleSessionName="one", DurationSeconds=900)  # fmt: skip
    topic = call("sns", "CreateTopic", Name="alarms", Attributes={"DisplayName": "Alarms"},
                 Tags=[{"Key": "k", "Value": "v"}])["TopicArn"]  # fmt: skip
    call("sns", "GetTopicAttributes", TopicArn=topic)
    call("sns", "Publish", TopicArn=topic, Message="hello", MessageAttributes={
        "kind": {"DataType": "String", "StringValue": "x"}})  # fmt: skip
    call("cloudformation", "ListStacks", StackStatusFilter=["CREATE_COMPLETE"])
    call("cloudformation", "DescribeStacks", StackName="missing")
    call("rds", "CreateDBSubnetGroup", DBSubnetGroupName="g", DBSubnetGroupDescription="d",
         SubnetIds=["subnet-1"])  # fmt: skip
    call("rds", "DescribeDBInstances", MaxRecords=20)
    call("autoscaling", "DescribeAutoScalingGroups", AutoScalingGroupNames=["a", "b"])
    call("elbv2", "DescribeLoadBalancers", PageSize=10)
    call("ses", "ListIdentities", MaxItems=3)
    call("redshift", "DescribeClusters")


def machines(call: Callable[..., Any]) -> None:
    """ec2."""
    vpc = call("ec2", "CreateVpc", CidrBlock="10.1.0.0/16", TagSpecifications=[
        {"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "one"}]}])["Vpc"]["VpcId"]  # fmt: skip
    group = call("ec2", "CreateSecurityGroup", GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    call("ec2", "AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22,
         "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "in"}]}])  # fmt: skip
    image = call("ec2", "DescribeImages", Owners=["amazon"], Filters=[
        {"Name": "name", "Values": ["amzn-ami-*"]}])["Images"][0]["ImageId"]  # fmt: skip
    made = call("ec2", "RunInstances", ImageId=image, MinCount=1, MaxCount=1,
                InstanceType="t3.micro", UserData="#!/bin/sh\n")  # fmt: skip
    one = made["Instances"][0]["InstanceId"]
    call("ec2", "DescribeInstances", InstanceIds=[one])
    call("ec2", "StopInstances", InstanceIds=[one])
    call("ec2", "DescribeVpcs", VpcIds=["vpc-none"])
    call("ec2", "DescribeRegions")


def tables(call: Callable[..., Any]) -> None:
    """awsJson 1.0 and 1.1."""
    call("dynamodb", "CreateTable", TableName="t", BillingMode="PAY_PER_REQUEST",
         AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
         KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}])  # fmt: skip
    call("dynamodb", "PutItem", TableName="t", Item={"id": {"S": "1"}, "b": {"B": b"\x00\xff"},
                                                       "n": {"N": "1.5"}})  # fmt: skip
    call("dynamodb", "GetItem", TableName="t", Key={"id": {"S": "1"}})
    call("dynamodb", "Query", TableName="t", KeyConditionExpression="id = :i",
         ExpressionAttributeValues={":i": {"S": "1"}})  # fmt: skip
    call("dynamodb", "DescribeTable", TableName="missing")
    queue = call("sqs", "CreateQueue", QueueName="q", Attributes={"DelaySeconds": "0"})["QueueUrl"]
    call("sqs", "SendMessage", QueueUrl=queue, MessageBody="m")
    call("sqs", "ReceiveMessage", QueueUrl=queue, MaxNumberOfMessages=1)
    key = call("kms", "CreateKey", Description="d")["KeyMetadata"]["KeyId"]
    call("kms", "Encrypt", KeyId=key, Plaintext=b"secret")
    call("kms", "ListKeys", Limit=5)
    call("ssm", "PutParameter", Name="/a/b", Value="v", Type="SecureString")
    call("ssm", "GetParameter", Name="/a/b", WithDecryption=True)
    call("ssm", "GetParameter", Name="/none")
    call("secretsmanager", "CreateSecret", Name="s", SecretString="x", Tags=[])
    call("secretsmanager", "GetSecretValue", SecretId="s")
    call("logs", "CreateLogGroup", logGroupName="/g")
    call("logs", "CreateLogStream", logGroupName="/g", logStreamName="s")
    call("logs", "PutLogEvents", logGroupName="/g", logStreamName="s", logEvents=[
        {"timestamp": 1760000000000, "message": "m"}])  # fmt: skip
    call("events", "PutRule", Name="r", ScheduleExpression="rate(5 minutes)", State="ENABLED")
    call("events", "ListRules", Limit=3)
    call("kinesis", "CreateStream", StreamName="k", ShardCount=1)
    call("kinesis", "PutRecord", StreamName="k", Data=b"data", PartitionKey="p")
    call("stepfunctions", "ListStateMachines", maxResults=4)
    call("ecs", "CreateCluster", clusterName="c", settings=[
        {"name": "containerInsights", "value": "enabled"}])  # fmt: skip
    call("ecr", "CreateRepository", repositoryName="repo")
    call("organizations", "CreateOrganization", FeatureSet="ALL")
    call("acm", "ListCertificates")
    call("athena", "ListWorkGroups")
    call("glue", "CreateDatabase", DatabaseInput={"Name": "db", "Description": "d"})


def functions(call: Callable[..., Any]) -> None:
    """rest-json."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("f.py"), "def h(e, c): return e")
    call("lambda", "CreateFunction", FunctionName="f", Runtime="python3.11", Handler="f.h",
         Role="arn:aws:iam::123456789012:role/runner", Code={"ZipFile": packed.getvalue()},
         Environment={"Variables": {"TOKEN": "t"}})  # fmt: skip
    call("lambda", "GetFunctionConfiguration", FunctionName="f")
    call("lambda", "ListFunctions", MaxItems=10)
    call("lambda", "GetFunction", FunctionName="missing")
    call("lambda", "TagResource", Resource="arn:aws:lambda:us-east-1:123456789012:function:f",
         Tags={"a": "b"})  # fmt: skip
    api = call("apigateway", "CreateRestApi", name="api", endpointConfiguration={
        "types": ["REGIONAL"]})  # fmt: skip
    call("apigateway", "GetResources", restApiId=api["id"], limit=5)
    call("efs", "CreateFileSystem", CreationToken="t", Encrypted=True)
    call("efs", "DescribeFileSystems", MaxItems=3)
    call("eks", "ListClusters", maxResults=5)
    call("batch", "DescribeJobQueues", maxResults=5)
    call("iot", "CreateThing", thingName="thing", attributePayload={"attributes": {"a": "b"}})
    call("xray", "GetGroups")
    call("guardduty", "CreateDetector", Enable=True, Tags={"k": "v"})


def main() -> None:
    """Record everything."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    recorder = Recorder(f"http://{host}:{port}")
    try:
        for scenario in (storage, people, machines, tables, functions):
            scenario(recorder.call)
    finally:
        server.stop()
    OUT.write_text("\n".join(recorder.lines) + "\n")
    services = {json.loads(line)["service"] for line in recorder.lines}
    operations = {(json.loads(line)["service"], json.loads(line)["operation"])
                  for line in recorder.lines}  # fmt: skip
    print(f"{len(recorder.lines)} calls, {len(operations)} operations, {len(services)} services")


if __name__ == "__main__":
    main()
