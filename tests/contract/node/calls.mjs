// Calls some services as a program of version 3 of the AWS SDK does, and prints a line for each
// request that was really sent: what the SDK itself says it was, and with what status it ended.

import { CloudWatchClient, PutMetricDataCommand, ListMetricsCommand } from "@aws-sdk/client-cloudwatch";
import { DynamoDBClient, CreateTableCommand, PutItemCommand, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { IAMClient, CreateUserCommand, GetUserCommand } from "@aws-sdk/client-iam";
import {
  S3Client, CreateBucketCommand, PutObjectCommand, GetObjectCommand, CopyObjectCommand, DeleteObjectsCommand,
  CreateMultipartUploadCommand, UploadPartCommand, CompleteMultipartUploadCommand, ListObjectsV2Command,
} from "@aws-sdk/client-s3";
import { SQSClient, CreateQueueCommand, SendMessageCommand, ListQueuesCommand } from "@aws-sdk/client-sqs";
import { STSClient, GetCallerIdentityCommand, AssumeRoleCommand } from "@aws-sdk/client-sts";
import { AwsSmithyRpcV2CborProtocol } from "@aws-sdk/core/protocols";
import { Readable } from "node:stream";

function told(client, service) {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const line = { service, operation: context.commandName.replace(/Command$/, ""), input: args.input };
      const contentType = args.request.headers["content-type"] ?? "";
      try {
        const result = await next(args);
        line.status = result.response.statusCode;
        return result;
      } catch (problem) {
        line.status = problem.$metadata?.httpStatusCode ?? problem.$response?.statusCode ?? 0;
        throw problem;
      } finally {
        console.log(JSON.stringify({ ...line, contentType, input: undefined }));
      }
    },
    { step: "deserialize", name: "told", priority: "low" },
  );
  return client;
}

const options = { maxAttempts: 1 };
const s3 = told(new S3Client({ ...options, forcePathStyle: true }), "s3");
const metrics = told(new CloudWatchClient(options), "cloudwatch");
const cbor = told(new CloudWatchClient({ ...options, protocol: AwsSmithyRpcV2CborProtocol }), "cloudwatch");
const tables = told(new DynamoDBClient(options), "dynamodb");
const iam = told(new IAMClient(options), "iam");
const queues = told(new SQSClient(options), "sqs");
const sts = told(new STSClient(options), "sts");
const Bucket = "node-sdk";

await sts.send(new GetCallerIdentityCommand({}));
const now = new Date(Math.floor(Date.now() / 1000) * 1000);
for (const client of [metrics, cbor]) {
  await client.send(new PutMetricDataCommand({
    Namespace: "node", MetricData: [{ MetricName: "calls", Value: 1.5, Timestamp: now }],
  }));
  await client.send(new ListMetricsCommand({ Namespace: "node" }));
}
await s3.send(new CreateBucketCommand({ Bucket }));
await s3.send(new PutObjectCommand({ Bucket, Key: "a b/ü.txt", Body: "hello" }));
await s3.send(new PutObjectCommand({
  Bucket, Key: "stream", Body: Readable.from([Buffer.alloc(70_000, 1)]), ContentLength: 70_000,
}));
await (await s3.send(new GetObjectCommand({ Bucket, Key: "a b/ü.txt" }))).Body.transformToString();
await s3.send(new CopyObjectCommand({ Bucket, Key: "copy", CopySource: `${Bucket}/stream` }));
const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: "parts" }));
const part = await s3.send(new UploadPartCommand({ Bucket, Key: "parts", UploadId, PartNumber: 1, Body: "part" }));
await s3.send(new CompleteMultipartUploadCommand({
  Bucket, Key: "parts", UploadId, MultipartUpload: { Parts: [{ ETag: part.ETag, PartNumber: 1 }] },
}));
await s3.send(new ListObjectsV2Command({ Bucket, Prefix: "a" }));
await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: "copy" }, { Key: "parts" }] } }));
await s3.send(new GetObjectCommand({ Bucket, Key: "missing" })).catch(() => undefined);
await tables.send(new CreateTableCommand({
  TableName: "node", BillingMode: "PAY_PER_REQUEST", KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
  AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
}));
await tables.send(new PutItemCommand({ TableName: "node", Item: { id: { S: "1" } } }));
await tables.send(new GetItemCommand({ TableName: "node", Key: { id: { S: "1" } } }));
await iam.send(new CreateUserCommand({ UserName: "node-user" }));
await iam.send(new GetUserCommand({ UserName: "nobody" })).catch(() => undefined);
const { QueueUrl } = await queues.send(new CreateQueueCommand({ QueueName: "node" }));
await queues.send(new SendMessageCommand({ QueueUrl, MessageBody: "a secret message" }));
await queues.send(new ListQueuesCommand({}));
await sts.send(new AssumeRoleCommand({ RoleArn: "arn:aws:iam::123456789012:role/node", RoleSessionName: "js" }));
