"""Applications that break at a second server, and such that only look like it, as whole runs."""
