"""Finding records by any of their fields: one filter language for command line, API and console."""
