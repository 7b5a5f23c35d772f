# What test_terraform.py creates, changes and destroys.

variable "comment" {
  default = "first"
}

resource "aws_vpc" "net" {
  cidr_block = "10.1.0.0/16"
  tags       = { Name = "net", Comment = var.comment }
}

resource "aws_subnet" "one" {
  vpc_id     = aws_vpc.net.id
  cidr_block = "10.1.0.0/24"
}

resource "aws_security_group" "web" {
  vpc_id = aws_vpc.net.id
  ingress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_iam_role" "function" {
  name        = "function"
  description = var.comment
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow", Action = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "function" {
  role = aws_iam_role.function.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "logs:*", Resource = "*" }]
  })
}

resource "aws_s3_bucket" "code" {
  bucket = "terraformed"
}

resource "aws_s3_object" "code" {
  bucket = aws_s3_bucket.code.id
  key    = "folder/code.zip"
  source = "${path.module}/code.zip"
}

resource "aws_lambda_function" "function" {
  function_name = "function"
  role          = aws_iam_role.function.arn
  runtime       = "python3.11"
  handler       = "main.handler"
  filename      = "${path.module}/code.zip"
  environment {
    variables = { TOKEN = "do-not-keep-me" }
  }
}
