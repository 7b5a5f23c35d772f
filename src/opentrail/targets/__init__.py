"""What goes to targets and how: webhooks, functions, SNS messages, when to try again."""
