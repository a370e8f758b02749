"""What a run says: pure functions from a result to text; nothing here prints."""
