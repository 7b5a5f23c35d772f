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
