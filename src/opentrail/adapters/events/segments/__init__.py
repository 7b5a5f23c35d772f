"""One segment: its columns, its records, its open file."""
