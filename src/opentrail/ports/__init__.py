"""What OpenTrail needs from outside, as Protocols; nothing here does anything."""
