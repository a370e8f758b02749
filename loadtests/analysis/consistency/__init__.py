"""Whether all servers answer as one. PURE."""
