"""Where Sigma rules come from, and where what they find goes."""
