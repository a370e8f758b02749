"""From two versions' windows to a verdict. PURE."""
