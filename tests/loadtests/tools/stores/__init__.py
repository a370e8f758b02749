"""Stores and their clients."""
