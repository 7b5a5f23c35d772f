# Event rules with every block that concerns whom they tell and when.

variable "description" {
  default = "first"
}

variable "enabled" {
  default = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
}

variable "attempts" {
  default = 3
}

data "aws_caller_identity" "me" {}

locals {
  account = data.aws_caller_identity.me.account_id
  queue   = "arn:aws:sqs:us-east-1:${local.account}:answers"
}

resource "aws_cloudwatch_event_bus" "orders" {
  name        = "orders"
  description = var.description
  tags        = { team = "audit" }
}

resource "aws_cloudwatch_event_permission" "other" {
  event_bus_name = aws_cloudwatch_event_bus.orders.name
  principal      = "111122223333"
  statement_id   = "other-account"
}

resource "aws_cloudwatch_event_rule" "root" {
  name        = "root-use"
  description = var.description
  state       = var.enabled
  event_pattern = jsonencode({
    detail-type = ["AWS API Call via CloudTrail"]
    detail = {
      userIdentity = { type = ["Root"] }
      eventName    = [{ anything-but = { prefix = "Describe" } }]
    }
  })
  tags = { team = "audit", "opentrail:dry-run" = "true" }
}

resource "aws_cloudwatch_event_rule" "nightly" {
  name                = "nightly"
  schedule_expression = "cron(0 2 * * ? *)"
}

resource "aws_cloudwatch_event_rule" "order" {
  name           = "order"
  event_bus_name = aws_cloudwatch_event_bus.orders.name
  event_pattern  = jsonencode({ source = ["my.shop"] })
}

resource "aws_cloudwatch_event_target" "queue" {
  rule      = aws_cloudwatch_event_rule.root.name
  target_id = "queue"
  arn       = local.queue

  input_transformer {
    input_paths = {
      name = "$.detail.eventName"
      who  = "$.detail.userIdentity.arn"
    }
    input_template = "{\"text\": \"<who> called <name>\", \"event\": <aws.events.event.json>}"
  }

  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = var.attempts
  }

  dead_letter_config {
    arn = "${local.queue}-dead"
  }
}

resource "aws_cloudwatch_event_target" "topic" {
  rule       = aws_cloudwatch_event_rule.root.name
  target_id  = "topic"
  arn        = "arn:aws:sns:us-east-1:${local.account}:alerts"
  input_path = "$.detail"
}

resource "aws_cloudwatch_event_target" "function" {
  rule      = aws_cloudwatch_event_rule.nightly.name
  target_id = "function"
  arn       = "arn:aws:lambda:us-east-1:${local.account}:function:report"
  input     = jsonencode({ report = "daily" })
}

resource "aws_cloudwatch_event_target" "ordered" {
  rule           = aws_cloudwatch_event_rule.order.name
  event_bus_name = aws_cloudwatch_event_bus.orders.name
  arn            = "${local.queue}.fifo"

  sqs_target {
    message_group_id = "orders"
  }
}
