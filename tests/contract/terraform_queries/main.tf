terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

provider "aws" {
  region                      = "us-east-1"
  skip_metadata_api_check     = true
  skip_credentials_validation = true
}

variable "most" {
  default = 20
}

resource "aws_cloudwatch_log_group" "trails" {
  name = "trails"
}

resource "aws_cloudwatch_query_definition" "denied" {
  name            = "security/denied"
  log_group_names = [aws_cloudwatch_log_group.trails.name]
  query_string    = <<-EOT
    filter errorCode like /Denied/
    | stats count(*) as n by userIdentity.arn
    | limit ${var.most}
  EOT
}

resource "aws_cloudwatch_query_definition" "everywhere" {
  name         = "everywhere"
  query_string = "fields @timestamp, eventName | limit ${var.most}"
}
