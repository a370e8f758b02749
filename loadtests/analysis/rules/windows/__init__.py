"""Rules for the windows themselves: were they long enough for what was measured? PURE."""
