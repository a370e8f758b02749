"""The replicas of a stack of processes: how they start, and which files they write."""
