"""The validity rules. PURE."""
