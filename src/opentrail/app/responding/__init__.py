"""What OpenTrail does on its own: the outbox and its targets joined."""
