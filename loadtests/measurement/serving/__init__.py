"""What serves the replicas: seen at the start of a run, and what the proxy may assume of it."""
