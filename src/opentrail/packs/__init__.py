"""Packs: sets of metric filters and alarms that one command installs, and removes again."""
