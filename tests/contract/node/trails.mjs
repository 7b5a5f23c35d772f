// A trail's whole life with version 3 of the AWS SDK; prints what each call gave.
import * as sdk from "@aws-sdk/client-cloudtrail";

const client = new sdk.CloudTrailClient({});
const said = {};

async function call(name, input = {}) {
  try {
    const { $metadata, ...output } = await client.send(new sdk[`${name}Command`](input));
    said[name] = { output, requestId: $metadata.requestId };
  } catch (problem) {
    if (!(problem instanceof sdk.CloudTrailServiceException)) throw problem;
    said[name] = { error: problem.name, modelled: problem instanceof (sdk[problem.name] ?? Error) };
  }
}

const advanced = [
  {
    Name: "writes",
    FieldSelectors: [
      { Field: "eventCategory", Equals: ["Data"] },
      { Field: "resources.type", Equals: ["AWS::S3::Object"] },
      { Field: "readOnly", Equals: ["false"] },
    ],
  },
];
await call("CreateTrail", { Name: "javascript", S3BucketName: "js-logs", TagsList: [{ Key: "a", Value: "1" }] });
const arn = said.CreateTrail.output.TrailARN;
await call("UpdateTrail", { Name: "javascript", IsMultiRegionTrail: true });
await call("PutEventSelectors", { TrailName: "javascript", AdvancedEventSelectors: advanced });
await call("GetEventSelectors", { TrailName: "javascript" });
await call("PutEventConfiguration", {
  TrailName: "javascript",
  AggregationConfigurations: [{ EventCategory: "Data", Templates: ["API_ACTIVITY"] }],
});
await call("GetEventConfiguration", { TrailName: "javascript" });
await call("GetInsightSelectors", { TrailName: "javascript" });
await call("PutInsightSelectors", {
  TrailName: "javascript",
  InsightSelectors: [{ InsightType: "ApiErrorRateInsight", EventCategories: ["Data"] }],
});
await call("ListInsightsMetricData", {
  EventSource: "s3.amazonaws.com", EventName: "PutObject", InsightType: "ApiCallRateInsight",
});
await call("StartLogging", { Name: "javascript" });
await call("GetTrailStatus", { Name: "javascript" });
await call("ListTags", { ResourceIdList: [arn] });
await call("GetTrail", { Name: "none" });
await call("LookupEvents", { MaxResults: 1 });
await call("ListChannels");
await call("DeleteTrail", { Name: arn });
console.log(JSON.stringify({ ...said, advanced }));
