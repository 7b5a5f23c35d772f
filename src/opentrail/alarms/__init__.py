"""What is counted and watched: metric filters, statistics of datapoints, alarms and their rules."""
