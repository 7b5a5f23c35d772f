"""Targets: webhooks, functions, queues, topics, log groups, e-mail, calls of AWS."""
