"""The locustfiles of the built-in workloads."""
