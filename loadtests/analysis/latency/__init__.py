"""Latency under stated loads, from open-loop trials. PURE."""
