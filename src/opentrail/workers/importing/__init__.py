"""The parts of an import: what to read, what digests say, the counts, what comes later."""
