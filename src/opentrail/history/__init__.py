"""Event history: 90 days of management events, looked up by one attribute."""
