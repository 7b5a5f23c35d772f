"""SNS: topics, subscriptions and publishing."""
