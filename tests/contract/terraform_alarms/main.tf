# Alarms of every kind and a dashboard with every widget.

variable "threshold" {
  default = 1
}

variable "periods" {
  default = 1
}

data "aws_region" "here" {}

resource "aws_sns_topic" "told" {
  name = "alarms-told"
}

resource "aws_cloudwatch_metric_alarm" "root" {
  alarm_name          = "root-use"
  alarm_description   = "The root user did something: é"
  namespace           = "Trail"
  metric_name         = "RootUse"
  dimensions          = { Region = "us-east-1", Account = "all" }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = var.periods
  datapoints_to_alarm = 1
  threshold           = var.threshold
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  unit                = "Count"
  alarm_actions       = [aws_sns_topic.told.arn]
  ok_actions          = [aws_sns_topic.told.arn]
  tags                = { team = "security", threshold = var.threshold }
}

resource "aws_cloudwatch_metric_alarm" "slow" {
  alarm_name                            = "slow"
  namespace                             = "Trail"
  metric_name                           = "Latency"
  extended_statistic                    = "p99.5"
  evaluate_low_sample_count_percentiles = "ignore"
  period                                = 60
  evaluation_periods                    = 5
  threshold                             = 2.5
  comparison_operator                   = "GreaterThanThreshold"
  insufficient_data_actions             = [aws_sns_topic.told.arn]
  actions_enabled                       = false
}

resource "aws_cloudwatch_metric_alarm" "share" {
  alarm_name          = "share-of-errors"
  evaluation_periods  = 2
  threshold           = 10
  comparison_operator = "GreaterThanThreshold"

  metric_query {
    id          = "share"
    expression  = "100 * errors / calls"
    label       = "Share of errors"
    return_data = true
  }
  metric_query {
    id = "errors"
    metric {
      namespace   = "Trail"
      metric_name = "Errors"
      period      = 60
      stat        = "Sum"
      unit        = "Count"
    }
  }
  metric_query {
    id = "calls"
    metric {
      namespace   = "Trail"
      metric_name = "Calls"
      period      = 60
      stat        = "Sum"
      dimensions  = { Region = "us-east-1" }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "unusual" {
  alarm_name          = "unusual"
  evaluation_periods  = 1
  threshold_metric_id = "band"
  comparison_operator = "LessThanLowerOrGreaterThanUpperThreshold"

  metric_query {
    id          = "band"
    expression  = "ANOMALY_DETECTION_BAND(calls, ${var.periods})"
    label       = "Usual calls"
    return_data = true
  }
  metric_query {
    id          = "calls"
    return_data = true
    metric {
      namespace   = "Trail"
      metric_name = "Calls"
      period      = 300
      stat        = "Average"
    }
  }
}

resource "aws_cloudwatch_composite_alarm" "both" {
  alarm_name        = "both"
  alarm_description = "Root, while it is slow"
  alarm_rule        = "ALARM(${aws_cloudwatch_metric_alarm.root.alarm_name}) AND NOT OK(\"${aws_cloudwatch_metric_alarm.slow.arn}\")"
  alarm_actions     = [aws_sns_topic.told.arn]
  tags              = { team = "security" }

  actions_suppressor {
    alarm            = aws_cloudwatch_metric_alarm.share.alarm_name
    wait_period      = 60
    extension_period = var.periods
  }
}

resource "aws_cloudwatch_dashboard" "main" {
  dashboard_name = "trail"
  dashboard_body = jsonencode({
    start          = "-PT6H"
    periodOverride = "inherit"
    widgets = [
      {
        type = "metric", x = 0, y = 0, width = 12, height = 6
        properties = {
          metrics = [["Trail", "RootUse", "Region", "us-east-1", { stat = "Sum" }], [".", "Errors"]]
          region  = data.aws_region.here.name
          title   = "Root use above ${var.threshold}"
          period  = 300
        }
      },
      {
        type = "log", x = 12, y = 0, width = 12, height = 6
        properties = {
          query  = "SOURCE 'trail' | stats count(*) by eventName"
          region = data.aws_region.here.name
          view   = "table"
        }
      },
      { type = "text", properties = { markdown = "# Trail" } },
      { type = "alarm", properties = { alarms = [aws_cloudwatch_metric_alarm.root.arn] } },
    ]
  })
}
