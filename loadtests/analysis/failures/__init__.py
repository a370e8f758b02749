"""Failed requests by their shape over the numbers of replicas. PURE."""
