"""`opentrail deliveries`, `opentrail functions` and `opentrail webhooks`."""
