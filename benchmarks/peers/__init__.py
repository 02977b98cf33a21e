"""What others would build or use for the same answers."""
