"""Rules in the files of a directory."""
