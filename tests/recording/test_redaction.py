"""Secrets in requests and answers never come into a record."""

import json
from typing import Any

import pytest
from wire import call_of, request_of

from opentrail.aws.decode import read_call
from opentrail.recording import RecordFacts, compose
from opentrail.recording.redact import HIDDEN, is_secret_name, safe_target

CANARY = "CANARY-3f9a-do-not-keep"
FACTS = RecordFacts(event_id="e", account_id="123456789012")

REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("iam", "CreateLoginProfile", {"UserName": "a", "Password": CANARY}),
    ("iam", "UpdateLoginProfile", {"UserName": "a", "Password": CANARY}),
    ("iam", "ChangePassword", {"OldPassword": CANARY, "NewPassword": CANARY}),
    ("iam", "UploadServerCertificate", {
        "ServerCertificateName": "c", "CertificateBody": "public", "PrivateKey": CANARY}),
    ("iam", "EnableMFADevice", {
        "UserName": "a", "SerialNumber": "123456789", "AuthenticationCode1": "CANARY",
        "AuthenticationCode2": "CANARY"}),
    ("sts", "AssumeRoleWithWebIdentity", {
        "RoleArn": "arn:aws:iam::1:role/r-long-enough", "RoleSessionName": "se",
        "WebIdentityToken": CANARY}),
    ("sts", "AssumeRoleWithSAML", {
        "RoleArn": "arn:aws:iam::1:role/r-long-enough",
        "PrincipalArn": "arn:aws:iam::1:saml-provider/p", "SAMLAssertion": CANARY}),
    ("secretsmanager", "CreateSecret", {"Name": "n", "SecretString": CANARY}),
    ("secretsmanager", "CreateSecret", {"Name": "n", "SecretBinary": CANARY.encode()}),
    ("secretsmanager", "PutSecretValue", {"SecretId": "n", "SecretString": CANARY}),
    ("secretsmanager", "UpdateSecret", {"SecretId": "n", "SecretString": CANARY}),
    ("ssm", "PutParameter", {"Name": "/n", "Value": CANARY, "Type": "SecureString"}),
    ("ssm", "SendCommand", {"DocumentName": "d", "Parameters": {"commands": [CANARY]}}),
    ("rds", "CreateDBInstance", {
        "DBInstanceIdentifier": "d", "DBInstanceClass": "c", "Engine": "e",
        "MasterUserPassword": CANARY}),
    ("rds", "ModifyDBInstance", {"DBInstanceIdentifier": "d", "MasterUserPassword": CANARY}),
    ("redshift", "CreateCluster", {
        "ClusterIdentifier": "c", "NodeType": "n", "MasterUsername": "m",
        "MasterUserPassword": CANARY}),
    ("docdb", "CreateDBCluster", {
        "DBClusterIdentifier": "c", "Engine": "docdb", "MasterUserPassword": CANARY}),
    ("kms", "Encrypt", {"KeyId": "k", "Plaintext": CANARY.encode()}),
    ("kms", "ImportKeyMaterial", {
        "KeyId": "k", "ImportToken": b"t", "EncryptedKeyMaterial": CANARY.encode()}),
    ("lambda", "CreateFunction", {
        "FunctionName": "f", "Role": "arn:aws:iam::1:role/r", "Code": {"ZipFile": b"z"},
        "Environment": {"Variables": {"TOKEN": CANARY}}}),
    ("lambda", "UpdateFunctionConfiguration", {
        "FunctionName": "f", "Environment": {"Variables": {"TOKEN": CANARY}}}),
    ("ec2", "RunInstances", {
        "ImageId": "ami", "MinCount": 1, "MaxCount": 1, "UserData": CANARY}),
    ("ec2", "ImportKeyPair", {"KeyName": "k", "PublicKeyMaterial": CANARY.encode()}),
    ("ec2", "CreateVpnConnection", {
        "CustomerGatewayId": "c", "Type": "ipsec.1",
        "Options": {"TunnelOptions": [{"PreSharedKey": CANARY}]}}),
    ("cognito-idp", "InitiateAuth", {
        "AuthFlow": "USER_PASSWORD_AUTH", "ClientId": "c",
        "AuthParameters": {"USERNAME": "u", "PASSWORD": CANARY}}),
    ("cognito-idp", "AdminSetUserPassword", {
        "UserPoolId": "us-east-1_x", "Username": "u", "Password": CANARY}),
    ("cognito-idp", "SignUp", {"ClientId": "c", "Username": "u", "Password": CANARY}),
    ("codebuild", "ImportSourceCredentials", {
        "token": CANARY, "serverType": "GITHUB", "authType": "PERSONAL_ACCESS_TOKEN"}),
    ("directconnect", "CreateBGPPeer", {"newBGPPeer": {"authKey": CANARY}}),
    ("ds", "CreateDirectory", {"Name": "corp.example.com", "Password": CANARY, "Size": "Small"}),
    ("acm", "ImportCertificate", {"Certificate": b"public", "PrivateKey": CANARY.encode()}),
    ("apigateway", "CreateApiKey", {"name": "k", "value": CANARY}),
    ("elasticache", "CreateReplicationGroup", {
        "ReplicationGroupId": "r", "ReplicationGroupDescription": "d", "AuthToken": CANARY}),
    ("mq", "CreateUser", {"BrokerId": "b", "Username": "u", "Password": CANARY}),
    ("dms", "CreateEndpoint", {
        "EndpointIdentifier": "e", "EndpointType": "source", "EngineName": "m",
        "Password": CANARY}),
    ("glue", "CreateConnection", {"ConnectionInput": {
        "Name": "c", "ConnectionType": "JDBC", "ConnectionProperties": {"PASSWORD": CANARY}}}),
    ("sqs", "SendMessage", {"QueueUrl": "http://127.0.0.1/1/q", "MessageBody": CANARY}),
    ("sns", "Publish", {"TopicArn": "arn:aws:sns:us-east-1:1:t", "Message": CANARY}),
    ("dynamodb", "PutItem", {"TableName": "tab", "Item": {"k": {"S": CANARY}}}),
    ("logs", "PutLogEvents", {"logGroupName": "g", "logStreamName": "s", "logEvents": [
        {"timestamp": 1, "message": CANARY}]}),
    ("s3", "PutObject", {"Bucket": "bucket", "Key": "k", "Body": CANARY.encode()}),
    ("s3", "PutObject", {"Bucket": "bucket", "Key": "k", "SSECustomerKey": "k" * 32,
                         "SSECustomerAlgorithm": "AES256", "Body": CANARY.encode()}),
]  # fmt: skip


def composed(service: str, operation: str, parameters: dict[str, Any], body: bytes = b"") -> str:
    call = read_call(call_of(request_of(service, operation, parameters), body=body), "us-east-1")
    return compose(call, None, facts=FACTS).decode()


@pytest.mark.parametrize(("service", "operation", "parameters"), REQUESTS,
                         ids=[f"{one[0]}-{one[1]}" for one in REQUESTS])  # fmt: skip
def test_a_secret_of_a_request_is_in_no_record(
    service: str, operation: str, parameters: dict[str, Any]
) -> None:
    text = composed(service, operation, parameters)

    assert "CANARY" not in text
    assert "Q0FOQVJZ" not in text  # the same in base64
    assert json.loads(text)["eventName"].startswith(operation)


def wrapped(operation: str, inner: str) -> bytes:
    return (
        f"<{operation}Response><{operation}Result>{inner}</{operation}Result>"
        f"<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{operation}Response>"
    ).encode()


ROLE = {"RoleArn": "arn:aws:iam::1:role/r-long-enough", "RoleSessionName": "se"}
CREDENTIALS = (
    f"<Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>{CANARY}</SecretAccessKey>"
    f"<SessionToken>{CANARY}</SessionToken><Expiration>2026-01-01T00:00:00Z</Expiration>"
    "</Credentials>"
)
ANSWERS: list[tuple[str, str, dict[str, Any], bytes]] = [
    ("iam", "CreateAccessKey", {"UserName": "a"}, wrapped(
        "CreateAccessKey", "<AccessKey><UserName>a</UserName><AccessKeyId>AKIA1</AccessKeyId>"
        f"<Status>Active</Status><SecretAccessKey>{CANARY}</SecretAccessKey></AccessKey>")),
    ("sts", "AssumeRole", ROLE, wrapped("AssumeRole", CREDENTIALS)),
    ("sts", "GetSessionToken", {}, wrapped("GetSessionToken", CREDENTIALS)),
    ("sts", "GetFederationToken", {"Name": "bob"}, wrapped("GetFederationToken", CREDENTIALS)),
    ("iam", "CreateVirtualMFADevice", {"VirtualMFADeviceName": "d"}, wrapped(
        "CreateVirtualMFADevice", "<VirtualMFADevice><SerialNumber>arn:x</SerialNumber>"
        "<Base32StringSeed>Q0FOQVJZ</Base32StringSeed><QRCodePNG>Q0FOQVJZ</QRCodePNG>"
        "</VirtualMFADevice>")),
    ("kms", "GenerateDataKey", {"KeyId": "k"}, b'{"KeyId":"k","Plaintext":"Q0FOQVJZ"}'),
    ("secretsmanager", "GetSecretValue", {"SecretId": "s"},
     json.dumps({"Name": "s", "SecretString": CANARY}).encode()),
    ("ssm", "GetParameter", {"Name": "/n", "WithDecryption": True},
     json.dumps({"Parameter": {"Name": "/n", "Value": CANARY}}).encode()),
    ("ecr", "GetAuthorizationToken", {},
     json.dumps({"authorizationData": [{"authorizationToken": CANARY}]}).encode()),
    ("cognito-idp", "InitiateAuth", {
        "AuthFlow": "USER_PASSWORD_AUTH", "ClientId": "c", "AuthParameters": {}},
     json.dumps({"AuthenticationResult": {"AccessToken": CANARY, "IdToken": CANARY,
                                          "RefreshToken": CANARY}}).encode()),
    ("ec2", "CreateKeyPair", {"KeyName": "k"},
     f"<CreateKeyPairResponse><requestId>r</requestId><keyName>k</keyName>"
     f"<keyMaterial>{CANARY}</keyMaterial></CreateKeyPairResponse>".encode()),
    ("lambda", "CreateFunction", {
        "FunctionName": "f", "Role": "arn:aws:iam::1:role/r", "Code": {"ZipFile": b"z"}},
     json.dumps({"FunctionName": "f", "Environment": {"Variables": {"T": CANARY}}}).encode()),
    ("apigateway", "CreateApiKey", {"name": "k"}, json.dumps({"id": "i", "value": CANARY}).encode()),
]  # fmt: skip


@pytest.mark.parametrize(("service", "operation", "parameters", "body"), ANSWERS,
                         ids=[f"{one[0]}-{one[1]}" for one in ANSWERS])  # fmt: skip
def test_a_secret_of_an_answer_is_in_no_record(
    service: str, operation: str, parameters: dict[str, Any], body: bytes
) -> None:
    text = composed(service, operation, parameters, body)

    assert "CANARY" not in text
    assert "Q0FOQVJZ" not in text


@pytest.mark.parametrize(
    "name", ["Password", "MasterUserPassword", "secretAccessKey", "SecretString", "privateKey",
             "auth_token", "ClientSecret", "SAMLAssertion", "plaintext"])  # fmt: skip
def test_a_name_tells_a_secret(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["SecretId", "SecretArn", "nextToken", "ClientToken", "UserName", "PasswordPolicy",
             "AccessKeyId", "Description", "bucketName"])  # fmt: skip
def test_a_name_tells_no_secret(name: str) -> None:
    assert not is_secret_name(name)


def test_what_signs_a_url_is_hidden_in_a_path() -> None:
    shown = safe_target("/b/k?X-Amz-Signature=abc&X-Amz-Credential=AKIA&password=p&prefix=x")

    assert HIDDEN in shown
    assert "abc" not in shown
    assert "password=p&" not in shown
    assert "prefix=x" in shown


def test_names_and_ids_stay_readable() -> None:
    record = json.loads(composed("secretsmanager", "CreateSecret",
                                 {"Name": "db", "SecretString": CANARY}))  # fmt: skip

    assert record["requestParameters"]["name"] == "db"
    assert record["requestParameters"]["secretString"] == HIDDEN
