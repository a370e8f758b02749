"""From options and a machine to everything that a run will do. PURE."""
