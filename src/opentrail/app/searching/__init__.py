"""Searching the store of events: what command line and HTTP share, and the door of HTTP."""
