"""Samples both versions after their pairs, to name the functions that changed."""
