"""The stack of a run: brought up, proven, and surely down again."""
