"""Locustfiles. They are named by path to the generator and never imported by the harness."""
