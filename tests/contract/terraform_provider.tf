# Beside the main.tf of every workspace; where and as whom it calls says its environment.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  s3_use_path_style = true
}
