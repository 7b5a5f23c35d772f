"""EventBridge's rules: event patterns, envelopes, what targets get, schedules. Pure."""
