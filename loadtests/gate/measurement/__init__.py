"""Loads that are put on a gate's stack: starts in pairs, and scaling blocks, look by look."""
