"""Trails."""
