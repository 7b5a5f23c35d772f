"""Sigma rules: what they ask of records, what they make of many records, what they found."""
