"""The highest rates that the load generator can reach. PURE."""
