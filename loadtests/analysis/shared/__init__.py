"""What replicas share, and what they wait for there: locks, connections. PURE."""
