"""The parts of `opentrail import`: what it reads, how it looks."""
