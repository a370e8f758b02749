"""Systems whose truth is known, and what the harness says of each; run by ``truth.py``."""
