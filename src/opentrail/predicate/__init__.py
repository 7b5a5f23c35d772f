"""What is asked of a record, in whatever language: one tree, its predicate, an index of many."""
