"""Bringing deliveries to their targets."""
