"""Whom deliveries go to, and who publishes to topics."""
