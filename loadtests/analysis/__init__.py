"""From samples to a verdict. PURE."""
