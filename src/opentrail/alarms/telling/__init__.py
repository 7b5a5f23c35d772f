"""What is told of alarms: reasons, messages to targets, lines of history."""
