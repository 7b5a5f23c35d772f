# Topics and subscriptions with every block that OpenTrail keeps.

variable "name" {
  default = "Alerts"
}

variable "kinds" {
  type    = list(string)
  default = ["root", "sign-in"]
}

data "aws_caller_identity" "me" {}

locals {
  account = data.aws_caller_identity.me.account_id
  queue   = "arn:aws:sqs:us-east-1:${local.account}:answers"
}

resource "aws_sns_topic" "alerts" {
  name              = "alerts"
  display_name      = var.name
  kms_master_key_id = "alias/aws/sns"
  signature_version = 2
  tracing_config    = "PassThrough"
  delivery_policy = jsonencode({
    http = {
      defaultHealthyRetryPolicy = {
        minDelayTarget     = 20
        maxDelayTarget     = 20
        numRetries         = 5
        numMaxDelayRetries = 0
        numNoDelayRetries  = 0
        numMinDelayRetries = 0
        backoffFunction    = "linear"
      }
      disableSubscriptionOverrides = false
    }
  })
  tags = { team = "audit", named = var.name }
}

resource "aws_sns_topic" "plain" {
  name_prefix = "plain-"
}

resource "aws_sns_topic_policy" "alerts" {
  arn = aws_sns_topic.alerts.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Trail"
      Effect    = "Allow"
      Principal = { Service = "cloudtrail.amazonaws.com" }
      Action    = "SNS:Publish"
      Resource  = aws_sns_topic.alerts.arn
    }]
  })
}

resource "aws_sns_topic_subscription" "queue" {
  topic_arn            = aws_sns_topic.alerts.arn
  protocol             = "sqs"
  endpoint             = local.queue
  raw_message_delivery = true
  filter_policy        = jsonencode({ kind = var.kinds, size = [{ numeric = [">", 5] }] })
  filter_policy_scope  = "MessageBody"
  redrive_policy       = jsonencode({ deadLetterTargetArn = "${local.queue}-dead" })
}

resource "aws_sns_topic_subscription" "function" {
  topic_arn     = aws_sns_topic.alerts.arn
  protocol      = "lambda"
  endpoint      = "arn:aws:lambda:us-east-1:${local.account}:function:respond"
  filter_policy = jsonencode({ name = [{ prefix = var.name }] })
}

resource "aws_sns_topic_subscription" "hook" {
  topic_arn       = aws_sns_topic.plain.arn
  protocol        = "https"
  endpoint        = "https://hooks.example.com/alerts"
  delivery_policy = jsonencode({ healthyRetryPolicy = { numRetries = 4, minDelayTarget = 20, maxDelayTarget = 20 } })
}

resource "aws_sns_topic_subscription" "person" {
  topic_arn = aws_sns_topic.plain.arn
  protocol  = "email"
  endpoint  = "security@example.com"
}
