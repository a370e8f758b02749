"""Latency under stated loads: open-loop trials, after the closed-loop rounds."""
