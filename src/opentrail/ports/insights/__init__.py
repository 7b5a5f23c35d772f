"""Ports of Insights."""
