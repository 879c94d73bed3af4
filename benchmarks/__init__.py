"""Speed and equality against the reference recipe; see README.md."""
