"""Asks running replicas whether they answer as one."""
