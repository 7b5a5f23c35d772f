variable "retention" {
  default = 7
}

resource "aws_cloudwatch_log_group" "app" {
  name              = "/app/logs"
  retention_in_days = var.retention
  tags = {
    team = "security"
  }
}

resource "aws_cloudwatch_log_stream" "web" {
  name           = "web"
  log_group_name = aws_cloudwatch_log_group.app.name
}

resource "aws_cloudwatch_log_metric_filter" "plain" {
  name           = "plain"
  pattern        = "{ ($.eventName = \"ConsoleLogin\") && ($.errorMessage = \"Failed authentication\") }"
  log_group_name = aws_cloudwatch_log_group.app.name

  metric_transformation {
    name          = "Failed"
    namespace     = "Trails"
    value         = "1"
    default_value = "0"
  }
}

resource "aws_cloudwatch_log_metric_filter" "dimensions" {
  name           = "dimensions"
  pattern        = "[ip, user, ..., status = 4*, size]"
  log_group_name = aws_cloudwatch_log_group.app.name

  metric_transformation {
    name      = "Bytes"
    namespace = "Web"
    value     = "$size"
    unit      = "Bytes"
    dimensions = {
      User = "$user"
    }
  }
}

resource "aws_cloudwatch_log_metric_filter" "everything" {
  name           = "everything"
  pattern        = ""
  log_group_name = aws_cloudwatch_log_group.app.name

  metric_transformation {
    name      = "Events"
    namespace = "Web"
    value     = "1"
  }
}

resource "aws_sqs_queue" "taken" {
  name = "taken"
}

resource "aws_cloudwatch_log_subscription_filter" "taken" {
  name            = "taken"
  log_group_name  = aws_cloudwatch_log_group.app.name
  filter_pattern  = "ERROR"
  destination_arn = aws_sqs_queue.taken.arn
  distribution    = "ByLogStream"
}

resource "aws_cloudwatch_log_resource_policy" "writers" {
  policy_name = "writers"
  policy_document = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "es.amazonaws.com" }
      Action    = "logs:PutLogEvents"
      Resource  = "*"
    }]
  })
}
