"""What a gate says: pure functions from a result to text, and the files they go to."""
