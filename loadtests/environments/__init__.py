"""Stacks: brought up, proven, and surely down again."""
