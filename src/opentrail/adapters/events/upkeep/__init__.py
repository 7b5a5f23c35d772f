"""What is done to segments later: joined with others, freed of what is too old."""
