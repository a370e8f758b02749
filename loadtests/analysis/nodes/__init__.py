"""What a run took of several machines. PURE."""
