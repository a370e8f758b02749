"""The gate: is one version of the system under test slower than another, or does it scale worse?"""
