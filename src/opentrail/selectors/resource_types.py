"""Resource types of data events and sources of network activity events, as data.

Source: AWS CloudTrail user guide (April 2026), "Logging data events" and "Logging network activity
events". Both lists grow: add what is new here.
"""

from __future__ import annotations

import re

_NAMES = """
AIDevOps: AgentSpace Association OperatorAppTeam PipelineMetadata Service
AIOps: InvestigationGroup
AppConfig: Configuration
AppSync: GraphQLApi
B2BI: Transformer
Backup: SearchJob
Bedrock: AgentAlias AsyncInvoke FlowAlias Guardrail InlineAgent KnowledgeBase Model PromptVersion
Bedrock: Session FlowExecution AutomatedReasoningPolicy AutomatedReasoningPolicyVersion
Bedrock: DataAutomationProject DataAutomationInvocation DataAutomationProfile Blueprint Tool
Bedrock: AdvancedOptimizePromptJob
BedrockAgentCore: CodeInterpreter Browser WorkloadIdentity WorkloadIdentityDirectory TokenVault
BedrockAgentCore: APIKeyCredentialProvider Runtime RuntimeEndpoint Gateway Memory
BedrockAgentCore: OAuth2CredentialProvider BrowserCustom CodeInterpreterCustom Evaluator
Cassandra: Table Stream
CloudFront: KeyValueStore
CloudOptimization: Profile Recommendation
CloudTrail: Channel
CloudWatch: Metric
CodeGuruProfiler: ProfilingGroup
CodeWhisperer: Customization Profile
Cognito: IdentityPool
DSQL: Cluster
DataExchange: Asset
Deadline: Fleet Job Queue Worker
DynamoDB: Stream Table
EC2: Snapshot InstanceConnectEndpoint
ECS: ContainerInstance
EKS: Dashboard
EMRWAL: Workspace
FSx: Volume
FinSpace: Environment
GameLiftStreams: Application StreamGroup
GeoMaps: Provider
GeoPlaces: Provider
GeoRoutes: Provider
Glue: Table
GreengrassV2: ComponentVersion Deployment
GuardDuty: Detector MalwareScan
IoT: Certificate Thing
IoTSiteWise: Asset TimeSeries
IoTTwinMaker: Entity Workspace
KendraRanking: ExecutionPlan
Kinesis: Stream StreamConsumer
KinesisFirehose: DeliveryStream
KinesisVideo: Stream SignalingChannel
Lambda: Function
MWAA: Environment
MachineLearning: MlModel
ManagedBlockchain: Network Node
ManagedBlockchainQuery: QueryAPI
MedicalImaging: Datastore Imageset
NeptuneGraph: Graph
NetworkFlowMonitor: Monitor Scope
NovaAct: WorkflowDefinition WorkflowRun
One: UKey User
PCAConnectorAD: Connector
PCAConnectorSCEP: Connector
PaymentCryptography: Alias Key
Pinpoint: App
QApps: QApp QAppSession
QBusiness: Application DataSource Index WebExperience Integration
QDeveloper: Integration
QuickSight: Flow FlowSession
Quicksight: ActionConnector
RDS: DBCluster
RUM: AppMonitor
Redshift: Cluster
S3: Object AccessPoint
S3Express: Object
S3ObjectLambda: AccessPoint
S3Outposts: Object
S3Tables: Table TableBucket
S3Vectors: VectorBucket Index
SCN: Instance
SDB: Domain
SES: ConfigurationSet EmailIdentity Template
SMSVoice: OriginationIdentity Message
SNS: PlatformEndpoint Topic
SQS: Queue
SSM: ExecutionPreview ManagedNode
SSMMessages: ControlChannel
SWF: Domain
SageMaker: Endpoint FeatureGroup ExperimentTrialComponent MlflowTrackingServer
ServiceDiscovery: Namespace Service
Signer: SigningJob SigningProfile
SitewiseAssistant: Conversation
SocialMessaging: PhoneNumberId WabaId
StepFunctions: Activity StateMachine
SupportAccess: Tenant TrustingAccount TrustingRole
ThinClient: Device Environment
Timestream: Database RegionalEndpoint Table
Transform: AgentInstance
TransformCustom: Campaign Conversation KnowledgeItem Package
VerifiedPermissions: PolicyStore
XRay: Trace
"""

RESOURCE_TYPES = frozenset(
    f"AWS::{service}::{name}"
    for line in _NAMES.strip().splitlines()
    for service, names in (line.split(": "),)
    for name in names.split()
)
"""What `resources.type` may equal."""

_SOURCES = """
aco-automation appconfig application-signals appmesh athena b2bi backup-gateway bcm-data-exports
bcm-pricing-calculator bedrock-agentcore bedrock billing cassandra ce cloudcontrolapi
cloudformation cloudhsm cloudoptimization cloudtrail codedeploy comprehend comprehendmedical
config ds dynamodb ec2 ecs elasticfilesystem elasticloadbalancing events firehose frauddetector
freetier fsx glue healthlake invoicing iot iotfleetwise iotsecuredtunneling kms lakeformation
lambda license-manager lookoutequipment lookoutvision monitoring nova-act personalize qbusiness
rds rekognition rolesanywhere s3 sagemaker scheduler secretsmanager servicediscovery sns sqs
ssm-contacts ssm storagegateway swf textract transcribe transcribestreaming transform-agents
transform-custom transform translate user-subscriptions verifiedpermissions voiceid workmail
workmailmessageflow
"""

NETWORK_SOURCES = frozenset(f"{name}.amazonaws.com" for name in _SOURCES.split())
"""What `eventSource` of network activity events may equal."""

_REGIONAL = r":[a-z0-9-]+:\d{12}:"
_ARNS = {
    "AWS::S3::Object": r":s3:::.+",
    "AWS::S3::AccessPoint": rf":s3{_REGIONAL}accesspoint/.+",
    "AWS::S3ObjectLambda::AccessPoint": rf":s3-object-lambda{_REGIONAL}accesspoint/.+",
    "AWS::S3Outposts::Object": rf":s3-outposts{_REGIONAL}.+",
    "AWS::Lambda::Function": rf":lambda{_REGIONAL}function:.+",
    "AWS::DynamoDB::Table": rf":dynamodb{_REGIONAL}table/.+",
    "AWS::DynamoDB::Stream": rf":dynamodb{_REGIONAL}table/.+/stream/.+",
    "AWS::SNS::Topic": rf":sns{_REGIONAL}.+",
    "AWS::SNS::PlatformEndpoint": rf":sns{_REGIONAL}endpoint/.+",
    "AWS::SQS::Queue": rf":sqs{_REGIONAL}.+",
    "AWS::EC2::Snapshot": r":ec2:[a-z0-9-]+::snapshot/.+",
    "AWS::CloudTrail::Channel": rf":cloudtrail{_REGIONAL}channel/.+",
    "AWS::RDS::DBCluster": rf":rds{_REGIONAL}cluster.+",
    "AWS::KinesisVideo::Stream": rf":kinesisvideo{_REGIONAL}stream/.+/.+",
    "AWS::Glue::Table": rf":glue{_REGIONAL}table/.+/.+",
}
"""How ARNs of the common types go on behind `arn:PARTITION`."""

_COMPILED = {kind: re.compile(rf"arn:aws[a-z-]*{rest}", re.DOTALL) for kind, rest in _ARNS.items()}
_ANY = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(\d{12})?:.+", re.DOTALL)


def names_a(kind: str, arn: str) -> bool:
    """Whether `arn` can be the whole ARN of a resource of type `kind`."""
    return _COMPILED.get(kind, _ANY).fullmatch(arn) is not None


_PARTITION = r"arn:aws[a-z-]*"
_ALL_OF = {
    "AWS::S3::Object": re.compile(rf"{_PARTITION}:s3(:::)?"),
    "AWS::Lambda::Function": re.compile(rf"{_PARTITION}:lambda"),
    "AWS::DynamoDB::Table": re.compile(rf"{_PARTITION}:dynamodb"),
}
"""Types of basic selectors, and the value that stands for all resources of each."""

_SOME_OF = {
    "AWS::S3::Object": re.compile(rf"{_PARTITION}:s3:::.+", re.DOTALL),
    "AWS::Lambda::Function": re.compile(rf"{_PARTITION}:lambda:[a-z0-9-]+:[0-9]+:function:.*"),
    "AWS::DynamoDB::Table": re.compile(rf"{_PARTITION}:dynamodb:[a-z0-9-]+:[0-9]+:table/.+"),
}
"""Values that stand for some of them."""

BASIC_TYPES = tuple(_ALL_OF)


def names_all(kind: str, value: str) -> bool:
    """Whether a basic selector's value stands for every resource of type `kind`."""
    return _ALL_OF[kind].fullmatch(value) is not None


def names_basic(kind: str, value: str) -> bool:
    """Whether a basic selector on `kind` may have the value."""
    return names_all(kind, value) or _SOME_OF[kind].fullmatch(value) is not None
