"""The one writer of the journal: opened after a start, and what the run before left settled."""
