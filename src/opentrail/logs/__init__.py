"""CloudWatch Logs: groups, streams, subscriptions, and what is asked of them."""
