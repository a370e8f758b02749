"""The user's Compose file, read by Compose, as a project of our own."""
