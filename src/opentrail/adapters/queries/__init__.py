"""Logs Insights on DuckDB over the store of events, and the book of queries; see engine."""
