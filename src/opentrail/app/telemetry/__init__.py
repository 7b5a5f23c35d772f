"""What a running server tells of itself: the log, the status file, the metrics."""
