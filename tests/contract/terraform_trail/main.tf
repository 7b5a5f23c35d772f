# A trail with every block that the provider knows, and all that it delivers to.

variable "selectors" {
  description = "basic or advanced"
  default     = "basic"
}

variable "multi_region" {
  default = true
}

variable "organization" {
  default = false
}

variable "extras" {
  description = "Topic, log group, key and Insights of the trail"
  default     = true
}

data "aws_caller_identity" "me" {}
data "aws_region" "here" {}
data "aws_cloudtrail_service_account" "aws" {}
data "aws_organizations_organization" "all" {}

locals {
  account = data.aws_caller_identity.me.account_id
  trail   = "arn:aws:cloudtrail:${data.aws_region.here.name}:${local.account}:trail/complete"
  service = { type = "Service", identifiers = ["cloudtrail.amazonaws.com"] }
}

resource "aws_s3_bucket" "logs" {
  bucket        = "complete-logs"
  force_destroy = true
}

data "aws_iam_policy_document" "bucket" {
  statement {
    actions   = ["s3:GetBucketAcl"]
    resources = ["arn:aws:s3:::complete-logs"]
    principals {
      type        = local.service.type
      identifiers = local.service.identifiers
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceArn"
      values   = [local.trail]
    }
  }
  statement {
    actions = ["s3:PutObject"]
    resources = [
      "arn:aws:s3:::complete-logs/kept/AWSLogs/${local.account}/*",
      "arn:aws:s3:::complete-logs/kept/AWSLogs/${data.aws_organizations_organization.all.id}/*",
    ]
    principals {
      type        = local.service.type
      identifiers = local.service.identifiers
    }
    condition {
      test     = "StringEquals"
      variable = "s3:x-amz-acl"
      values   = ["bucket-owner-full-control"]
    }
  }
}

resource "aws_s3_bucket_policy" "logs" {
  bucket = aws_s3_bucket.logs.id
  policy = data.aws_iam_policy_document.bucket.json
}

resource "aws_sns_topic" "delivered" {
  name = "complete-delivered"
}

resource "aws_sns_topic_policy" "delivered" {
  arn = aws_sns_topic.delivered.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "cloudtrail.amazonaws.com" }
      Action    = "SNS:Publish"
      Resource  = aws_sns_topic.delivered.arn
    }]
  })
}

resource "aws_kms_key" "logs" {
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${local.account}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = "kms:GenerateDataKey*"
        Resource  = "*"
        Condition = {
          StringLike = { "kms:EncryptionContext:aws:cloudtrail:arn" = "arn:aws:cloudtrail:*:${local.account}:trail/*" }
        }
      },
    ]
  })
}

resource "aws_cloudwatch_log_group" "trail" {
  name = "complete"
}

resource "aws_iam_role" "to_logs" {
  name = "complete-to-logs"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "cloudtrail.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "to_logs" {
  role = aws_iam_role.to_logs.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.trail.arn}:log-stream:*"
    }]
  })
}

resource "aws_cloudtrail" "complete" {
  depends_on = [aws_s3_bucket_policy.logs, aws_sns_topic_policy.delivered, aws_iam_role_policy.to_logs]

  name                          = "complete"
  s3_bucket_name                = aws_s3_bucket.logs.id
  s3_key_prefix                 = "kept"
  include_global_service_events = true
  is_multi_region_trail         = var.multi_region
  is_organization_trail         = var.organization
  enable_log_file_validation    = true
  enable_logging                = true
  sns_topic_name                = var.extras ? aws_sns_topic.delivered.name : null
  kms_key_id                    = var.extras ? aws_kms_key.logs.arn : null
  cloud_watch_logs_group_arn    = var.extras ? "${aws_cloudwatch_log_group.trail.arn}:*" : null
  cloud_watch_logs_role_arn     = var.extras ? aws_iam_role.to_logs.arn : null

  dynamic "event_selector" {
    for_each = var.selectors == "basic" ? [1] : []
    content {
      read_write_type                  = "All"
      include_management_events        = true
      exclude_management_event_sources = ["kms.amazonaws.com"]
      data_resource {
        type   = "AWS::S3::Object"
        values = ["arn:aws:s3:::data/"]
      }
      data_resource {
        type   = "AWS::Lambda::Function"
        values = ["arn:aws:lambda"]
      }
    }
  }

  dynamic "advanced_event_selector" {
    for_each = var.selectors == "advanced" ? [1] : []
    content {
      name = "Writes to the data"
      field_selector {
        field  = "eventCategory"
        equals = ["Data"]
      }
      field_selector {
        field  = "resources.type"
        equals = ["AWS::S3::Object"]
      }
      field_selector {
        field       = "resources.ARN"
        starts_with = ["arn:aws:s3:::data/"]
        not_equals  = ["arn:aws:s3:::data/noise"]
      }
      field_selector {
        field  = "readOnly"
        equals = ["false"]
      }
    }
  }

  dynamic "advanced_event_selector" {
    for_each = var.selectors == "advanced" ? [1] : []
    content {
      field_selector {
        field  = "eventCategory"
        equals = ["Management"]
      }
    }
  }

  dynamic "insight_selector" {
    for_each = var.extras ? ["ApiCallRateInsight", "ApiErrorRateInsight"] : []
    content {
      insight_type = insight_selector.value
    }
  }

  tags = {
    Owner = "audit"
    Kind  = var.selectors
  }
}

output "home_region" {
  value = aws_cloudtrail.complete.home_region
}
