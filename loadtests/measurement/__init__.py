"""Measures on a stack that is up."""
