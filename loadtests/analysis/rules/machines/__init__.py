"""Rules for runs on several machines: their clocks, their network, their speed. PURE."""
