"""Existing CloudTrail logs: what a source's objects are, and the records in them."""
